"""Fixtures of the tests of sweeps."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from lpbench.jobs.sweep import _sweep


@pytest.fixture(scope="session")
def pretended() -> Any:
    """Return the module of sweeps that measure nothing."""
    place = Path(__file__).with_name("pretended.py")
    spec = importlib.util.spec_from_file_location("pretended", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pretended"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ledger(pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have sweeps measure nothing, and return what they would have measured."""
    found = pretended.Ledger(tmp_path / "ledger")
    monkeypatch.setattr(_sweep, "measure", found)
    return found
