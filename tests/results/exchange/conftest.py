"""Fixtures of the tests of published data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.results.table import Value

    Columns = dict[str, list[Value]]

TYPES = {str: "str", int: "int", float: "float"}
STAIRWAI = Path(__file__).parents[4] / "shared" / "stairwai"
"""The data of the StairwAI project; it has no licence and is no part of this project."""


@pytest.fixture
def stairwai() -> Path:
    """Return the folder of the published data, or skip the test."""
    if not STAIRWAI.is_dir():
        pytest.skip(f"needs stairwai: the published data in {STAIRWAI}")
    return STAIRWAI


@pytest.fixture
def described() -> Callable[..., dict[str, Any]]:
    """Return what writes the descriptor of columns, of which the last few are targets."""
    return _described


@pytest.fixture
def pair() -> Callable[..., Path]:
    """Return what writes a pair of some columns into a folder and returns its descriptor."""

    def write(folder: Path, columns: Columns, targets: int = 1, **more: Any) -> Path:
        folder.mkdir(exist_ok=True, parents=True)
        document = _described(columns, targets, **more)
        file = folder / f"{document['name']}_{document['HW_ID']}.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        rows = zip(*columns.values(), strict=True)
        lines = [",".join(columns), *(",".join("" if value is None else str(value) for value in row) for row in rows)]
        file.with_suffix(".csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
        return file

    return write


def _described(columns: Columns, targets: int, **more: Any) -> dict[str, Any]:
    names = list(columns)
    split = len(names) - targets
    variables = [
        {"ID": name, "description": None, "type": TYPES[type(columns[name][0])], "LB": None, "UB": None}
        for name in names[:split]
    ]
    return {
        "name": "saxpy",
        "HW_ID": "pc",
        "HW_price": None,
        "hyperparams": variables,
        "targets": [{"ID": name, "description": None, "LB": None, "UB": None} for name in names[split:]],
        **more,
    }
