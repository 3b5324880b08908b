"""What compares two rows: the column, and when their values do not tell them apart."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.results.choosing._question import Relation
from lpbench.results.choosing._values import Rule
from lpbench.results.directions import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.choosing._columns import Columns
    from lpbench.results.choosing._question import Condition, Objective
    from lpbench.results.choosing._row_sets import RowSet
    from lpbench.results.choosing._values import Candidate

LATENCY, REFERENCED = "LATENCY", "LATENCY_REFERENCED"


def comparable(best: Objective, fitting: RowSet, columns: Columns) -> Objective:
    """Return an objective by the column that compares rows of different hours, if each row that fits has it.

    A sweep's rows have their latency beside the reference that took turns with all of them; the latency of their own
    minutes drifts with the machine.
    """
    if best.metric != LATENCY or not columns.has(REFERENCED):
        return best
    incomparable = (fitting & columns.missing(REFERENCED)) - columns.missing(LATENCY)
    return best if incomparable else dataclasses.replace(best, column=REFERENCED)


def not_told_apart(choice: int, rows: Sequence[int], best: Objective, columns: Columns) -> tuple[Rule, list[int]]:
    """Return the rows whose intervals overlap that of the best one, where there are none whose values are equal.

    :param choice: The best of the rows.
    """
    values = columns.numbers(best.column).values
    lower, upper = columns.ends(best.column) or (values, values)
    if best.direction is Direction.LOWEST:
        limit = upper[choice]
        alike = [row for row in rows if lower[row] <= limit]
    else:
        limit = lower[choice]
        alike = [row for row in rows if upper[row] >= limit]
    alike.remove(choice)
    if columns.table.column(best.column).interval(choice) is None:
        return Rule.VALUES, alike
    return Rule.RATIOS if best.column == REFERENCED else Rule.INTERVALS, alike


def borderline(condition: Condition, choice: Candidate) -> bool:
    """Say whether a row satisfies a bound by its value while its interval reaches beyond it."""
    ends = choice.interval(condition.column)
    if ends is None or isinstance(condition.bound, str):
        return False
    beyond = {Relation.AT_MOST: ends[1] > condition.bound, Relation.AT_LEAST: ends[0] < condition.bound}
    return beyond.get(condition.relation, False)
