"""Confidence intervals of the median within a run and of the mean across runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.results.stats.dependence import dependence
from lpbench.results.stats.distributions import binomial_rank, binomial_tail, normal_quantile, t_quantile
from lpbench.results.stats.samples import Number, as_numbers, middle, positive
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Interval:
    """A range that holds the true value with a stated confidence.

    :param lower: In the unit of the samples.
    :param upper: Likewise.
    :param confidence: What was asked for; discrete intervals hold with at least it.
    :param method: One line that says how the interval was made, and from how many of what.
    """

    lower: Number
    upper: Number
    confidence: float
    method: str

    def relative(self, centre: Number) -> float:
        """Return half the interval's width as a share of ``centre``: 0.01 is ±1 %."""
        if self.upper == self.lower:
            return 0.0
        return (self.upper - self.lower) / 2 / centre if centre else math.inf


def median_interval(values: Iterable[Number], confidence: float = 0.95) -> Interval | Unavailable:
    """Return the order-statistic interval of the median: exact for any distribution of independent samples.

    Where the samples follow one another (``dependence``) the ranks are those of the
    effective number of samples, and the method says so.

    :param values: In the order of measuring.
    :returns: Unavailable where even minimum to maximum holds less often than asked (under 6 samples at 95 %).
    :raises ValueError: For samples that are no latencies, or a confidence outside 0 to 1.
    """
    found = as_numbers(values)
    ordered = sorted(found)
    return interval_of_ordered(ordered, dependence(found, middle(ordered)).factor, confidence)


def interval_of_ordered(ordered: list[Number], factor: float, confidence: float) -> Interval | Unavailable:
    """Return the interval of the median of sorted samples whose effective number is ``factor`` times smaller."""
    check_confidence(confidence)
    count = len(ordered)
    effective = max(1, int(count / factor))
    rank = binomial_rank(effective, 0.5, (1 - confidence) / 2) + 1
    if rank < 1:
        return Unavailable(_too_few(count, effective, confidence))
    coverage = 1 - 2 * binomial_tail(rank - 1, effective, 0.5)
    place = _stretched(rank, count, effective)
    followers = "" if factor == 1 else f", effective {effective} because they follow one another"
    method = f"order statistics {place} and {count + 1 - place} of {count} samples{followers}; holds in {coverage:.2%}"
    return Interval(ordered[place - 1], ordered[count - place], confidence, method)


def _stretched(rank: int, count: int, effective: int) -> int:
    """Return the place among ``count`` samples that stands where ``rank`` stands among ``effective``."""
    return max(1, math.floor((rank - 0.5) * count / effective + 0.5))


def _too_few(count: int, effective: int, confidence: float) -> str:
    need = math.ceil(1 - math.log2(1 - confidence))
    followers = "" if effective == count else f" (effective {effective})"
    return f"{count} samples{followers}: an interval of the median at {confidence:.4g} needs {need}"


def mean_interval(values: Iterable[Number], confidence: float = 0.95) -> Interval | Unavailable:
    """Return Student's t interval of the mean of independent values.

    :returns: Unavailable for one value.
    :raises ValueError: For values that are no latencies, or a confidence outside 0 to 1.
    """
    check_confidence(confidence)
    found = as_numbers(values)
    if len(found) == 1:
        return Unavailable("one value: its spread is not known")
    lower, upper = t_bounds([float(value) for value in found], confidence)
    return Interval(lower, upper, confidence, f"Student's t over {len(found)} values")


def difference_interval(values: Iterable[float], confidence: float = 0.95) -> Interval | Unavailable:
    """Return Student's t interval of the mean of independent differences, which may be negative.

    :returns: Unavailable for one value.
    :raises ValueError: For no values, one that is not finite, or a confidence outside 0 to 1.
    """
    check_confidence(confidence)
    found = [float(value) for value in values]
    if not found or not all(map(math.isfinite, found)):
        raise ValueError(f"differences are finite numbers; found {found}")
    if len(found) == 1:
        return Unavailable("one value: its spread is not known")
    return Interval(*t_bounds(found, confidence), confidence, f"Student's t over {len(found)} differences")


def across_runs(medians: Iterable[Number], confidence: float = 0.95, *, added: int = 0) -> Interval | Unavailable:
    """Return the interval over runs, the ± of the tables: the run is the unit, whatever it holds.

    Student's t over the logarithms of the run medians, since what differs between runs acts as
    a factor.  Runs added because the interval was still wide bias it to the narrow side; they
    are answered by halving the permitted error (Bonferroni's bound for two looks), and the method says so.

    :param medians: One per run, above 0.
    :param added: How many of the runs were added after looking at the interval.
    :returns: Unavailable for one run.
    :raises ValueError: For medians that are no latencies, or a confidence outside 0 to 1.
    """
    check_confidence(confidence)
    found = positive(medians)
    if len(found) == 1:
        return Unavailable("one run: how much runs differ is not known; ask for --runs 3 or more")
    level = 1 - (1 - confidence) / 2 if added else confidence
    lower, upper = t_bounds([math.log(value) for value in found], level)
    widened = f", widened for {added} added after looking" if added else ""
    return Interval(math.exp(lower), math.exp(upper), confidence, f"Student's t over {len(found)} runs{widened}")


def median_variance(values: Iterable[Number]) -> float | Unavailable:
    """Return the variance of the median of one run, read off the width of its 95 % interval.

    :param values: In the order of measuring.
    """
    interval = median_interval(values, 0.95)
    if isinstance(interval, Unavailable):
        return interval
    return ((interval.upper - interval.lower) / (2 * normal_quantile(0.975))) ** 2


def t_bounds(values: list[float], confidence: float) -> tuple[float, float]:
    """Return lower and upper end of Student's t interval of the mean of at least two values."""
    centre, error = mean_and_error(values)
    reach = t_quantile(1 - (1 - confidence) / 2, len(values) - 1) * error
    return centre - reach, centre + reach


def mean_and_error(values: list[float]) -> tuple[float, float]:
    """Return the mean of at least two values and its standard error."""
    count = len(values)
    centre = math.fsum(values) / count
    square = math.fsum((value - centre) ** 2 for value in values) / (count - 1)
    return centre, math.sqrt(square / count)


def check_confidence(confidence: float) -> None:
    """Refuse a confidence that is none.

    :raises ValueError: Outside 0 to 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
