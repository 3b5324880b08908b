"""``lpbench convert --to om`` as a user runs it: on a board over the fake, on a host without an NPU, interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_acl.tests.stub_atc import Stub

from lpbench.jobs import conversion
from lpbench.plugin.converter import ConversionError
from lpbench.testing.conversions import OnnxModels
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

SOC = "Ascend310P3"
FOR_IT = ("--set", f"soc={SOC}")


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Return an ``atc`` on a machine without AscendCL."""
    folder = tmp_path / "stub"
    folder.mkdir()
    return Stub(folder, monkeypatch)


@pytest.fixture
def board(fake_acl: Fake) -> Iterator[Fake]:
    """Return the fake for processes: what they hold when they end goes with them, and misuse remains a failure."""
    yield fake_acl
    fake_acl.excuse()
    assert [entry.detail for entry in fake_acl.written() if entry.what == "misuse"] == []


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def app(folder: Path, batch: int | str = 1) -> Path:
    """Write an app with one sample."""
    folder.mkdir()
    OnnxModels(folder).network(batch)
    (folder / "samples").mkdir()
    np.savez(folder / "samples" / "one.npz", image=np.ones((1, 3, 8, 8), np.float32))
    return write_app(folder, {"onnx": {"file": "model.onnx"}}, samples=["samples"])


def lpbench(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lpbench", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def converted(folder: Path, *words: str) -> str:
    """Convert an app and return what is printed."""
    done = lpbench("convert", folder, "--to", "om", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(folder: Path, *words: str) -> str:
    """Return the error of a conversion that changes nothing in the app."""
    before = sorted(folder.rglob("*"))
    done = lpbench("convert", folder, "--to", "om", *words)
    assert done.returncode != 0
    assert sorted(folder.rglob("*")) == before
    return done.stderr


def provenance(folder: Path) -> Mapping[str, Any]:
    config = json.loads((folder / "ai_app_config.json").read_text(encoding="utf-8"))
    models = config["components"][0]["inference"]["models"]
    entries = models if isinstance(models, list) else models.values()  # a list where the precision has a name
    (found,) = (entry["provenance"] for entry in entries if "provenance" in entry)
    return dict(found)


@pytest.mark.long
@pytest.mark.parametrize("precision", ["F16", "F32"])
def test_on_a_board_a_product_is_checked_and_runs(board: Fake, tmp_path: Path, precision: str) -> None:
    """The fake is asked for its NPU: the product depends on it."""
    folder = app(tmp_path / "app")
    assert "checked on acl" in converted(folder, "--precision", precision)
    said = provenance(folder)
    assert said["bound"] == {"CANN": "8.0.0+fake", "NPU": SOC}
    assert said["tools"] == {"CANN": "8.0.0+fake"}
    assert said["checked"]["cosine"] > 0.999
    done = lpbench("run", folder, "--engine", "acl", "--number", "5", "--runs", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert f'"soc": "{SOC}"' in done.stdout


@pytest.mark.long
def test_gears_are_checked_in_the_batch_of_the_check(board: Fake, tmp_path: Path) -> None:
    folder = app(tmp_path / "app", "N")
    assert "checked on acl" in converted(folder, *FOR_IT, "--set", "batches=1,4")
    assert provenance(folder)["options"] == {"soc": SOC, "batches": [1, 4]}
    assert "no gear is 1" in refused(folder, *FOR_IT, "--set", "batches=2,4", "--force")


@pytest.mark.long
def test_open_sizes_of_a_bare_model_are_those_that_are_given(board: Fake, tmp_path: Path) -> None:
    OnnxModels(tmp_path).network("N")
    done = lpbench("convert", tmp_path / "model.onnx", "--to", "om", *FOR_IT, "--shape", "image=2,3,8,8")
    assert done.returncode == 0, done.stderr
    assert "checked on acl" in done.stdout


@pytest.mark.long
def test_without_an_npu_a_product_is_refused_before_atc_runs_and_kept_when_asked(stub: Stub, tmp_path: Path) -> None:
    folder = app(tmp_path / "app", "N")
    told = refused(folder, *FOR_IT)
    assert "acl cannot run it here" in told
    assert "--unchecked" in told
    assert not (stub.home / "pid").exists()
    assert "unchecked" in converted(folder, *FOR_IT, "--unchecked", "--set", "batches=1,4")
    assert "--dynamic_batch_size=1,4" in stub.words
    said = provenance(folder)
    assert (said["options"], said["tools"]) == ({"soc": SOC, "batches": [1, 4]}, {"CANN": "8.0.0"})
    assert said["precision"] == "F16"
    assert "acl cannot run it here" in said["unchecked"]
    assert "checked" not in said


@pytest.mark.long
def test_a_compiler_that_hangs_is_ended_and_said_to_hang(stub: Stub, tmp_path: Path) -> None:
    """It goes on printing dots, as the real one would."""
    stub.does("print('linking', flush=True)\nwhile True: print('.', end='', flush=True); time.sleep(0.1)")
    with pytest.raises(ConversionError, match="took longer than 4 s converting") as caught:
        conversion.convert(app(tmp_path / "app"), "om", options={"soc": SOC}, unchecked=True, timeout=4)
    assert "linking" in str(caught.value)
    with pytest.raises(ProcessLookupError):
        os.kill(stub.pid, 0)


@pytest.mark.long
def test_an_interrupted_conversion_leaves_no_process_and_no_file(stub: Stub, cache: Path, tmp_path: Path) -> None:
    stub.does("time.sleep(600)")
    folder = app(tmp_path / "app")
    before = sorted(folder.rglob("*"))
    command = [sys.executable, "-m", "lpbench", "convert", str(folder), "--to", "om", *FOR_IT, "--unchecked"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        while not (stub.home / "pid").exists():
            assert process.poll() is None, process.stdout and process.stdout.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    with pytest.raises(ProcessLookupError):
        os.kill(stub.pid, 0)
    assert sorted(folder.rglob("*")) == before
    assert not [path for path in cache.rglob("*") if path.suffix in {".om", ".onnx"}]
