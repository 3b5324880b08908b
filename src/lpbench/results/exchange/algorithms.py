"""Rows of an algorithm as a table and as a published pair: the columns are its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lpbench.errors import ResultError
from lpbench.results.exchange.descriptor import Variable
from lpbench.results.table import Column, Kind
from lpbench.util.shown import several
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.sweep import SweepRow
    from lpbench.results.sweep_columns import SweepColumn
    from lpbench.results.table import Value


def table_columns(columns: Sequence[SweepColumn], rows: Sequence[SweepRow]) -> list[Column]:
    """Return the columns of a table, with the intervals and the directions of targets."""
    return [_measured(each, rows) if each.is_target else _set(each, rows) for each in columns]


def _set(column: SweepColumn, rows: Sequence[SweepRow]) -> Column:
    values = [row.value(column.name) for row in rows]
    return Column(column.name, Kind(column.kind), values, column.type, column.unit, description=column.doc)


def _measured(column: SweepColumn, rows: Sequence[SweepRow]) -> Column:
    metrics = [row.metrics.get(column.name) for row in rows]
    spans = [metric.interval if metric else None for metric in metrics]
    reasons = [
        "" if metric and metric.value is not None else (metric.reason if metric else row.reason)
        for metric, row in zip(metrics, rows, strict=True)
    ]
    return Column(
        column.name,
        Kind.TARGET,
        [metric.value if metric else None for metric in metrics],
        unit=column.unit,
        lower=[span.lower if span else None for span in spans] if any(spans) else None,
        upper=[span.upper if span else None for span in spans] if any(spans) else None,
        reasons=reasons if any(reasons) else None,
        description=column.doc,
        direction=column.direction,
    )


def published(
    columns: Sequence[SweepColumn], rows: Sequence[SweepRow], where: str
) -> tuple[dict[str, list[Variable]], dict[str, Sequence[Value]], list[str]]:
    """Return the variables of a descriptor by the kind of column, their values, and notes on what is not known.

    :raises ResultError: No target is known of any row.
    """
    variables: dict[str, list[Variable]] = {"input": [], "hyperparameter": [], "target": []}
    values: dict[str, Sequence[Value]] = {}
    notes: list[str] = []
    for each in columns:
        found = [_known(row.value(each.name)) for row in rows]
        missing = found.count(None)
        if missing == len(found):
            notes.append(f"{each.name} is not known of any row and left out{_why(each.name, rows)}")
            continue
        if missing:
            where_not = amount(missing, "row")
            notes.append(f"{each.name} is not known in {where_not}: an empty cell stands there{_why(each.name, rows)}")
        values[each.name] = found
        variables[each.kind].append(Variable(each.name, each.type, _described(each), each.lower, each.upper))
    if not variables["target"]:
        raise ResultError("has no targets to export", where=where, hint="none of them is known of any row")
    return variables, values, notes


def _known(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _described(column: SweepColumn) -> str | None:
    parts = [column.doc, f"in {column.unit}" if column.unit else ""]
    return ", ".join(filter(None, parts)) or None


def _why(name: str, rows: Sequence[SweepRow]) -> str:
    metrics = [row.metrics[name] for row in rows if name in row.metrics]
    reasons = dict.fromkeys(metric.reason for metric in metrics if metric.value is None and metric.reason)
    return f" ({several(list(reasons))})" if reasons else ""
