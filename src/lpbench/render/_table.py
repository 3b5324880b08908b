"""Text tables: a header with units, aligned columns, groups of columns under a common heading."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from lpbench.util.text import cells, clean, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.util.shown import Sheet

    Paint = Callable[[str, str], str]
    """Adds a style to a text: ``bold``, ``dim``, ``good``, ``bad`` or ``warn``."""

GAP = 2
LONGEST = 5000
"""Characters of a paragraph that are shown."""
LEAST = 8
"""Columns of the terminal to which words are cut before numbers are."""


def unstyled(text: str, _style: str) -> str:
    """Return the text unchanged: for files, pipes and terminals without colour."""
    return text


@dataclass(frozen=True, eq=False, repr=False)  # each generated method costs start-up time
class Column:
    """One column of a table.

    :param title: The header, with the unit if the values have one.
    :param left: Align to the left, for words; numbers are aligned to the right.
    :param group: Heading shared by adjacent columns with the same group.
    :param whole: Never cut it before numbers, although it is aligned to the left: an interval, a verdict.
    """

    title: str
    left: bool = False
    group: str = ""
    whole: bool = False

    @property
    def words(self) -> bool:
        """Whether a cell may be cut where the terminal is narrow."""
        return self.left and not self.whole


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, gap: int = GAP) -> list[str]:
    """Return the lines of a table, groups and header first; columns without title and content are left out."""
    every = _widths(columns, rows)
    used = [at for at, size in enumerate(every) if size]
    kept, widths = [columns[at] for at in used], [every[at] for at in used]
    grid = [[column.title for column in kept], *([row[at] for at in used] for row in rows)]
    lines = [_line(kept, row, widths, gap) for row in grid]
    groups = _groups(kept, widths, gap)
    return [groups, *lines] if groups else lines


def fit(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str] | None:
    """Return a table at most ``width`` wide, with narrower gaps if necessary; None if it does not fit."""
    widths = list(filter(None, _widths(columns, rows)))
    for gap in (GAP, 1):
        if sum(widths) + gap * (len(widths) - 1) <= width:  # before lines are padded to the widest cell
            lines = table(columns, rows, gap=gap)
            if max(map(cells, lines)) <= width:
                return lines
    return None


def narrow(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return a table at most ``width`` wide: what does not fit is cut, and ends in an ellipsis.

    Words are cut before numbers, the longest first, and those of the first column last.
    """
    return fit(columns, rows, width) or _cut(columns, rows, width)


def blocks(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int, *, names: int = LEAST
) -> list[list[str]]:
    """Return a table at most ``width`` wide, as several blocks where numbers would have to be cut.

    Each block begins with the first column.

    :param names: Columns of the terminal to which the first column may be cut, rather than begin another block.
    """
    whole = fit(columns, rows, width)
    if whole is not None:
        return [whole]
    sizes = zip(columns, _widths(columns, rows), strict=True)
    least = [min(size, LEAST) if column.words else size for column, size in sizes]
    least[0] = min(_widths(columns, rows)[0], names)
    parts: list[list[int]] = [[0]]
    for at in range(1, len(columns)):
        if len(parts[-1]) > 1 and sum(least[each] + 1 for each in (*parts[-1], at)) - 1 > width:
            parts.append([0])
        parts[-1].append(at)
    return [narrow([columns[at] for at in part], [[row[at] for at in part] for row in rows], width) for part in parts]


def hanging(text: str, width: int, indent: int = 2) -> list[str]:
    """Return a text wrapped to ``width``, each line set in and those after the first further; words stay whole."""
    import textwrap  # not needed for most listings

    text = _within(text)
    first, later = " " * indent, " " * (indent + 2)
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def wrapped(text: str, width: int) -> list[str]:
    """Return a text wrapped to ``width``, each line after the first set in."""
    import textwrap

    return textwrap.wrap(_within(text), width, subsequent_indent="  ")


def _within(text: str) -> str:
    """Return a text without what nobody reads on a screen; wrapping takes the square of a long word's length."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _cut(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return a table whose cells are shortened to widths that fit."""
    widths = [min(size, max(width, 1)) for size in _widths(columns, rows)]
    gaps = sum(map(bool, widths)) - 1
    words = [at for at, column in enumerate(columns) if column.words]
    for able, least in (([at for at in words if at], LEAST), (words, LEAST), (range(len(columns)), 1)):
        while sum(widths) + gaps > width:
            widest = max((at for at in able if widths[at] > least), key=lambda at: widths[at], default=None)
            if widest is None:
                break
            widths[widest] -= 1
    sized = zip(columns, widths, strict=True)
    titles = [Column(shorten(column.title, size), column.left) for column, size in sized]
    cut = [[shorten(cell, size) for cell, size in zip(row, widths, strict=True)] for row in rows]
    return table(titles, cut, gap=1)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the width of each column; 0 where there is neither title nor content."""
    return [max(map(cells, [column.title, *(row[at] for row in rows)])) for at, column in enumerate(columns)]


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


def sheet_lines(sheet: Sheet, width: int, paint: Paint = unstyled) -> list[str]:
    """Return a value's table with its lines above and its notes below, at most ``width`` wide."""
    lines = [paint(line, "bold") for text in sheet.lines for line in hanging(clean(text), width, 0)]
    if sheet.rows:
        columns = [Column(title, left=True) for title in sheet.header]
        header, *rows = narrow(columns, [list(map(clean, row)) for row in sheet.rows], width)
        lines += [paint(header, "dim"), *rows]
    return [*lines, *(paint(line, "dim") for note in sheet.notes for line in hanging(clean(note), width, 0))]
