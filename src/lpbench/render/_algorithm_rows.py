"""The rows of an algorithm as people read them: what was set, then what was measured with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.render._numbers import around, digits
from lpbench.render._table import Column
from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.sweep import SweepRow
    from lpbench.results.sweep_columns import SweepColumn


def table(columns: Sequence[SweepColumn], rows: Sequence[SweepRow]) -> tuple[list[Column], list[list[str]]]:
    """Return a table of measured rows; a target has a second column for its interval where some row has one."""
    spanned = [each.name for each in columns if any(_span(row, each.name) for row in rows)]
    titles = []
    for each in columns:
        titles.append(Column(f"{clean(each.name)} {each.unit}".rstrip(), left=each.type == "str"))
        titles += [Column("", left=True, whole=True)] if each.name in spanned else []
    return titles, [_cells(columns, spanned, row) for row in rows]


def _cells(columns: Sequence[SweepColumn], spanned: Sequence[str], row: SweepRow) -> list[str]:
    cells = []
    for each in columns:
        value = row.value(each.name)
        cells.append(digits(value) if each.is_target else clean(value))
        cells += [_span(row, each.name)] if each.name in spanned else []
    return cells


def _span(row: SweepRow, name: str) -> str:
    metric = row.metrics.get(name)
    if metric is None or metric.value is None or metric.interval is None:
        return ""
    return around(metric.value, metric.interval.lower, metric.interval.upper)
