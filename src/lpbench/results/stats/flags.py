"""Flags: what makes a series of latencies doubtful.  The figures are reported regardless.

Each flag is one test on the samples in the order of measuring; ``docs/explanation/statistics.md`` reports
how often each fires on synthetic streams.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from lpbench.results.stats.dependence import bits_above, dependence
from lpbench.results.stats.intervals import READABLE, mean_and_error, median_variance
from lpbench.results.stats.samples import Number, as_numbers, middle
from lpbench.results.stats.summary import Summary, summarize
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_BLOCKS = 20
_SURE_TREND = 4.0
_SAMPLE = 20_000
_BINS = 40
_FEWEST_BINS = 6
_PEAK_SHARE = 0.1
_VALLEY = 0.5
_SURE_VALLEY = 4.0


@dataclass(frozen=True)
class Flag:
    """A reason to doubt a figure.

    :param name: ``unsteady``, ``autocorrelated``, ``drift``, ``bimodal`` or ``runs-differ``.
    :param reason: One line, with the value that raised the flag.
    """

    name: str
    reason: str


def flags(
    values: Iterable[Number],
    target: float = 0.01,
    summary: Summary | None = None,
    *,
    show: Callable[[float], str] = "{:.4g}".format,
) -> tuple[Flag, ...]:
    """Return the flags of one run.

    - ``unsteady``: the interval of the median is wider than ±``target``, or cannot be computed.
    - ``autocorrelated``: samples lie on the same side of the median as the samples before them; see ``dependence``.
    - ``drift``: samples above the median become more or less frequent (four standard deviations of a linear
      trend), and the medians of the first and last third differ by more than ``target``.
    - ``bimodal``: two peaks of at least a tenth of the samples each, with a valley of less than half the lower
      peak's density between them, by more than counting noise.

    :param values: In the order of measuring.
    :param summary: Of the same values, if it is already known.
    :param show: Formats a latency for the reasons, with its unit if the values have one.
    :raises ValueError: A sample is not a latency, or there are no samples.
    """
    samples = as_numbers(values)
    summary = summary or summarize(samples)
    reasons = {
        "unsteady": _unsteady(summary, target, show),
        "autocorrelated": _autocorrelated(samples, summary.median),
        "drift": _drift(samples, summary.median, target),
        "bimodal": _bimodal(samples, show),
    }
    return tuple(Flag(name, reason) for name, reason in reasons.items() if reason)


def runs_differ(runs: Sequence[Iterable[Number]]) -> Flag | None:
    """Return the flag ``runs-differ`` if runs lie further apart than their own samples explain.

    The interval within a run then predicts little about the next run; the one across runs remains valid. The
    test compares the variance of the run medians with the mean of their variances within the run, at 1 %.

    :param runs: The samples of each run, in the order of measuring.
    """
    medians = [float(middle(sorted(as_numbers(run)))) for run in runs]
    within = [variance for variance in map(median_variance, runs) if not isinstance(variance, Unavailable)]
    if len(medians) < 2 or len(within) < len(medians):  # noqa: PLR2004 - a spread takes two
        return None
    _, error = mean_and_error(medians)
    between, inside = error**2 * len(medians), math.fsum(within) / len(within)
    if between <= inside * _chi_square_limit(len(medians) - 1):
        return None
    wider = f"{math.sqrt(between / inside):.2g} times as much as" if inside else "more than"
    return Flag("runs-differ", f"run medians vary {wider} the scatter within runs explains")


def slice_medians(values: Iterable[Number], count: int = _BLOCKS) -> list[Number]:
    """Return the medians of ``count`` equal slices in the order of measuring; at most one slice per sample."""
    samples = as_numbers(values)
    edges = _edges(len(samples), min(count, len(samples)))
    return [middle(sorted(samples[start:end])) for start, end in edges]


def _unsteady(summary: Summary, target: float, show: Callable[[float], str]) -> str:
    interval = summary.interval
    if isinstance(interval, Unavailable):
        return interval.reason
    reached = interval.relative(summary.median)
    if reached <= target:
        return ""
    if reached > READABLE:
        return f"median between {show(interval.lower)} and {show(interval.upper)}, target ±{target:.2%}"
    return f"median known to ±{reached:.2%}, target ±{target:.2%}"


def _autocorrelated(values: list[Number], median: Number) -> str:
    correlation = dependence(values, median)
    if not correlation.found:
        return ""
    return f"{correlation.time:.3g} samples carry as much information as one independent sample"


def _drift(values: list[Number], median: Number, target: float) -> str:
    third = len(values) // 3
    if third < _BLOCKS // 2 or abs(_trend(values, median)) < _SURE_TREND:
        return ""
    first, last = middle(sorted(values[:third])), middle(sorted(values[-third:]))
    change = (last - first) / first if first else math.inf
    return f"median changed by {change:+.2%} from the first third to the last" if abs(change) > target else ""


def _trend(values: list[Number], median: Number) -> float:
    """Return the slope of "above the median" over time, in standard deviations of independent samples."""
    bits, count = bits_above(values, median), len(values)
    share = bits.bit_count() / count
    if not 0 < share < 1:
        return 0.0
    slope = square = 0.0
    for start, end in _edges(count, min(_BLOCKS, count)):
        above = (bits >> (count - end) & ((1 << (end - start)) - 1)).bit_count()
        place = (start + end - count) / 2
        slope += place * above
        square += place * place * (end - start)
    return slope / math.sqrt(square * share * (1 - share))


def _bimodal(values: list[Number], show: Callable[[float], str]) -> str:
    """Look for two peaks in a histogram of the middle 98 % of the logarithms of at most 20,000 samples."""
    ordered = sorted(values[:: max(1, len(values) // _SAMPLE)])
    low, high = ordered[len(ordered) // 100], ordered[-1 - len(ordered) // 100]
    if low <= 0 or high <= low:
        return ""
    bins = min(_BINS, round(2 * len(ordered) ** (1 / 3)), int((high - low) / (2 * _tick(ordered))))
    if bins < _FEWEST_BINS:
        return ""
    edges = [low * (high / low) ** (at / bins) for at in range(bins + 1)]
    places = [bisect_left(ordered, edge) for edge in edges]
    counts = [end - start for start, end in pairwise(places)]
    peaks = _peaks(counts)
    if not peaks:
        return ""
    first, second = ((edges[at] + edges[at + 1]) / 2 for at in peaks)
    return f"two peaks, near {show(first)} and {show(second)}"


def _tick(ordered: list[Number]) -> Number:
    """Return the median difference of neighbouring distinct samples: the clock's tick if the clock is coarse."""
    return middle(sorted(after - before for before, after in pairwise(ordered) if after > before))


def _peaks(counts: list[int]) -> tuple[int, int] | None:
    """Return the bins of two peaks with a significant valley between them, or None.

    The peaks of a valley are the highest bins to its left and right.
    """
    for valley in range(1, len(counts) - 1):
        left = max(range(valley), key=counts.__getitem__)
        right = max(range(valley + 1, len(counts)), key=counts.__getitem__)
        lower = min(counts[left], counts[right])
        depth = lower - counts[valley]
        light = min(sum(counts[:valley]), sum(counts[valley + 1 :])) < _PEAK_SHARE * sum(counts)
        if counts[valley] < _VALLEY * lower and depth > _SURE_VALLEY * math.sqrt(lower) and not light:
            return left, right
    return None


def _edges(count: int, parts: int) -> list[tuple[int, int]]:
    places = [count * at // parts for at in range(parts + 1)]
    return list(pairwise(places))


def _chi_square_limit(freedom: int) -> float:
    """Return the 99 % quantile of chi square over its degrees of freedom (Wilson and Hilferty's cube)."""
    from lpbench.results.stats.distributions import normal_quantile

    part = 2 / (9 * freedom)
    return (1 - part + normal_quantile(0.99) * math.sqrt(part)) ** 3
