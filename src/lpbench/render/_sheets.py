"""Values as text and as HTML: results, comparisons and agreements by their own screens, others by their sheets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from lpbench.datasheets import Catalogue, DataSheet
from lpbench.jobs.agreement import Agreed
from lpbench.jobs.analysis import AnalysisReport
from lpbench.jobs.quantizing import Quantized
from lpbench.render import (
    WIDTH,
    Column,
    _html,
    agreement,
    analysis,
    choice,
    comparison,
    datasheets,
    exchange,
    fit,
    optimised,
    quantization,
    sweep,
    text,
    unstyled,
)
from lpbench.render._table import wrapped
from lpbench.results.choosing import Selection
from lpbench.results.comparison import Compared
from lpbench.results.exchange import Dataset
from lpbench.results.model import Result
from lpbench.results.optimised import Optimised
from lpbench.results.sweep import Sweep
from lpbench.util.shown import Sheet, Shown
from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SCREENS: tuple[tuple[type[Shown], Callable[[Any], Sequence[str]]], ...] = (
    (Compared, partial(comparison.one_screen, width=WIDTH, paint=unstyled)),
    (Agreed, partial(agreement.screen, width=WIDTH, paint=unstyled, verbose=False)),
    (Sweep, lambda value: sweep.screen(value.best_first(), width=WIDTH, paint=unstyled)),
    (Quantized, partial(quantization.screen, width=WIDTH, paint=unstyled)),
    (AnalysisReport, partial(analysis.screen, width=WIDTH, paint=unstyled)),
    (Catalogue, partial(datasheets.listing, width=WIDTH, paint=unstyled)),
    (Dataset, partial(exchange.screen, width=WIDTH, paint=unstyled, verbose=False)),
    (Optimised, partial(optimised.screen, width=WIDTH, paint=unstyled)),
    (DataSheet, partial(datasheets.detail, width=WIDTH, paint=unstyled)),
)
"""What lays out the values that have a screen of their own."""


def as_text(value: Shown) -> str:
    """Return a value as it is printed: what the command line prints of it, without colour."""
    if isinstance(value, Result):
        return text(value)
    if isinstance(value, Selection):
        return "\n".join(choice.screen(value, width=WIDTH, paint=unstyled))
    return "\n".join(_screen(value)) or _parts(value, as_text) or _sheet_text(_sheet(value))


def as_html(value: Shown) -> str:
    """Return a value as an HTML fragment."""
    if isinstance(value, Result):
        return _html.fragment(value)
    if isinstance(value, Sweep):
        return sweep.html(value.best_first())
    if isinstance(value, Selection):
        return _html.div(choice.html(value))
    if isinstance(value, Optimised):
        return optimised.html(value)
    parts = _html_parts(value)
    return (_html.div(parts) if parts else _parts(value, as_html)) or _html.div(_sheet_html(_sheet(value)))


def _screen(value: Shown) -> Sequence[str]:
    """Return the lines of a value that has a screen of its own; of others nothing."""
    screen = next((screen for kind, screen in SCREENS if isinstance(value, kind)), None)
    return screen(value) if screen else ()


def _html_parts(value: Shown) -> Sequence[str]:
    """Return the fragments of a value that has a screen of its own; of others nothing."""
    if isinstance(value, Compared):
        return comparison.one_html(value)
    if isinstance(value, Agreed):
        return agreement.html(value)
    if isinstance(value, Quantized):
        return quantization.html(value)
    if isinstance(value, AnalysisReport):
        return analysis.html(value)
    return ()


def _parts(value: Shown, show: Callable[[Shown], str]) -> str:
    """Return what several values look like, one below the other; nothing where it is not a collection of such."""
    parts = list(value) if isinstance(value, tuple) else []
    known = [part for part in parts if isinstance(part, Shown)]
    return "\n".join(show(part) for part in known) if known and len(known) == len(parts) else ""


def _sheet(value: Shown) -> Sheet:
    """Return a value's sheet; of one that holds nothing, a line that says so."""
    sheet = value.sheet()
    empty = not (sheet.lines or sheet.rows or sheet.notes)
    return Sheet((value.in_short() or "none",)) if empty else sheet


def _sheet_text(sheet: Sheet) -> str:
    columns = [Column(title, left=True) for title in sheet.header]
    rows = [list(map(clean, row)) for row in sheet.rows]
    grid = (fit(columns, rows, WIDTH) or _entries(sheet.header, rows)) if rows else []
    return "\n".join([*map(clean, sheet.lines), *grid[not any(sheet.header) :], *map(clean, sheet.notes)])


def _entries(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return what does not fit beside each other below each other, a line of titles above."""
    lines = ["  ".join(filter(None, header))]
    for first, *others in rows:
        lines.append(first)
        for cell in filter(None, others):
            lines += [f"  {line}" for line in wrapped(cell, WIDTH - 2)]
    return lines


def _sheet_html(sheet: Sheet) -> list[str]:
    columns = [Column(title, left=True) for title in sheet.header]
    grid = [_html.grid(columns, sheet.rows, sheet.styles, wrap=True)] if sheet.rows else []
    return [*map(_html.paragraph, sheet.lines), *grid, *map(_html.paragraph, sheet.notes)]
