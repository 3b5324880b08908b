"""Text tables: a header with units, aligned columns, groups of columns under a common heading."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from lpbench.util.text import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Paint = Callable[[str, str], str]
    """Adds a style to a text: ``bold``, ``dim``, ``good``, ``bad`` or ``warn``."""

GAP = 2


def unstyled(text: str, _style: str) -> str:
    """Return the text unchanged: for files, pipes and terminals without colour."""
    return text


@dataclass(frozen=True)
class Column:
    """One column of a table.

    :param title: The header, with the unit if the values have one.
    :param left: Align to the left, for words; numbers are aligned to the right.
    :param group: Heading shared by adjacent columns with the same group.
    """

    title: str
    left: bool = False
    group: str = ""


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, gap: int = GAP) -> list[str]:
    """Return the lines of a table, groups and header first; columns without title and content are left out."""
    used = [at for at, column in enumerate(columns) if column.title or any(row[at] for row in rows)]
    kept = [columns[at] for at in used]
    grid = [[column.title for column in kept], *([row[at] for at in used] for row in rows)]
    widths = [max(map(cells, column)) for column in zip(*grid, strict=True)]
    lines = [_line(kept, row, widths, gap) for row in grid]
    groups = _groups(kept, widths, gap)
    return [groups, *lines] if groups else lines


def fit(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str] | None:
    """Return a table at most ``width`` wide, with narrower gaps if necessary; None if it does not fit."""
    for gap in (GAP, 1):
        lines = table(columns, rows, gap=gap)
        if max(map(cells, lines)) <= width:
            return lines
    return None


def _line(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int], gap: int) -> str:
    padded = [
        text + " " * (width - cells(text)) if column.left else " " * (width - cells(text)) + text
        for column, text, width in zip(columns, row, widths, strict=True)
    ]
    return (" " * gap).join(padded).rstrip()


def _groups(columns: Sequence[Column], widths: Sequence[int], gap: int) -> str:
    """Return the line of group headings, each centred over its columns."""
    parts = []
    for group, members in groupby(zip(columns, widths, strict=True), key=lambda member: member[0].group):
        sizes = [width for _, width in members]
        parts.append(group.center(sum(sizes) + gap * (len(sizes) - 1)))
    return (" " * gap).join(parts).rstrip()
