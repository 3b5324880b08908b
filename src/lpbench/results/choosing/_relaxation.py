"""The smallest change of conditions that lets a row in: the fewest of them, and those by as little as possible."""

from __future__ import annotations

import operator
from functools import cached_property, reduce
from itertools import repeat
from typing import TYPE_CHECKING

from lpbench.results.choosing._question import Condition, Relation
from lpbench.results.choosing._row_sets import RowSet, counts
from lpbench.results.choosing._values import Candidate, Change, Relaxation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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

    def nearest(self, rows: Iterable[int]) -> Relaxation | None:
        """Return the smallest relaxation that lets one of some rows in; None where all of them lack a value."""
        lacking = self._unknown.flags
        row = min((row for row in rows if not lacking[row]), key=self._distance, default=None)
        return None if row is None else Relaxation(Candidate(self._columns.table, row), self._changes(row))

    def gap(self, condition: Condition, value: float) -> float:
        """Return by how much a bound would move to let a value in, over the bound's size."""
        assert isinstance(condition.bound, float)  # noqa: S101 - only conditions on numbers have gaps
        return abs(value - condition.bound) / self._size(condition)

    def _distance(self, row: int) -> tuple[int, int, float, int]:
        equal, bounds, moved = self._measures
        return equal[row], bounds[row], moved[row], row

    @cached_property
    def _measures(self) -> tuple[bytes, bytes, Sequence[float]]:
        """How many conditions of equality and how many bounds each row violates, and how far these would move."""
        rows = self._columns.rows
        moved: Sequence[float] = [0.0] * rows
        for each in self._bounds:
            moved = list(map(operator.add, moved, self._gaps(each)))
        violated = ([each.violated for each in kind] for kind in (self._equal, self._bounds))
        equal, bounds = (counts(sets, rows) for sets in violated)
        return equal, bounds, moved

    def _gaps(self, truth: Truth) -> list[float]:
        """Return the gap of each row, 0 of those that do not violate the condition."""
        values = self._columns.numbers(truth.condition.column).values
        bound, factor = truth.condition.bound, 1 / self._size(truth.condition)
        assert isinstance(bound, float)  # noqa: S101 - a bound is on numbers
        differences = map(abs, map(operator.sub, values, repeat(bound)))
        shares = zip(truth.violated.flags, differences, strict=True)
        return [difference * factor if violated else 0.0 for violated, difference in shares]

    def _size(self, condition: Condition) -> float:
        assert isinstance(condition.bound, float)  # noqa: S101 - a bound is on numbers
        if condition.bound:
            return abs(condition.bound)
        values = self._columns.numbers(condition.column).values
        return max((abs(value) for value in values if value == value), default=0.0) or 1.0  # noqa: PLR0124 - not NaN

    def _changes(self, row: int) -> tuple[Change, ...]:
        broken = [each.condition for each in (*self._equal, *self._bounds) if each.violated.flags[row]]
        return tuple(self._change(condition, row) for condition in broken)

    def _change(self, condition: Condition, row: int) -> Change:
        value = self._columns.table.column(condition.column).values[row]
        if condition.relation is Relation.EQUAL or not isinstance(value, (int, float)):
            return Change(condition, value if isinstance(value, (int, float, str)) else "", None)
        return Change(condition, value, self.gap(condition, value))
