"""The smallest change of conditions that lets a row in: the fewest of them, and those by as little as possible."""

from __future__ import annotations

import operator
from functools import cached_property, reduce
from typing import TYPE_CHECKING

from lpbench.results.choosing._question import Condition, Relation
from lpbench.results.choosing._row_sets import RowSet, by_count
from lpbench.results.choosing._values import Candidate, Change, Relaxation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.choosing._columns import Columns
    from lpbench.results.choosing._truth import Truth


class Relaxations:
    """How far rows are from fitting.

    A row is the nearer the fewer conditions of equality it violates, then the fewer bounds, then the less these would
    move together, each over its own size (of a bound of 0: over the greatest size in its column).  Rows that lack a
    value never fit.

    :param truths: Of all conditions.
    """

    def __init__(self, truths: Sequence[Truth], columns: Columns) -> None:
        self._columns = columns
        self._equal = [each for each in truths if each.condition.relation is Relation.EQUAL]
        self._bounds = [each for each in truths if each.condition.relation in {Relation.AT_MOST, Relation.AT_LEAST}]
        self._unknown = reduce(operator.or_, (each.unknown for each in truths), RowSet.none(columns.rows))

    def nearest(self, rows: RowSet) -> Relaxation | None:
        """Return the smallest relaxation that lets one of some rows in; None where all of them lack a value."""
        near = rows - self._unknown
        if not near:
            return None
        for broken in (self._broken_equal, self._broken_bounds):
            near = next(fewest for level in broken.values() if (fewest := near & level))
        _, row = min(zip(near.of(self._moved), near, strict=True))
        return Relaxation(Candidate(self._columns.table, row), self._changes(row))

    def gap(self, condition: Condition, value: float) -> float:
        """Return by how much a bound would move to let a value in, over the bound's size."""
        return abs(value - _bound(condition)) / self._size(condition)

    @cached_property
    def _broken_equal(self) -> dict[int, RowSet]:
        """The rows by the number of conditions of equality that they violate, the fewest first."""
        return by_count((each.violated for each in self._equal), self._columns.rows)

    @cached_property
    def _broken_bounds(self) -> dict[int, RowSet]:
        return by_count((each.violated for each in self._bounds), self._columns.rows)

    @cached_property
    def _moved(self) -> Sequence[float]:
        """How far the bounds that a row violates would move together."""
        moved: Sequence[float] = [0.0] * self._columns.rows
        for each in self._bounds:
            moved = list(map(operator.add, moved, self._gaps(each.condition)))
        return moved

    def _gaps(self, condition: Condition) -> list[float]:
        """Return the gap of each row, 0 of those that do not violate the condition."""
        values, bound = self._columns.numbers(condition.column).values, _bound(condition)
        factor = 1 / self._size(condition)
        if condition.relation is Relation.AT_MOST:
            return [(value - bound) * factor if value > bound else 0.0 for value in values]
        return [(bound - value) * factor if value < bound else 0.0 for value in values]

    def _size(self, condition: Condition) -> float:
        bound = _bound(condition)
        if bound:
            return abs(bound)
        numbers = self._columns.numbers(condition.column)
        return max(map(abs, (RowSet.all(self._columns.rows) - numbers.missing).of(numbers.values)), default=0.0) or 1.0

    def _changes(self, row: int) -> tuple[Change, ...]:
        broken = [each.condition for each in (*self._equal, *self._bounds) if each.violated.flags[row]]
        return tuple(self._change(condition, row) for condition in broken)

    def _change(self, condition: Condition, row: int) -> Change:
        value = self._columns.table.column(condition.column).values[row]
        if condition.relation is Relation.EQUAL or not isinstance(value, (int, float)):
            return Change(condition, value if isinstance(value, (int, float, str)) else "", None)
        return Change(condition, value, self.gap(condition, value))


def _bound(condition: Condition) -> float:
    assert isinstance(condition.bound, float)  # noqa: S101 - what is more or less than a bound is a number
    return condition.bound
