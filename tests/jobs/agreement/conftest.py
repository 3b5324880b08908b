"""Fixtures of the tests of agreement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.testing.setups import installed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def agreeing(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the plugin of matrix engines and of engines with outputs of many kinds, for this process and workers."""
    fakes = Path(__file__).parents[2] / "fakes"
    with installed("agreeing", fakes, tmp_path_factory.mktemp("site"), monkeypatch):
        yield
