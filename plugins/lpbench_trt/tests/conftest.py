"""The fake of TensorRT and CUDA, installed where a test asks for it."""

from __future__ import annotations

import importlib
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from plugins.lpbench_trt.tests.fake_site import Fake, Sites

import lpbench_trt
from lpbench.testing.fixtures import Opener, in_folder
from lpbench.testing.onnx_models import Graphs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

_kept: dict[str, ModuleType] = {}
"""The modules of the fake between the tests that use it: a process has one TensorRT."""


@pytest.fixture(scope="session")
def fake_sites(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return the folders for the module search path, by version."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    return Sites(tmp_path_factory.mktemp("fake"))


def _taken() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == "tensorrt"]
    return {name: sys.modules.pop(name) for name in names}


@pytest.fixture
def fake_tensorrt(fake_sites: Sites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tried: Path) -> Iterator[Fake]:
    """Install the fake for this process and those that it starts, with a cache of the test's own for plans."""
    shutil.copytree(tried, tmp_path / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fake = Fake(tmp_path / "ledger.jsonl", monkeypatch, fake_sites)
    fake.install(fake_sites["10"], tensorrt="10")
    sys.modules.update(_kept)
    fake.begin()
    yield fake
    _kept.update(_taken())
    importlib.invalidate_caches()


@pytest.fixture
def open_session(fake_tensorrt: Fake) -> Iterator[Opener]:
    """Return what opens models on the fake, and closes every session after the test."""
    assert fake_tensorrt.module  # before the plugin imports TensorRT
    opened = Opener(lpbench_trt, "tensorrt")
    yield opened
    opened.close()


models = in_folder(Graphs)
