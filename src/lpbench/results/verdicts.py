"""Verdicts on two configurations: SAME, FASTER, SLOWER, UNCLEAR or UNCHECKED, with the reason.

They follow rule 12 of docs/explanation/method.md, on a logarithmic scale: swapping the two swaps FASTER and SLOWER.
Every verdict of lpbench, and every gate, is made here.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

from lpbench.errors import OutOfRangeError
from lpbench.results.stages import TOTAL
from lpbench.results.stats import Interval, Ratio, ratio_interval, unpaired_ratio
from lpbench.util.shown import Shown
from lpbench.util.text import amount
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FEWEST_RUNS = 4
"""That FASTER and SLOWER take: Student's t accounts for their number."""
FEWEST_FOR_SAME = 8
"""That SAME takes: that nothing was found in a few runs does not show that there is nothing."""
DIFFERENT, ALIKE = 0.99, 0.95
"""Confidence of the interval behind FASTER and SLOWER, and of the one behind SAME."""
SHORTEST_NS = 2000.0
"""Nanoseconds below which two times have no verdict: a read of the clock takes about 100."""

Code = Literal["", "too-few-runs", "too-short", "includes-one", "too-wide", "unchecked"]
"""Why a verdict is UNCLEAR or UNCHECKED, for programs: empty for the others."""


class Verdict(str, Enum):
    """How the second configuration compares with the first."""

    SAME = "SAME"
    FASTER = "FASTER"
    SLOWER = "SLOWER"
    UNCLEAR = "UNCLEAR"
    UNCHECKED = "UNCHECKED"
    """One of them runs a converted model that was not compared with its source, so that the ratio proves nothing."""


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """A verdict and the figures behind it.

    :param ratio: Second over first, with its interval at 99 %; above 1 the second is slower.
    :param margin: Relative difference that counts as none: 0.01 for 1 %.
    :param reason: One line.
    :param code: Why it is UNCLEAR or UNCHECKED, for programs.
    """

    verdict: Verdict
    ratio: Ratio
    margin: float
    reason: str
    code: Code = ""

    def in_short(self) -> str:
        """Return the verdict with the ratio, and why it is none."""
        why = f": {self.reason}" if self.verdict in {Verdict.UNCLEAR, Verdict.UNCHECKED} and self.reason else ""
        return f"{self.verdict.value} {self.ratio.in_short()}{why}"

    def slower_than(self, limit: float) -> bool:
        """Whether it is SLOWER by more than ``limit`` (0.05 for 5 %) at the interval's lower end: ``--fail-slower``."""
        interval = self.ratio.interval
        if self.verdict is not Verdict.SLOWER or isinstance(interval, Unavailable):
            return False
        return interval.lower > 1 + limit


def verdict(ratios: Iterable[float], margin: float = 0.01, *, added: int = 0, among: int = 2) -> Comparison:
    """Return the verdict on runs measured in lockstep.

    :param ratios: One per run, second over first.
    :param added: How many of the runs were added after looking at how far the others differ (``added_runs``).
    :param among: Of how many configurations the first was picked since it is the fastest.
    :raises ValueError: A ratio or the margin is not above 0.
    """
    known = tuple(ratios)
    wide = ratio_interval(known, DIFFERENT, added=added, among=among)
    return decide(wide, ratio_interval(known, ALIKE, added=added).interval, margin)


def verdict_apart(
    first: Sequence[float], second: Sequence[float], margin: float = 0.01, *, drift: float = 0.0, added: int = 0
) -> Comparison:
    """Return the verdict on results measured separately.

    :param first: One median per run, in a unit common to both; yardstick units stay comparable across hours,
        times do not.
    :param drift: Relative uncertainty of the unit itself between the two; it widens the interval.
    :param added: As for ``verdict``, of both together.
    :raises ValueError: A median or the margin is not above 0.
    """
    found = (unpaired_ratio(first, second, level, added=added) for level in (DIFFERENT, ALIKE))
    wide, narrow = (_drifting(ratio, drift) for ratio in found)
    return decide(wide, narrow.interval, margin)


def decide(ratio: Ratio, narrow: Interval | Unavailable, margin: float = 0.01) -> Comparison:
    """Return the verdict on a ratio.

    SLOWER: the interval lies above 1 and the estimate beyond the margin; FASTER: the same below 1; both take 4 runs.
    SAME: the estimate lies within the margin and ``narrow`` within twice the margin, of 8 runs.  UNCLEAR: all else.

    :param ratio: With its interval at 99 %.
    :param narrow: The interval at 95 %.
    :raises ValueError: The margin is not above 0.
    """
    check_margin(margin)
    outcome, reason, code = _judged(ratio, narrow, margin)
    return Comparison(outcome, ratio, margin, reason, code)


