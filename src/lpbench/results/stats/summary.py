"""The figures of one series of latencies."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING

from lpbench.results.stats.dependence import dependence
from lpbench.results.stats.intervals import Interval, check_confidence, interval_of_ordered
from lpbench.results.stats.samples import Number, as_numbers, middle
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

_FAR = 3
"""Beyond so many quartile ranges from the quartiles a sample is an outlier (Tukey's "far out")."""
_ONE = Unavailable("one sample has no spread")


@dataclass(frozen=True)
class Summary:
    """What one series of latencies comes to, in the unit of its samples; whole numbers stay exact.

    :param std: With n - 1, as is ``variance``; Unavailable for one sample.
    :param jitter: Maximum less median.
    :param mad: Median of the distances from the median, not scaled.
    :param cov: Standard deviation over mean.
    :param interval: Of the median within this run, at the asked confidence.
    :param outliers: Samples more than three quartile ranges outside the quartiles; counted, never cut.
    """

    n: int
    minimum: Number
    median: Number
    mean: float
    std: float | Unavailable
    variance: float | Unavailable
    maximum: Number
    jitter: Number
    mad: Number
    cov: float | Unavailable
    interval: Interval | Unavailable
    outliers: int


def summarize(values: Iterable[Number], confidence: float = 0.95) -> Summary:
    """Return the figures of ``values``.

    :param values: Latencies in the order of measuring, in any unit; a list or an array.
    :raises ValueError: For no samples, or naming the first that is NaN, infinite, negative or no number.
    """
    check_confidence(confidence)
    found = as_numbers(values)
    ordered = sorted(found)
    median = middle(ordered)
    mean, variance = _moments(found)
    std = variance if isinstance(variance, Unavailable) else math.sqrt(variance)
    return Summary(
        n=len(found),
        minimum=ordered[0],
        median=median,
        mean=mean,
        std=std,
        variance=variance,
        maximum=ordered[-1],
        jitter=ordered[-1] - median,
        mad=_mad(ordered, median),
        cov=_cov(std, mean),
        interval=interval_of_ordered(ordered, dependence(found, median).factor, confidence),
        outliers=_outliers(ordered),
    )


def _moments(values: list[Number]) -> tuple[float, float | Unavailable]:
    """Return mean and variance; of whole numbers each is rounded once, from exact sums."""
    count, total = len(values), sum(values)
    if not isinstance(total, int):
        mean = math.fsum(values) / count
        return mean, _ONE if count == 1 else math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    if count == 1:
        return float(total), _ONE
    return total / count, (count * sum(map(mul, values, values)) - total * total) / (count * (count - 1))


def _mad(ordered: list[Number], median: Number) -> Number:
    """Return the median distance; sorted values have two sorted runs of distances, which sorting merges fast."""
    return middle(sorted([abs(value - median) for value in ordered]))


def _cov(std: float | Unavailable, mean: float) -> float | Unavailable:
    if isinstance(std, Unavailable):
        return std
    return std / mean if mean else Unavailable("the mean is 0")


def _outliers(ordered: list[Number]) -> int:
    low, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4 - (len(ordered) % 4 == 0)]
    reach = _FAR * (high - low)
    return bisect_left(ordered, low - reach) + len(ordered) - bisect_right(ordered, high + reach)
