"""``lpbench convert --to plan``: over the fake, where the plan is loaded, run and compared with its source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from plugins.lpbench_trt.tests.library import Library

from lpbench.plugin.converter import Conversion, ConversionError
from lpbench.plugin.engine import Model
from lpbench.testing import onnx_models
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake

FLOAT = onnx_models.FLOAT
node = onnx.helper.make_node


@pytest.fixture
def library(fake_sites: Mapping[str, Path], tmp_path: Path) -> Library:
    return Library(fake_sites["10"], tmp_path, {"FAKE_TENSORRT": "10"})


def network(path: Path, batch: int | str = 1) -> Path:
    weights = {"w": np.random.default_rng(2).standard_normal((4, 3)).astype(np.float32)}
    nodes = [node("MatMul", ["x", "w"], ["m"], name="product"), node("Relu", ["m"], ["y"], name="relu")]
    values = [("x", FLOAT, (batch, 4))], [("y", FLOAT, (batch, 3))]
    return onnx_models.save(path, nodes, *values, weights)


def lpbench(library: Library, *arguments: str | Path) -> str:
    done = library.run("-m", "lpbench", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def app(folder: Path, batch: int | str = 1) -> Path:
    folder.mkdir()
    network(folder / "model.onnx", batch)
    (folder / "samples").mkdir()
    np.savez(folder / "samples" / "one.npz", x=np.ones((1, 4), np.float32))
    return write_app(folder, {"onnx": {"file": "model.onnx"}}, samples=["samples"])


def provenance(folder: Path) -> Mapping[str, Any]:
    config = json.loads((folder / "ai_app_config.json").read_text(encoding="utf-8"))
    found: Mapping[str, Any] = config["components"][0]["inference"]["models"]["plan"]["provenance"]
    return found


@pytest.mark.long
@pytest.mark.parametrize("batch", [1, "N"])
def test_a_converted_app_runs_the_plan(library: Library, tmp_path: Path, batch: int | str) -> None:
    folder = app(tmp_path / "app", batch)
    lpbench(library, "convert", folder, "--to", "plan", "--set", "workspace_mb=64")
    said = provenance(folder)
    assert said["converter"].startswith("tensorrt")
    assert "10.16.1+fake" in json.dumps(said)
    assert "workspace_mb" in json.dumps(said)
    assert said.get("checked")
    told = lpbench(library, "run", folder, "--engine", "tensorrt", "--number", "20", "--runs", "1", "--json")
    assert "10.16.1+fake" in told


@pytest.mark.long
def test_an_app_that_was_quantised_runs_as_its_variant(library: Library, tmp_path: Path) -> None:
    """The variant is an ONNX file of ONNX Runtime's converter; it is not taken for one in F32, which is the default."""
    folder = app(tmp_path / "app")
    lpbench(library, "quantize", folder, "--precision", "S8")
    how = ("--number", "20", "--runs", "1", "--json")
    for precision in ("S8", "auto"):
        words = f"tensorrt:variant=s8:precision={precision}"
        (told,) = library.ask("-m", "lpbench", "run", folder, "--engine", words, *how)["configurations"]
        assert told["configuration"]["variant"] == "s8"
        assert told["facts"]["precision"] == "S8"
    refused = library.run("-m", "lpbench", "run", folder, "--engine", "tensorrt:variant=s8", *how)
    assert refused.returncode != 0
    assert "request S8" in refused.stderr


def test_an_unknown_option_is_refused_with_those_that_there_are(library: Library, tmp_path: Path) -> None:
    done = library.run("-m", "lpbench", "convert", app(tmp_path / "app"), "--to", "plan", "--set", "workspac_mb=1")
    assert done.returncode != 0
    assert "workspace_mb" in done.stderr


@pytest.mark.long
def test_any_failing_call_ends_in_an_error_or_in_a_whole_plan(
    fake_tensorrt: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is raised, no file is left, and nothing of the library is kept."""
    from lpbench_trt._convert import TensorrtConverter

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = Model("onnx", network(tmp_path / "model.onnx", "N"))

    def convert(folder: Path) -> tuple[str, list[str]]:
        """Return the error, if there is one, and the calls."""
        folder.mkdir()
        fake_tensorrt.begin()
        try:
            TensorrtConverter().convert(source, Conversion(folder, folder, "F16"))
            told = ""
        except ConversionError as error:
            told = str(error)
        assert fake_tensorrt.wrong() == []
        return told, fake_tensorrt.calls()

    error, calls = convert(tmp_path / "whole")
    assert not error
    errors = []
    for number in range(1, len(calls) + 1):
        monkeypatch.setenv("FAKE_FAIL_AT", str(number))
        error, _ = convert(tmp_path / str(number))
        assert bool(error) != bool(list((tmp_path / str(number)).iterdir()))
        errors += [error] if error else []
    assert len(errors) > 5
    assert all(str(source.path) in error for error in errors)
