"""The Pareto front: points than which no other is at least as good everywhere and better somewhere.

Of one or two metrics by sorting, in n log n.  Of more, points come in the order of their sum, so that none dominates
one before it, and are compared in batches: each batch has, by metric and value, a bit mask of its points from that
value on, so that a few operations on whole numbers give all points of it that one point dominates.  What a few good
points dominate is dropped before; all of it is exact.
"""

from __future__ import annotations

import operator
from bisect import bisect_left
from functools import reduce
from itertools import compress, repeat
from typing import TYPE_CHECKING

from lpbench.results.choosing._row_sets import RowSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Point = tuple[float, ...]

BATCH = 4096
"""Points of a batch: a mask of them has half a kilobyte."""
SAMPLE = 2048
"""Points among which those are looked for that dominate many."""
PIVOTS = 4
FEW = 20_000
"""Points up to which looking for such costs more than it saves."""


def front(columns: Sequence[Sequence[float]]) -> list[int]:
    """Return the numbers of the points on the front, in order; of equal points all.

    :param columns: For each metric the values of all points, the less the better, none missing.
    """
    if not columns or not columns[0]:
        return []
    if len(columns) == 1:
        least = min(columns[0])
        return [at for at, value in enumerate(columns[0]) if value == least]
    kept: Sequence[int] = range(len(columns[0]))
    if len(kept) > FEW:
        kept = _without_the_plainly_dominated(columns)
        columns = [[values[at] for at in kept] for values in columns]
    points = list(zip(*columns, strict=True))
    best = set(_of_two(set(points)) if len(columns) == 2 else _of_many(set(points)))  # noqa: PLR2004 - two metrics
    return [at for at, point in zip(kept, points, strict=True) if point in best]


def _of_two(points: Iterable[Point]) -> list[Point]:
    """Return the front of different points: by the first metric, each better by the second than all before it."""
    found: list[Point] = []
    for point in sorted(points):
        if not found or point[1] < found[-1][1]:
            found.append(point)
    return found


def _of_many(points: Iterable[Point]) -> list[Point]:
    """Return the front of different points."""
    ordered = sorted(points, key=lambda point: (sum(point), point))  # rounding keeps sums in order, not apart
    found: list[Point] = []
    for start in range(0, len(ordered), BATCH):
        batch = _Batch(ordered[start : start + BATCH])
        for point in found:
            batch.drop_dominated_by(point)
        found += batch.survivors()
    return found


class _Batch:
    """Different points with, for each metric, masks of those from each value on."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points
        self._left = (1 << len(points)) - 1
        self._values: list[list[float]] = []
        self._from: list[list[int]] = []
        for values in zip(*points, strict=True):
            order = sorted(range(len(points)), key=values.__getitem__)
            masks = [0]
            for at in reversed(order):
                masks.append(masks[-1] | 1 << at)
            self._values.append([values[at] for at in order])
            self._from.append(masks[::-1])

    def drop_dominated_by(self, point: Point, itself: int = 0) -> None:
        """Drop the points that are nowhere better than another one.

        :param itself: The mask of the point, where it is of the batch.
        """
        dominated = self._left
        for value, values, masks in zip(point, self._values, self._from, strict=True):
            dominated &= masks[bisect_left(values, value)]
            if not dominated:
                return
        self._left &= ~dominated | itself

    def survivors(self) -> list[Point]:
        """Return the points that no point of the batch dominates, nor one that was to drop what it dominates."""
        for at, point in enumerate(self._points):
            if self._left >> at & 1:  # what a dropped one dominates, the one that dropped it dominates too
                self.drop_dominated_by(point, 1 << at)
        return [point for at, point in enumerate(self._points) if self._left >> at & 1]


def _without_the_plainly_dominated(columns: Sequence[Sequence[float]]) -> Sequence[int]:
    """Return the numbers of the points without those that a few good points dominate."""
    kept: Sequence[int] = range(len(columns[0]))
    for pivot in _pivots(columns):
        pairs = list(zip(pivot, columns, strict=True))
        nowhere_better, equal = (
            reduce(operator.and_, (RowSet.where(map(is_so, values, repeat(value))) for value, values in pairs))
            for is_so in (operator.ge, operator.eq)
        )
        flags = [*map(operator.not_, (nowhere_better - equal).flags)]
        kept = list(compress(kept, flags))
        columns = [list(compress(values, flags)) for values in columns]
    return kept


def _pivots(columns: Sequence[Sequence[float]]) -> list[Point]:
    """Return a few points of a sample that dominate the most of it."""
    step = max(1, len(columns[0]) // SAMPLE)
    sample = list(set(zip(*(values[::step] for values in columns), strict=True)))
    ranks = [{value: at for at, value in enumerate(sorted(set(values)))} for values in zip(*sample, strict=True)]

    def reach(point: Point) -> float:
        """Return the share of the sample that a point would dominate, were its values independent."""
        share = 1.0
        for value, rank in zip(point, ranks, strict=True):
            share *= 1 - rank[value] / len(rank)
        return share

    return sorted(sample, key=reach, reverse=True)[:PIVOTS]
