"""Whether one configuration is faster than another: SAME, FASTER, SLOWER or UNCLEAR, with the reason.

The rule is 12 of docs/explanation/method.md, on a logarithmic scale: exchanging the two exchanges FASTER and SLOWER.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lpbench.results.stats import Interval, Ratio, ratio_interval, unpaired_ratio
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FEWEST_RUNS = 8


class Verdict(str, Enum):
    """What the second configuration is beside the first."""

    SAME = "SAME"
    FASTER = "FASTER"
    SLOWER = "SLOWER"
    UNCLEAR = "UNCLEAR"


@dataclass(frozen=True)
class Comparison:
    """A verdict with what it rests on.

    :param ratio: Second over first; above 1 the second is slower.
    :param margin: What counts as no difference, 0.01 for 1 %.
    :param reason: One line.
    """

    verdict: Verdict
    ratio: Ratio
    margin: float
    reason: str

    def slower_than(self, limit: float) -> bool:
        """Whether the interval's lower end is more than ``limit`` (0.05 for 5 %) above 1: ``--fail-slower``."""
        interval = self.ratio.interval
        return not isinstance(interval, Unavailable) and interval.lower > 1 + limit


def verdict(ratios: Iterable[float], margin: float = 0.01) -> Comparison:
    """Return the verdict on runs measured in lockstep.

    :param ratios: One per run, second over first.
    :raises ValueError: For ratios that are not above 0, or a margin that is not.
    """
    return decide(ratio_interval(ratios), margin)


def verdict_apart(
    first: Sequence[float], second: Sequence[float], margin: float = 0.01, *, drift: float = 0.0
) -> Comparison:
    """Return the verdict on results measured apart.

    :param first: One median per run, in a unit that both share; yardstick units hold across hours, times do not.
    :param drift: How far the unit itself may be off between the two, as a share: the interval is wider by it.
    :raises ValueError: For medians that are not above 0, or a margin that is not.
    """
    ratio = unpaired_ratio(first, second)
    interval = ratio.interval
    if drift and not isinstance(interval, Unavailable):
        method = f"{interval.method}, and {drift:.1%} by which the yardstick may be off"
        wider = Interval(interval.lower / (1 + drift), interval.upper * (1 + drift), interval.confidence, method)
        ratio = dataclasses.replace(ratio, interval=wider)
    return decide(ratio, margin)


def decide(ratio: Ratio, margin: float = 0.01) -> Comparison:
    """Return the verdict on a ratio.

    SLOWER: the interval lies above 1 and the estimate beyond the margin; FASTER likewise below.  SAME: the
    estimate lies within the margin and the interval within twice the margin.  Else, and under 8 runs, UNCLEAR.

    :raises ValueError: For a margin that is not above 0.
    """
    if not (margin > 0 and math.isfinite(margin)):
        raise ValueError(f"margin {margin} is not above 0")
    found, reason = _judge(ratio, margin)
    return Comparison(found, ratio, margin, reason)


def _judge(ratio: Ratio, margin: float) -> tuple[Verdict, str]:
    interval = ratio.interval
    if isinstance(interval, Unavailable):
        return Verdict.UNCLEAR, interval.reason
    if ratio.runs < FEWEST_RUNS:
        return Verdict.UNCLEAR, f"{ratio.runs} runs: a verdict takes {FEWEST_RUNS}"
    edge = math.log1p(margin)
    estimate, lower, upper = map(math.log, (ratio.estimate, interval.lower, interval.upper))
    if abs(estimate) > edge and (lower > 0 or upper < 0):
        return (Verdict.SLOWER if lower > 0 else Verdict.FASTER), f"{_span(interval)} leaves out 1"
    if abs(estimate) <= edge and max(-lower, upper) <= 2 * edge:
        return Verdict.SAME, f"{_span(interval)} is within twice the margin of {margin:.2g}"
    return Verdict.UNCLEAR, _unclear(estimate, edge, interval)


def _unclear(estimate: float, edge: float, interval: Interval) -> str:
    if abs(estimate) > edge:
        return f"{_span(interval)} holds 1; more runs may tell"
    return f"{_span(interval)} is wider than twice the margin; more runs may tell"


def _span(interval: Interval) -> str:
    return f"the interval {interval.lower:.4f} to {interval.upper:.4f}"
