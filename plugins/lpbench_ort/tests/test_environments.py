"""Environments with other releases of the library, and with other Pythons: real ones, from the registry."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from lpbench.cli import main

onnx = pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the environments where nobody else looks for them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.mark.long
def test_two_releases_of_a_library_are_compared(tmp_path: Path, capsys: Capture) -> None:
    """The recipe of the documentation, with what a registry has."""
    if _offline():
        pytest.skip("needs network")
    for name, release in (("old", "1.30.0"), ("new", "1.31.1")):
        assert main(["env", "create", name, "--with", f"onnxruntime=={release}"]) == 0
    assert "next: lpbench compare --live APP --engine ENGINE@env:new --engine ENGINE" in capsys.readouterr().out
    program = next((tmp_path / "cache").rglob("environments/old/bin/lpbench"))
    listed = subprocess.run([program, "env", "list"], capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["env:new", "env:old"], "its own lpbench runs"
    model, page = _model(tmp_path), tmp_path / "page.md"
    sides = ("--engine", "onnxruntime@env:old", "--engine", "onnxruntime@env:new")
    words = ("--runs", "4", "--max-time", "3", "--threads", "1", "--summary", str(page), "--json")
    capsys.readouterr()
    assert main(["compare", "--live", str(model), *sides, *words]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["basis"] == "lockstep"
    assert found["software"]["onnxruntime"] == ["1.30.0", "1.31.1"]
    assert set(found["software"]) <= {"environment", "onnxruntime"}
    assert "onnxruntime 1.30.0 → 1.31.1" in page.read_text(encoding="utf-8").replace("\\", "")


@pytest.mark.long
@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_another_python_is_compared_with_this_one(tmp_path: Path, capsys: Capture, version: str) -> None:
    if _offline():
        pytest.skip("needs network")
    release = metadata.version("onnxruntime")
    if main(["env", "create", "other", "--with", f"onnxruntime=={release}", "--python", version]) != 0:
        assert f"Python {version} is not installed" in capsys.readouterr().err
        pytest.skip(f"needs python {version}")
    words = ("--engine", "onnxruntime@env:other", "--engine", "onnxruntime", "--runs", "2", "--max-time", "1", "--json")
    capsys.readouterr()
    assert main(["compare", "--live", str(_model(tmp_path)), *words]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["software"]["environment"][0] != found["software"]["environment"][1]
    if not sys.version.startswith(f"{version}."):
        assert found["software"]["python"][0].startswith(f"cpython {version}.")


def _model(place: Path) -> Path:
    helper, types = onnx.helper, onnx.TensorProto
    ends = [helper.make_tensor_value_info(name, types.FLOAT, [1, 64]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, place / "model.onnx")
    return place / "model.onnx"


def _offline() -> bool:
    """Return whether pip does not reach its registry, asked as the check of skips asks."""
    options = ["-q", "--dry-run", "--no-deps", "--no-cache-dir", "--ignore-installed"]
    ask = [sys.executable, "-m", "pip", "install", *options, "pluggy"]
    return subprocess.run(ask, capture_output=True, check=False).returncode != 0
