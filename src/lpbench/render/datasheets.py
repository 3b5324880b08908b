"""Data sheets as text: a catalogue as a table that fits, one row in full."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from lpbench.render import Column, fit, hanging, narrow
from lpbench.util.text import cells, clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.datasheets import Catalogue, DataSheet
    from lpbench.render._table import Paint

S = TypeVar("S", bound="DataSheet")
LEAST = 16
"""Columns of the terminal below which words of a listing are left out rather than cut."""


def listing(catalogue: Catalogue[S], *, width: int, paint: Paint) -> list[str]:
    """Return a catalogue as a table at most ``width`` wide, with as many columns as fit."""
    if not catalogue:
        return [f"no {catalogue.kind} are like that"]
    sheet = catalogue.sheet()
    rows = [list(map(clean, row)) for row in sheet.rows]
    kept = _columns(sheet.header, rows, width)
    columns = [Column(title, left=True, whole=not at) for at, title in enumerate(sheet.header[:kept])]
    header, *lines = narrow(columns, [row[:kept] for row in rows], width)
    notes = [paint(line, "dim") for note in sheet.notes for line in hanging(clean(note), width, 0)]
    return [paint(header, "dim"), *lines, *notes]


def detail(row: DataSheet, *, width: int, paint: Paint) -> list[str]:
    """Return everything about a row: a table, or where that is too wide each attribute on lines of its own."""
    sheet = row.sheet()
    rows = [list(map(clean, each)) for each in sheet.rows]
    grid = fit([Column("", left=True), Column("", left=True)], rows, width)
    below = [line for title, value in rows for line in hanging(f"{title}: {value}", width)]
    notes = [paint(line, "dim") for note in sheet.notes for line in hanging(clean(note), width, 0)]
    return [paint(row.id, "bold"), *(grid[1:] if grid else below), *notes]


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> int:
    """Return how many columns fit, from the first, which stays whole: its words are typed again."""
    widest = [max(map(cells, column)) for column in zip(header, *rows, strict=True)]
    taken = accumulate([widest[0], *(min(size, LEAST) + 1 for size in widest[1:])])
    return max(1, sum(1 for columns in taken if columns <= width))
