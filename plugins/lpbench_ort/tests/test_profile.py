"""ONNX Runtime's own profile, as records for each layer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_ort.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

X = {"x": np.ones((1, 3, 8, 8), np.float32)}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_every_layer_has_a_record(models: Models, open_session: Opener, temporary: Path) -> None:
    """Three nodes without fusion, four runs: one record for each in order; the files are gone afterwards."""
    session = open_session(models.convolution(), profile=True, graph_optimization="disabled")
    for _ in range(4):
        session.run(X)
    records = session.profile()
    assert [(each["name"], each["type"]) for each in records] == [
        ("conv", "Conv"),
        ("relu", "Relu"),
        ("pool", "GlobalAveragePool"),
    ]
    assert [each["category"] for each in records] == ["convolution", "ReLU", "pooling"]
    assert {each["provider"] for each in records} == {"CPUExecutionProvider"}
    assert all(each["ns"] >= 0 and each["calls"] == 1 and each["precision"] == "F32" for each in records)
    assert records[0]["inputs"][0] == {"dtype": "float32", "shape": [1, 3, 8, 8]}
    assert records[2]["outputs"] == [{"dtype": "float32", "shape": [1, 8, 1, 1]}]
    assert list(temporary.iterdir()) == []


def test_a_profile_can_be_asked_for_again(models: Models, open_session: Opener, temporary: Path) -> None:
    session = open_session(models.convolution(), profile=True)
    session.run(X)
    assert session.profile() == session.profile()
    assert session.run(X)["y"].shape == (1, 8, 1, 1)


def test_no_profile_unless_it_was_asked_for(models: Models, open_session: Opener) -> None:
    session = open_session(models.convolution())
    with pytest.raises(EngineError, match="not opened with profile=True"):
        session.profile()


def test_a_profile_of_nothing_is_an_error(models: Models, open_session: Opener, temporary: Path) -> None:
    session = open_session(models.convolution(), profile=True)
    with pytest.raises(EngineError, match="the session has not run yet"):
        session.profile()


@pytest.mark.parametrize("ran", [False, True])
def test_closing_leaves_no_file(models: Models, open_session: Opener, temporary: Path, *, ran: bool) -> None:
    session = open_session(models.convolution(), profile=True)
    if ran:
        session.run(X)
    session.close()
    assert list(temporary.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from lpbench.plugin.engine import Model
from lpbench_ort._engine import OrtEngine
session = OrtEngine().open(Model("onnx", Path(sys.argv[1])), None, shapes={}, profile=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_session_leaves_is_gone_with_the_next(
    models: Models, open_session: Opener, temporary: Path
) -> None:
    command = [sys.executable, "-c", KILLED, str(models.convolution())]
    done = subprocess.run(command, env={**os.environ, "TMPDIR": str(temporary)}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(temporary.iterdir()) != []
    open_session(models.convolution(), profile=True).close()
    assert list(temporary.iterdir()) == []


def test_a_model_that_fails_to_open_leaves_no_file(models: Models, open_session: Opener, temporary: Path) -> None:
    path = models.convolution()
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(EngineError):
        open_session(path, profile=True)
    assert list(temporary.iterdir()) == []
