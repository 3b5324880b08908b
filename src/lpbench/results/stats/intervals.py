"""Confidence intervals of the median within a run and of the mean across runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.results.stats.dependence import dependence
from lpbench.results.stats.distributions import binomial_rank, binomial_tail, normal_quantile, t_quantile
from lpbench.results.stats.samples import Number, as_numbers, bounded_exp, middle, positive
from lpbench.util.text import amount
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

FEWEST_RUNS = 3
"""Runs that an interval across runs takes: of two, Student's t is thirteen standard errors wide and says nothing."""
READABLE = 0.5
"""Half width relative to the centre beyond which ± is no way to show an interval: its ends are."""


@dataclass(frozen=True)
class Interval:
    """A range that contains the true value with a stated confidence.

    :param lower: In the unit of the samples.
    :param upper: In the unit of the samples.
    :param confidence: The requested confidence; the coverage of a discrete interval is at least this.
    :param method: One line: the method, and the number of samples or runs it was applied to.
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

    If the samples are autocorrelated (``dependence``), the ranks are those of the
    effective number of samples, and ``method`` says so.

    :param values: In the order of measuring.
    :returns: Unavailable if even minimum to maximum covers less than ``confidence`` (under 6 samples at 95 %).
    :raises ValueError: A sample is not a latency, there are no samples, or the confidence is not between 0 and 1.
    """
    samples = as_numbers(values)
    ordered = sorted(samples)
    return interval_of_ordered(ordered, dependence(samples, middle(ordered)).factor, confidence)


def interval_of_ordered(ordered: list[Number], factor: float, confidence: float) -> Interval | Unavailable:
    """Return the interval of the median of sorted samples whose effective number is ``factor`` times smaller."""
    check_confidence(confidence)
    count = len(ordered)
    effective = max(1, int(count / factor))
    rank = binomial_rank(effective, 0.5, (1 - confidence) / 2) + 1
    if rank < 1:
        return Unavailable(_too_few(count, effective, confidence), "too-few-samples")
    coverage = 1 - 2 * binomial_tail(rank - 1, effective, 0.5)
    place = _stretched(rank, count, effective)
    correlated = "" if factor == 1 else f" (effective {effective}, autocorrelated)"
    method = f"order statistics {place} and {count + 1 - place} of {count} samples{correlated}; coverage {coverage:.2%}"
    return Interval(ordered[place - 1], ordered[count - place], confidence, method)


def _stretched(rank: int, count: int, effective: int) -> int:
    """Return the rank among ``count`` samples that corresponds to ``rank`` among ``effective`` samples."""
    return max(1, math.floor((rank - 0.5) * count / effective + 0.5))


def _too_few(count: int, effective: int, confidence: float) -> str:
    need = math.ceil(1 - math.log2(1 - confidence))
    correlated = "" if effective == count else f" (effective {effective})"
    return (
        f"{amount(count, 'sample')}{correlated}: an interval of the median at confidence {confidence:.4g} needs {need}"
    )


def mean_interval(values: Iterable[Number], confidence: float = 0.95) -> Interval | Unavailable:
    """Return Student's t interval of the mean of independent values.

    :returns: Unavailable for one value.
    :raises ValueError: A value is not a latency, there are no values, or the confidence is not between 0 and 1.
    """
    check_confidence(confidence)
    numbers = as_numbers(values)
    if len(numbers) == 1:
        return Unavailable("one value has no spread", "undefined")
    lower, upper = t_bounds([float(number) for number in numbers], confidence)
    return Interval(lower, upper, confidence, f"Student's t over {len(numbers)} values")


def difference_interval(values: Iterable[float], confidence: float = 0.95) -> Interval | Unavailable:
    """Return Student's t interval of the mean of independent differences, which may be negative.

    :param values: One per run.
    :returns: Unavailable for fewer than three runs.
    :raises ValueError: A value is not finite, there are no values, or the confidence is not between 0 and 1.
    """
    check_confidence(confidence)
    numbers = [float(value) for value in values]
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ValueError(f"differences must be finite numbers; found {numbers}")
    if len(numbers) < FEWEST_RUNS:
        return too_few_runs(len(numbers))
    return Interval(*t_bounds(numbers, confidence), confidence, f"Student's t over {len(numbers)} differences")


def across_runs(medians: Iterable[Number], confidence: float = 0.95, *, added: int = 0) -> Interval | Unavailable:
    """Return the interval across runs, the ± of the tables: the run is the unit, however many samples it has.

    Student's t over the logarithms of the run medians, since differences between runs act as
    a factor.  Runs that were added after looking at the spread bias it to the narrow side; it is widened for
    them (``widened``), and ``method`` says so.

    :param medians: One per run, above 0.
    :param added: How many of the runs were added after looking at how far the others differ.
    :returns: Unavailable for fewer than three runs.
    :raises ValueError: A median is not above 0, there are no medians, or the confidence is not between 0 and 1.
    """
    check_confidence(confidence)
    numbers = positive(medians)
    if len(numbers) < FEWEST_RUNS:
        return too_few_runs(len(numbers))
    level, words = widened(confidence, added)
    lower, upper = t_bounds([math.log(number) for number in numbers], level)
    return Interval(bounded_exp(lower), bounded_exp(upper), confidence, f"Student's t over {len(numbers)} runs{words}")


def too_few_runs(runs: int) -> Unavailable:
    """Return why so few runs have no interval across them."""
    words = "one run" if runs == 1 else f"{runs} runs"
    return Unavailable(
        f"{words}: the variation between runs is not known; it takes {FEWEST_RUNS} runs or more", "too-few-runs"
    )


def widened(confidence: float, added: int, among: int = 2) -> tuple[float, str]:
    """Return the confidence to compute with so that an interval holds as often as stated, and what was done in words.

    Halving the permitted error compensates for runs that were added after a look at the others (Bonferroni's bound
    for two looks).  What the fastest of several is compared with looks slower than it is: of ``among`` there are
    ``among / 2`` times as many pairs in which chance could have shown a difference as comparisons, and the permitted
    error is divided by that.

    :param added: How many of the runs were added.
    :param among: How many there were of which the fastest is the reference.
    """
    looks = 2 if added else 1
    words = f", widened for {added} runs added after a first look" if added else ""
    if among > 2:  # noqa: PLR2004 - of two there is one pair
        words += f", widened since the first was picked as the fastest of {among}"
    return 1 - (1 - confidence) / looks * min(1.0, 2 / among), words


def median_variance(values: Iterable[Number]) -> float | Unavailable:
    """Return the variance of the median of one run, derived from the width of its 95 % interval.

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
    """Raise ValueError unless the confidence is between 0 and 1, both excluded."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
