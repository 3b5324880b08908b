"""The configurations of a plan: every combination of its axes, or some of them as a Latin hypercube."""

from __future__ import annotations

import collections
import itertools
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.jobs.sweep._plan import SweepPlan
    from lpbench.results.sweep import Asked

Point = tuple[int, ...]
"""The index of a level on each axis."""
ATTEMPTS = 1000
"""Exchanges after which a point that another one is equal to is given up for any other."""


def configurations(plan: SweepPlan) -> list[Asked]:
    """Return what the plan asks for, each once, in the order of its axes."""
    return [plan.asked(point) for point in points([len(levels) for levels in plan.axes], plan.sample, plan.seed)]


def points(sizes: Sequence[int], sample: int | None, seed: int) -> list[Point]:
    """Return the points of a grid, all of them or a sample, in lexicographic order.

    :param sizes: Levels of each axis.
    :param sample: How many; None, and more than there are, takes all.
    """
    every = [range(size) for size in sizes]
    total = 1
    for size in sizes:
        total *= size
    if sample is None or sample >= total:
        return list(itertools.product(*every))
    if sample > total // 2:  # what is left out is drawn, which is quicker, and balanced as well
        left_out = set(latin_hypercube(sizes, total - sample, seed))
        return [point for point in itertools.product(*every) if point not in left_out]
    return sorted(latin_hypercube(sizes, sample, seed))


def latin_hypercube(sizes: Sequence[int], count: int, seed: int) -> list[Point]:
    """Return distinct points of a grid in which the levels of an axis occur equally often, but for one.

    McKay, Beckman and Conover (1979), for axes of few levels: each axis is a shuffled column in which its levels take
    turns.  Points that are alike exchange a coordinate with others, which leaves every column balanced.

    :param count: How many: at most half the points of the grid.
    """
    chance = random.Random(seed)  # noqa: S311 - a design that can be repeated, no secret
    columns = [_column(size, count, chance) for size in sizes]
    found = list(zip(*columns, strict=True))
    taken = collections.Counter(found)
    for at in range(count):
        for _ in range(ATTEMPTS):
            if taken[found[at]] == 1:
                break
            _exchange(found, taken, at, chance)
    return _completed(sizes, set(found), count, chance)


def _exchange(found: list[Point], taken: collections.Counter[Point], at: int, chance: random.Random) -> None:
    """Exchange a coordinate of a point with that of another, if both are then where no other is."""
    other, axis = chance.randrange(len(found)), chance.randrange(len(found[at]))
    first, second = list(found[at]), list(found[other])
    first[axis], second[axis] = second[axis], first[axis]
    moved = [tuple(first), tuple(second)]
    if moved[0] == moved[1] or any(taken[point] for point in moved):
        return
    taken.subtract([found[at], found[other]])
    found[at], found[other] = moved
    taken.update(moved)


def _column(size: int, count: int, chance: random.Random) -> list[int]:
    """Return the levels of an axis, each as often as the others but for one, shuffled."""
    first = chance.sample(range(size), size)
    column = [first[at % size] for at in range(count)]
    chance.shuffle(column)
    return column


def _completed(sizes: Sequence[int], found: set[Point], count: int, chance: random.Random) -> list[Point]:
    """Return points with as many others as are wanted, drawn without regard to the balance."""
    while len(found) < count:
        found.add(tuple(chance.randrange(size) for size in sizes))
    return sorted(found)
