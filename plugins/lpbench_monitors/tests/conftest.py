"""A machine made of files and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.testing import Machine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine without files and commands."""
    return Machine(tmp_path)
