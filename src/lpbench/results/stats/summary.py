"""Summary statistics of one series of latencies."""

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
"""Interquartile ranges beyond the quartiles from which a sample is an outlier (Tukey's "far out")."""
_ONE = Unavailable("one sample has no spread", "undefined")


@dataclass(frozen=True)
class Summary:
    """The summary statistics of one series of latencies, in the unit of its samples; integers stay exact.

    :param std: Standard deviation; with n - 1, like ``variance``; Unavailable for one sample.
    :param jitter: Maximum minus median.
    :param mad: Median absolute deviation from the median, not scaled.
    :param cov: Coefficient of variation: standard deviation over mean.
    :param interval: Of the median within this run, at the requested confidence.
    :param outliers: Samples more than three interquartile ranges outside the quartiles; counted, never removed.
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
    """Return the summary statistics of ``values``.

    :param values: Latencies in the order of measuring, in any unit; a list or an array.
    :raises ValueError: There are no samples, or one is not a number, NaN, infinite or negative; names the first.
    """
    check_confidence(confidence)
    samples = as_numbers(values)
    ordered = sorted(samples)
    median = middle(ordered)
    mean, variance = _moments(samples)
    std = variance if isinstance(variance, Unavailable) else math.sqrt(variance)
    return Summary(
        n=len(samples),
        minimum=ordered[0],
        median=median,
        mean=mean,
        std=std,
        variance=variance,
        maximum=ordered[-1],
        jitter=ordered[-1] - median,
        mad=_mad(ordered, median),
        cov=_cov(std, mean),
        interval=interval_of_ordered(ordered, dependence(samples, median).factor, confidence),
        outliers=_outliers(ordered),
    )


def _moments(values: list[Number]) -> tuple[float, float | Unavailable]:
    """Return mean and variance; for integers each is rounded once, from exact sums."""
    count, total = len(values), sum(values)
    if not isinstance(total, int):
        mean = math.fsum(values) / count
        return mean, _ONE if count == 1 else math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    if count == 1:
        return float(total), _ONE
    return total / count, (count * sum(map(mul, values, values)) - total * total) / (count * (count - 1))


def _mad(ordered: list[Number], median: Number) -> Number:
    """Return the median absolute deviation; sorted values give two sorted runs of distances, which merge fast."""
    return middle(sorted([abs(value - median) for value in ordered]))


def _cov(std: float | Unavailable, mean: float) -> float | Unavailable:
    if isinstance(std, Unavailable):
        return std
    return std / mean if mean else Unavailable("the mean is 0", "undefined")


def _outliers(ordered: list[Number]) -> int:
    low, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4 - (len(ordered) % 4 == 0)]
    reach = _FAR * (high - low)
    return bisect_left(ordered, low - reach) + len(ordered) - bisect_right(ordered, high + reach)
