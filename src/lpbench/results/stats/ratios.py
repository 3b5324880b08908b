"""The ratio of two configurations' latencies and its interval; the unit of observation is the run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.results.stats.distributions import t_quantile
from lpbench.results.stats.intervals import (
    FEWEST_RUNS,
    Interval,
    check_confidence,
    mean_and_error,
    t_bounds,
    too_few_runs,
    widened,
)
from lpbench.results.stats.samples import Number, bounded_exp, middle, positive
from lpbench.util.shown import Shown
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, repr=False)
class Ratio(Shown):
    """How many times as long the second configuration takes as the first.

    :param estimate: Above 1 the second is slower.
    :param interval: Unavailable for fewer than three runs.
    :param runs: Number of runs behind the interval; the smaller of the two numbers for unpaired runs.
    """

    estimate: float
    interval: Interval | Unavailable
    runs: int

    def in_short(self) -> str:
        """Return the ratio, with its interval where that is known."""
        span = self.interval
        around = "" if isinstance(span, Unavailable) else f" ({span.lower:.3f} to {span.upper:.3f})"
        return f"{self.estimate:.3f}{around}"

    def inverse(self) -> Ratio:
        """Return the ratio with first and second swapped."""
        span = self.interval
        if not isinstance(span, Unavailable):
            span = Interval(1 / span.upper, 1 / span.lower, span.confidence, span.method)
        return Ratio(1 / self.estimate, span, self.runs)


def run_ratio(slices: Iterable[tuple[Number, Number]]) -> float:
    """Return the ratio of one lockstep run, on a logarithmic scale: the median over its rounds, there and back.

    A round there and the next one back count as one: their mean is free of what going first costs, and of a steady
    drift.  The median over single rounds is not, since a round is either the one or the other.

    :param slices: Median latency of the first and of the second configuration in each round; the order turns round
        from one round to the next.  A last round that has no partner counts by itself.
    :raises ValueError: There are no slices, or a latency is not above 0.
    """
    first, second = zip(*slices, strict=True) if (slices := list(slices)) else ((), ())
    logs = [math.log(late / soon) for soon, late in zip(positive(first), positive(second), strict=True)]
    paired = [math.fsum(logs[at : at + 2]) / len(logs[at : at + 2]) for at in range(0, len(logs), 2)]
    return math.exp(middle(sorted(paired)))


def ratio_interval(ratios: Iterable[float], confidence: float = 0.95, *, added: int = 0, among: int = 2) -> Ratio:
    """Return the ratio over paired runs, whose workers were alive together: Student's t over the logarithms.

    :param ratios: One per run, second over first, as returned by ``run_ratio``.
    :param added: How many of the runs were added after looking at how far the others differ; they widen the interval.
    :param among: Of how many the first was picked since it is the fastest; more than two widen the interval too.
    :raises ValueError: There are no ratios, or one is not above 0.
    """
    check_confidence(confidence)
    logs = [math.log(ratio) for ratio in positive(ratios)]
    estimate = math.exp(math.fsum(logs) / len(logs))
    if len(logs) < FEWEST_RUNS:
        return Ratio(estimate, too_few_runs(len(logs)), len(logs))
    level, words = widened(confidence, added, among)
    lower, upper = map(bounded_exp, t_bounds(logs, level))
    method = f"Student's t over {len(logs)} paired runs{words}"
    return Ratio(estimate, Interval(lower, upper, confidence, method), len(logs))


def unpaired_ratio(
    first: Sequence[Number], second: Sequence[Number], confidence: float = 0.95, *, added: int = 0
) -> Ratio:
    """Return the ratio of two results measured separately: Welch's t over the logarithms of the run medians.

    :param first: One median per run, in any unit common to both: time, cycles, yardsticks.
    :param added: How many of all runs were added after looking at how far the others differ; they widen the interval.
    :raises ValueError: There are no medians, or one is not above 0.
    """
    check_confidence(confidence)
    logs = [[math.log(value) for value in positive(medians)] for medians in (first, second)]
    runs = min(map(len, logs))
    first_mean, second_mean = (math.fsum(values) / len(values) for values in logs)
    estimate = bounded_exp(second_mean - first_mean)
    if runs < FEWEST_RUNS:
        return Ratio(estimate, too_few_runs(runs), runs)
    level, words = widened(confidence, added)
    reach = _welch_reach(logs, level)
    ends = bounded_exp(second_mean - first_mean - reach), bounded_exp(second_mean - first_mean + reach)
    method = f"Welch's t over {len(logs[0])} and {len(logs[1])} runs{words}"
    return Ratio(estimate, Interval(*ends, confidence, method), runs)


def _welch_reach(logs: Sequence[list[float]], confidence: float) -> float:
    """Return half the width of Welch's interval of the difference of two means."""
    first, second = (mean_and_error(values)[1] for values in logs)
    freedom = _welch(logs, (first, second))
    return t_quantile(1 - (1 - confidence) / 2, freedom) * math.hypot(first, second)


def _welch(logs: Sequence[Sequence[float]], errors: tuple[float, float]) -> float:
    """Return the degrees of freedom after Welch and Satterthwaite; the scale of the errors cancels."""
    largest = max(errors)
    if not largest:
        return float(min(map(len, logs)) - 1)
    parts = [(error / largest) ** 2 for error in errors]
    return sum(parts) ** 2 / sum(part**2 / (len(values) - 1) for part, values in zip(parts, logs, strict=True))