def check_margin(margin: float) -> None:
    """Check what counts as no difference.

    :raises OutOfRangeError: It is not above 0.
    """
    if not (margin > 0 and math.isfinite(margin)):
        raise OutOfRangeError(f"margin {margin} is not above 0", hint="0.01 is 1 %")


def added_runs(runs: int, *, planned: bool) -> int:
    """Return how many of the runs were added because the first ones differ: those beyond the usual eight.

    :param planned: Whether a pilot decided how many there are.
    """
    return max(0, runs - FEWEST_FOR_SAME) if planned else 0


def _too_short(first_ns: float, second_ns: float) -> Unavailable | None:
    """Return why two times are too short for a verdict, None where one of them is not."""
    if max(first_ns, second_ns) >= SHORTEST_NS:
        return None
    return Unavailable(f"shorter than {SHORTEST_NS / 1000:g} µs, of which reading the clock is a part", "too-short")


def unclear_if_short(found: Comparison, first_ns: float, second_ns: float) -> Comparison:
    """Return a comparison, UNCLEAR whatever its interval where the times are too short for a verdict."""
    why = _too_short(first_ns, second_ns)
    return dataclasses.replace(found, verdict=Verdict.UNCLEAR, reason=why.reason, code="too-short") if why else found


def without_proof(found: Comparison, why: str) -> Comparison:
    """Return a comparison as UNCHECKED, whatever its interval.

    :param why: Which converted model was not compared with its source, and why; empty leaves the verdict as it is.
    """
    return dataclasses.replace(found, verdict=Verdict.UNCHECKED, reason=why, code="unchecked") if why else found


def judged(
    found: Mapping[str, Comparison], medians: Mapping[str, tuple[float, float]]
) -> tuple[dict[str, Comparison], dict[str, Unavailable]]:
    """Return the comparisons that stand, and why others do not: stages may be too short for a verdict.

    The whole app's stands whatever happens: where it is too short it is UNCLEAR.

    :param medians: Nanoseconds by stage, as beside the comparisons.
    """
    withheld = {stage: why for stage in found if stage != TOTAL and (why := _too_short(*medians[stage]))}
    stages = {stage: unclear_if_short(each, *medians[stage]) for stage, each in found.items() if stage not in withheld}
    return stages, withheld


def _drifting(ratio: Ratio, drift: float) -> Ratio:
    """Return a ratio whose unit itself is uncertain."""
    interval = ratio.interval
    if not drift or isinstance(interval, Unavailable):
        return ratio
    method = f"{interval.method}, widened by {drift:.1%} for the drift of the yardstick"
    wider = Interval(interval.lower / (1 + drift), interval.upper * (1 + drift), interval.confidence, method)
    return dataclasses.replace(ratio, interval=wider)


def _judged(ratio: Ratio, narrow: Interval | Unavailable, margin: float) -> tuple[Verdict, str, Code]:
    interval = ratio.interval
    if ratio.runs < FEWEST_RUNS or isinstance(interval, Unavailable) or isinstance(narrow, Unavailable):
        return Verdict.UNCLEAR, f"{amount(ratio.runs, 'run')}: a verdict needs {FEWEST_RUNS}", "too-few-runs"
    edge, estimate, (lower, upper) = math.log1p(margin), math.log(ratio.estimate), _logs(interval)
    if abs(estimate) > edge and (lower > 0 or upper < 0):
        return (Verdict.SLOWER if lower > 0 else Verdict.FASTER), f"{_span(interval)} excludes 1", ""
    if abs(estimate) > edge:
        return Verdict.UNCLEAR, f"{_span(interval)} includes 1; more runs may settle it", "includes-one"
    lower, upper = _logs(narrow)
    if max(-lower, upper) > 2 * edge:
        words = f"{_span(narrow)} is wider than twice the margin; more runs may settle it"
        return Verdict.UNCLEAR, words, "too-wide"
    if ratio.runs < FEWEST_FOR_SAME:
        return Verdict.UNCLEAR, f"{amount(ratio.runs, 'run')}: SAME needs {FEWEST_FOR_SAME}", "too-few-runs"
    return Verdict.SAME, f"{_span(narrow)} is within twice the margin of {margin:.2g}", ""


def _logs(interval: Interval) -> tuple[float, float]:
    return math.log(interval.lower), math.log(interval.upper)


def _span(interval: Interval) -> str:
    return f"the {100 * interval.confidence:g} % interval {interval.lower:.4f} to {interval.upper:.4f}"
