"""Conditions over all rows of a table in three values: a missing value makes a condition unknown, never satisfied."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import reduce
from itertools import repeat
from typing import TYPE_CHECKING, cast

from lpbench.results.choosing._question import Condition, Relation
from lpbench.results.choosing._row_sets import RowSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.choosing._columns import Columns


@dataclass(frozen=True, eq=False)
class Truth:
    """One condition over all rows; those in neither set satisfy it."""

    condition: Condition
    violated: RowSet
    unknown: RowSet


@dataclass(frozen=True, eq=False)
class Verdicts:
    """All conditions together over the rows that are not set aside.

    :param fitting: Rows that satisfy all.
    :param violating: Rows that violate one, whatever is unknown of them.
    :param unknown: The others: they violate nothing, and lack what a condition is on.
    """

    fitting: RowSet
    violating: RowSet
    unknown: RowSet


def truth(condition: Condition, columns: Columns) -> Truth:
    """Return where a condition is violated and where unknown."""
    unknown = columns.missing(condition.column)
    if condition.relation is Relation.KNOWN:
        return Truth(condition, RowSet.none(columns.rows), unknown)
    if isinstance(condition.bound, str):
        return Truth(condition, _other_words(condition, columns) - unknown, unknown)
    beyond = {Relation.AT_MOST: operator.gt, Relation.AT_LEAST: operator.lt, Relation.EQUAL: operator.ne}
    values = columns.numbers(condition.column).values
    violated = RowSet.where(map(beyond[condition.relation], values, repeat(condition.bound)))
    return Truth(condition, violated - unknown, unknown)


def verdicts(truths: Sequence[Truth], columns: Columns) -> Verdicts:
    """Return what conditions come to together: one that is violated outweighs those that are unknown (Kleene)."""
    nothing = RowSet.none(columns.rows)
    violated = reduce(operator.or_, (each.violated for each in truths), nothing)
    unknown = reduce(operator.or_, (each.unknown for each in truths), nothing) - violated
    candidates = columns.candidates
    return Verdicts(candidates - violated - unknown, candidates & violated, candidates & unknown)


def _other_words(condition: Condition, columns: Columns) -> RowSet:
    values = cast("Sequence[str | None]", columns.table.column(condition.column).values)
    wanted = str(condition.bound).casefold()
    others = {value for value in set(values) if value is not None and value.casefold() != wanted}
    return RowSet.where(map(others.__contains__, values))
