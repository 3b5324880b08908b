"""The ratio of two configurations' latencies with its interval; the run is the unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.results.stats.distributions import t_quantile
from lpbench.results.stats.intervals import Interval, check_confidence, mean_and_error, t_bounds
from lpbench.results.stats.samples import Number, middle, positive
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ONE = Unavailable("one run: how much runs differ is not known; ask for --runs 8 or more")


@dataclass(frozen=True)
class Ratio:
    """How many times as long the second configuration takes as the first.

    :param estimate: Above 1 the second is slower.
    :param runs: Units that the interval rests on; of unpaired runs the smaller number.
    """

    estimate: float
    interval: Interval | Unavailable
    runs: int

    def inverse(self) -> Ratio:
        """Return the ratio with first and second exchanged."""
        span = self.interval
        if not isinstance(span, Unavailable):
            span = Interval(1 / span.upper, 1 / span.lower, span.confidence, span.method)
        return Ratio(1 / self.estimate, span, self.runs)


def run_ratio(slices: Iterable[tuple[Number, Number]]) -> float:
    """Return the ratio of one lockstep run: the median over its adjacent slices, on a logarithmic scale.

    :param slices: First's and second's median latency, slice by slice.
    :raises ValueError: For no slices, or latencies that are not above 0.
    """
    first, second = zip(*slices, strict=True) if (slices := list(slices)) else ((), ())
    logs = [math.log(late / soon) for soon, late in zip(positive(first), positive(second), strict=True)]
    return math.exp(middle(sorted(logs)))


def ratio_interval(ratios: Iterable[float], confidence: float = 0.95) -> Ratio:
    """Return the ratio over paired runs, whose workers were alive together: Student's t over the logarithms.

    :param ratios: One per run, second over first, as ``run_ratio`` gives them.
    :raises ValueError: For no ratios, or one that is not above 0.
    """
    check_confidence(confidence)
    logs = [math.log(ratio) for ratio in positive(ratios)]
    estimate = math.exp(math.fsum(logs) / len(logs))
    if len(logs) == 1:
        return Ratio(estimate, _ONE, 1)
    lower, upper = map(math.exp, t_bounds(logs, confidence))
    return Ratio(estimate, Interval(lower, upper, confidence, f"Student's t over {len(logs)} paired runs"), len(logs))


def unpaired_ratio(first: Sequence[Number], second: Sequence[Number], confidence: float = 0.95) -> Ratio:
    """Return the ratio of two results measured apart: Welch's t over the logarithms of the run medians.

    :param first: One median per run, in any unit that both share: time, cycles, yardsticks.
    :raises ValueError: For no medians, or one that is not above 0.
    """
    check_confidence(confidence)
    logs = [[math.log(value) for value in positive(medians)] for medians in (first, second)]
    runs = min(map(len, logs))
    if runs == 1:
        centres = [math.fsum(each) / len(each) for each in logs]
        return Ratio(math.exp(centres[1] - centres[0]), _ONE, 1)
    (centre, error), (other, other_error) = map(mean_and_error, logs)
    spread = math.hypot(error, other_error)
    reach = t_quantile(1 - (1 - confidence) / 2, _welch(logs, error, other_error)) * spread
    ends = math.exp(other - centre - reach), math.exp(other - centre + reach)
    method = f"Welch's t over {len(logs[0])} and {len(logs[1])} runs"
    return Ratio(math.exp(other - centre), Interval(*ends, confidence, method), runs)


def _welch(logs: Sequence[Sequence[float]], error: float, other: float) -> float:
    """Return the degrees of freedom after Welch and Satterthwaite; the errors' own scale drops out."""
    largest = max(error, other)
    if not largest:
        return float(min(map(len, logs)) - 1)
    parts = (error / largest) ** 2, (other / largest) ** 2
    return sum(parts) ** 2 / sum(part**2 / (len(each) - 1) for part, each in zip(parts, logs, strict=True))
