"""Verdicts on two configurations: SAME, FASTER, SLOWER or UNCLEAR, with the reason.

They follow rule 12 of docs/explanation/method.md, on a logarithmic scale: swapping the two swaps FASTER and SLOWER.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lpbench.results.stats import Interval, Ratio, ratio_interval, unpaired_ratio
from lpbench.util.text import amount
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FEWEST_RUNS = 8


class Verdict(str, Enum):
    """How the second configuration compares with the first."""

    SAME = "SAME"
    FASTER = "FASTER"
    SLOWER = "SLOWER"
    UNCLEAR = "UNCLEAR"


@dataclass(frozen=True)
class Comparison:
    """A verdict and the figures behind it.

    :param ratio: Second over first; above 1 the second is slower.
    :param margin: Relative difference that counts as none: 0.01 for 1 %.
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
    :raises ValueError: A ratio or the margin is not above 0.
    """
    return decide(ratio_interval(ratios), margin)


def verdict_apart(
    first: Sequence[float], second: Sequence[float], margin: float = 0.01, *, drift: float = 0.0
) -> Comparison:
    """Return the verdict on results measured separately.

    :param first: One median per run, in a unit common to both; yardstick units stay comparable across hours,
        times do not.
    :param drift: Relative uncertainty of the unit itself between the two; it widens the interval.
    :raises ValueError: A median or the margin is not above 0.
    """
    ratio = unpaired_ratio(first, second)
    interval = ratio.interval
    if drift and not isinstance(interval, Unavailable):
        method = f"{interval.method}, widened by {drift:.1%} for the drift of the yardstick"
        wider = Interval(interval.lower / (1 + drift), interval.upper * (1 + drift), interval.confidence, method)
        ratio = dataclasses.replace(ratio, interval=wider)
    return decide(ratio, margin)


def decide(ratio: Ratio, margin: float = 0.01) -> Comparison:
    """Return the verdict on a ratio.

    SLOWER: the interval lies above 1 and the estimate beyond the margin; FASTER: the same below 1.  SAME: the
    estimate lies within the margin and the interval within twice the margin.  UNCLEAR: all else, and fewer than 8 runs.

    :raises ValueError: The margin is not above 0.
    """
    check_margin(margin)
    outcome, reason = _verdict_and_reason(ratio, margin)
    return Comparison(outcome, ratio, margin, reason)


def check_margin(margin: float) -> None:
    """Check what counts as no difference.

    :raises ValueError: It is not above 0.
    """
    if not (margin > 0 and math.isfinite(margin)):
        raise ValueError(f"margin {margin} is not above 0")


def _verdict_and_reason(ratio: Ratio, margin: float) -> tuple[Verdict, str]:
    interval = ratio.interval
    if isinstance(interval, Unavailable):
        return Verdict.UNCLEAR, interval.reason
    if ratio.runs < FEWEST_RUNS:
        return Verdict.UNCLEAR, f"{amount(ratio.runs, 'run')}: a verdict needs {FEWEST_RUNS}"
    edge = math.log1p(margin)
    estimate, lower, upper = map(math.log, (ratio.estimate, interval.lower, interval.upper))
    if abs(estimate) > edge and (lower > 0 or upper < 0):
        return (Verdict.SLOWER if lower > 0 else Verdict.FASTER), f"{_span(interval)} excludes 1"
    if abs(estimate) <= edge and max(-lower, upper) <= 2 * edge:
        return Verdict.SAME, f"{_span(interval)} is within twice the margin of {margin:.2g}"
    return Verdict.UNCLEAR, _unclear(estimate, edge, interval)


def _unclear(estimate: float, edge: float, interval: Interval) -> str:
    if abs(estimate) > edge:
        return f"{_span(interval)} includes 1; more runs may settle it"
    return f"{_span(interval)} is wider than twice the margin; more runs may settle it"


def _span(interval: Interval) -> str:
    return f"the interval {interval.lower:.4f} to {interval.upper:.4f}"
