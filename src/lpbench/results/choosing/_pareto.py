"""The Pareto front of the rows that fit, by metrics that are asked for or by those that all of them have."""

from __future__ import annotations

import operator
from functools import reduce
from itertools import repeat
from typing import TYPE_CHECKING

from lpbench.results.choosing._comparable import comparable
from lpbench.results.choosing._front import front
from lpbench.results.choosing._question import Objective, direction_in
from lpbench.results.choosing._values import Candidates, Front
from lpbench.results.directions import QUALITY
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from lpbench.results.choosing._columns import Columns
    from lpbench.results.choosing._question import Question
    from lpbench.results.choosing._row_sets import RowSet

USUAL = (("LATENCY",), (QUALITY,), ("ENERGY_PER_INFERENCE", "POWER_CONSUMPTION"), ("CPU_MEM",), ("PRICE",))
"""What a front is of unless metrics are asked for: of each group the first that all rows have.

Tables of algorithms have their own targets instead.
"""


def pareto(question: Question, fitting: RowSet, columns: Columns) -> Front:
    """Return the front of the rows that fit; those that lack one of the metrics are not on it and are counted."""
    metrics, left_out = (question.pareto, {}) if question.pareto else _usual(question, fitting, columns)
    metrics = tuple(comparable(each, fitting, columns) for each in metrics)
    if not metrics:
        return Front((), Candidates(columns.table), left_out=left_out)
    known = reduce(operator.sub, (columns.missing(each.column) for each in metrics), fitting)
    rows = list(known)
    points = [_lower_is_better(each, known, columns) for each in metrics]
    chosen = sorted(front(points), key=points[0].__getitem__)
    unknown = len(fitting) - len(rows)
    return Front(metrics, Candidates(columns.table, [rows[at] for at in chosen]), unknown, left_out)


def _lower_is_better(metric: Objective, rows: RowSet, columns: Columns) -> list[float]:
    values = rows.of(columns.numbers(metric.column).values)
    return list(map(operator.mul, values, repeat(metric.direction.sign)))


def _usual(
    question: Question, fitting: RowSet, columns: Columns
) -> tuple[tuple[Objective, ...], dict[str, Unavailable]]:
    """Return the usual metrics that every row has, and why the others are left out."""
    metrics: list[Objective] = []
    left_out: dict[str, Unavailable] = {}
    own = tuple((column.name,) for column in columns.table.columns if column.direction)
    for group in own or USUAL:
        found = {name: _usable(name, question, fitting, columns) for name in group}
        usable = [each for each in found.values() if isinstance(each, Objective)]
        metrics += usable[:1]
        if not usable:
            left_out |= {name: each for name, each in found.items() if isinstance(each, Unavailable)}
    return tuple(metrics), left_out


def _usable(name: str, question: Question, fitting: RowSet, columns: Columns) -> Objective | Unavailable:
    """Return a metric that every row has, or why it is left out."""
    if not columns.has(name):
        return Unavailable("the table has no such column", "not-read")
    lacking = len(fitting & columns.missing(name))
    if lacking:
        return Unavailable(f"{len(fitting) - lacking} of {len(fitting)} rows have it", "not-read")
    direction = direction_in(columns.table.column(name), question.quality)
    if direction is None:
        return Unavailable("which way it is better is not known", "undefined")
    return Objective(name, direction, name, columns.table.column(name).unit)
