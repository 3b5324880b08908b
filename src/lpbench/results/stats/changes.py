"""When a latency rose for good: the change point of a curve, told from noise.

``docs/explanation/heat.md`` states the rule; its rates of false alarms and of misses are simulated in the tests.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from lpbench.results.stats.samples import middle

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 80
"""Values below which no change is looked for."""
BLOCKS = 20
"""Stretches of a curve whose means are compared: neighbouring slices depend on each other, long stretches less."""
FEWEST_BLOCKS = 2
"""In the shorter part: of one block alone nobody knows whether the next would be like it."""
LEAST_RATIO = 1.03
"""A smaller rise is not worth a date."""
SURE = 5.0
"""Standard errors that a rise must exceed: it is the greatest of all splits, so that three are common by chance."""
APART = 0.98
"""Share of pairs of an earlier and a later block of which the later one is slower, where a rise is no single step."""
FEWEST_APART = 3
LEAST_GRADUAL = 1.05
LEAST_DRIFT = 0.01
SURE_DRIFT = 4.0
"""Likewise where there is one split only."""
TAILS = 10
"""One part in so many at either end counts as the end of the rest."""
BIAS = 2.0
"""Fitted means make neighbours look less alike: about so much over the number of blocks is added."""
MOST_ALIKE = 0.9
MOST_CHANGES = 5
"""How often an earlier change is looked for before one that was found."""


@dataclass(frozen=True)
class Change:
    """A rise between two parts of a curve.

    :param at: Index of the first value after it.
    :param before: Median of the values before.
    :param after: Median from there on.
    """

    at: int
    before: float
    after: float


def first_rise(values: Sequence[float]) -> Change | None:
    """Return the first rise that lasts, None without one.

    Of all splits into two parts, the one with the least sum of absolute deviations from the two medians, among those
    after which the median is 3 % higher or more.  It counts if the means of their blocks differ by more than five
    standard errors, or if the median is 5 % higher and the blocks of one part lie above those of the other: a rise in
    several steps, or a gradual one, leaves much between blocks of one part.  What lies before it is searched likewise.

    :param values: Above 0, at equal distances in time.
    """
    found = rise(values)
    for _ in range(MOST_CHANGES):
        earlier = rise(values[: found.at]) if found else None
        if earlier is None:
            break
        found = earlier
    return found


def rise(values: Sequence[float]) -> Change | None:
    """Return the rise that divides a curve best, None without one that is more than noise."""
    count = len(values)
    if count < FEWEST:
        return None
    logs = [math.log(value) for value in values]
    block = count // BLOCKS
    least = FEWEST_BLOCKS * block
    ahead, back = _running(logs), _running(logs[::-1])[::-1]
    rising = [
        (ahead[at - 1][1] + back[at][1], at)
        for at in range(least, count - least + 1)
        if back[at][0] - ahead[at - 1][0] > math.log(LEAST_RATIO)
    ]
    if not rising:
        return None
    _, at = min(rising)
    found = Change(at, float(middle(sorted(values[:at]))), float(middle(sorted(values[at:]))))
    gradual = found.after >= LEAST_GRADUAL * found.before and apart(logs, at, block) >= APART
    return found if gradual or excess(logs, at, block) > SURE else None


def excess(logs: Sequence[float], at: int, block: int) -> float:
    """Return the difference of two parts' block means, in standard errors of it; the pooled spread is that within.

    The lowest and the highest tenth of the values count as the tenth's end, so that a few slices in which the machine
    did something else do not hide a rise.  Where neighbouring blocks are alike, there are fewer independent ones.
    """
    parts = _parts(logs, at, block)
    means = [math.fsum(part) / len(part) for part in parts]
    rests = [[each - mean for each in part] for part, mean in zip(parts, means, strict=True)]
    square = math.fsum(each * each for part in rests for each in part)
    freedom = sum(map(len, parts)) - 2
    error = math.sqrt(square / freedom * sum(1 / len(part) for part in parts)) * _dependence(rests, square)
    difference = means[1] - means[0]
    return difference / error if error else math.copysign(math.inf, difference)


def apart(logs: Sequence[float], at: int, block: int) -> float:
    """Return how far two parts' blocks lie apart: 1 if all later ones are above all earlier ones, -1 if below.

    It is 0 of parts with too few blocks, for which that happens by chance.
    """
    first, second = _parts(logs, at, block)
    if min(len(first), len(second)) < FEWEST_APART:
        return 0.0
    signs = sum((late > early) - (late < early) for early in first for late in second)
    return signs / (len(first) * len(second))


def _parts(logs: Sequence[float], at: int, block: int) -> list[list[float]]:
    return [_block_means(_tamed(part), block) for part in (logs[:at], logs[at:])]


def _dependence(rests: Sequence[Sequence[float]], square: float) -> float:
    """Return the factor by which errors grow as neighbouring blocks are alike: of a first-order process."""
    pairs = [pair for part in rests for pair in pairwise(part)]
    if not square:
        return 1.0
    correlation = math.fsum(one * other for one, other in pairs) / square + BIAS / sum(map(len, rests))
    correlation = min(MOST_ALIKE, max(0.0, correlation))
    return math.sqrt((1 + correlation) / (1 - correlation))


def _tamed(values: Sequence[float]) -> list[float]:
    """Return values held between their tenth and their ninetieth percentile."""
    ordered = sorted(values)
    tail = len(ordered) // TAILS
    return [min(ordered[-1 - tail], max(ordered[tail], each)) for each in values]


def _block_means(values: Sequence[float], block: int) -> list[float]:
    """Return the means of blocks of about equal length, none shorter than ``block``."""
    count = max(1, len(values) // block)
    edges = [len(values) * at // count for at in range(count + 1)]
    return [math.fsum(values[begin:end]) / (end - begin) for begin, end in pairwise(edges)]


def _running(values: Sequence[float]) -> list[tuple[float, float]]:
    """Return the median of the first one, two, … values with the sum of absolute deviations from it."""
    low: list[float] = []  # negated: the greatest of the lower half comes first
    high: list[float] = []
    below = above = 0.0
    found = []
    for value in values:
        moved = -heapq.heappushpop(low, -value)
        below += value - moved
        heapq.heappush(high, moved)
        above += moved
        if len(high) > len(low):
            moved = heapq.heappop(high)
            above -= moved
            heapq.heappush(low, -moved)
            below += moved
        median = -low[0] if len(low) > len(high) else (high[0] - low[0]) / 2
        found.append((median, above - below + median * (len(low) - len(high))))
    return found


def drift(values: Sequence[float]) -> float:
    """Return by what share the second half of some values is above the first; 0 where that is little or noise."""
    at = len(values) // 2
    if at < 2 * FEWEST_BLOCKS:
        return 0.0
    first, second = (float(middle(sorted(part))) for part in (values[:at], values[at:]))
    block, logs = max(1, len(values) // BLOCKS), [math.log(value) for value in values]
    share = second / first - 1
    sure = abs(excess(logs, at, block)) > SURE_DRIFT or abs(apart(logs, at, block)) >= APART
    return share if sure and abs(share) > LEAST_DRIFT else 0.0
