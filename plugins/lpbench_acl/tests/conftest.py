"""The fake of CANN, installed where a test asks for it."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import TYPE_CHECKING

import pytest
from plugins.lpbench_acl.tests.fake_site import Fake, Site, build

import lpbench_acl
from lpbench.testing import ledger
from lpbench.testing.fixtures import Opener, in_folder
from lpbench.testing.onnx_models import Graphs
from lpbench_acl import _runtime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

_kept: dict[str, ModuleType] = {}
"""The modules of the fake between the tests that use it: a process has one AscendCL."""


@pytest.fixture(scope="session")
def fake_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return the toolkit's folder."""
    return build(tmp_path_factory.mktemp("fake") / "cann")


def _taken() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == "acl"]
    return {name: sys.modules.pop(name) for name in names}


@pytest.fixture
def fake_acl(
    fake_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Fake]:
    """Install the fake for this process and those that it starts; the test must leave nothing behind in them."""
    monkeypatch.setenv("FAKE_LEDGER", str(tmp_path / "ledger.jsonl"))
    monkeypatch.setenv("ASCEND_TOOLKIT_HOME", str(fake_site.root))
    monkeypatch.setenv("PATH", str(fake_site.programs), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(fake_site.packages), prepend=os.pathsep)
    monkeypatch.syspath_prepend(str(fake_site.packages))
    fake = Fake(tmp_path / "ledger.jsonl", monkeypatch, fake_site, tmp_path)
    sys.modules.update(_kept)
    if request.path.name.startswith("test_fake"):  # these start AscendCL themselves
        fake.module.fake_reset()
    elif _runtime._started.cache_info().currsize:  # the plugin starts it once a process, and those end it
        fake.module.init()
    fake.module.fake_begin()
    yield fake
    gc.collect()
    left = [] if fake.excused else [*ledger.wrong(fake.report()), *ledger.wrong(fake.written())]
    _kept.update(_taken())
    importlib.invalidate_caches()
    assert not left


@pytest.fixture
def open_session(fake_acl: Fake) -> Iterator[Opener]:
    """Return what opens models on the fake, and closes every session after the test."""
    opened = Opener(lpbench_acl, "acl")
    yield opened
    opened.close()


models = in_folder(Graphs)
