"""Verdicts on ratios and run medians."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.results.stats import Interval, Ratio
from lpbench.results.verdicts import Verdict, decide, verdict, verdict_apart


def ratio(estimate: float, lower: float, upper: float, runs: int = 8) -> Ratio:
    """Return a ratio with this interval."""
    return Ratio(estimate, Interval(lower, upper, 0.95, "synthetic"), runs)


@pytest.mark.parametrize(
    ("given_ratio", "expected"),
    [
        (ratio(1.05, 1.03, 1.07), Verdict.SLOWER),
        (ratio(0.95, 0.93, 0.97), Verdict.FASTER),
        (ratio(1.00, 0.995, 1.005), Verdict.SAME),
        (ratio(1.009, 1.002, 1.016), Verdict.SAME),  # sure, but within the margin
        (ratio(1.015, 1.005, 1.025), Verdict.SLOWER),
        (ratio(1.015, 0.995, 1.035), Verdict.UNCLEAR),  # beyond the margin, but 1 is possible
        (ratio(1.00, 0.97, 1.03), Verdict.UNCLEAR),  # too wide to say the same
        (ratio(1.009, 1.001, 1.030), Verdict.UNCLEAR),
    ],
)
def test_the_rule(given_ratio: Ratio, expected: Verdict) -> None:
    """Margin 1 %: each way of the rule and its edges."""
    found = decide(given_ratio)
    assert found.verdict is expected
    assert found.reason


def test_fewer_than_eight_runs_are_unclear() -> None:
    """Seven runs, each a third slower; the reason names both numbers."""
    found = verdict([1.3, 1.31, 1.3, 1.32, 1.3, 1.29, 1.3])
    assert found.verdict is Verdict.UNCLEAR
    assert found.reason == "7 runs: a verdict needs 8"
    assert verdict([1.3]).verdict is Verdict.UNCLEAR


@given(st.lists(st.floats(0.8, 1.25), min_size=8, max_size=16))
def test_exchanging_the_two_exchanges_the_verdict(ratios: list[float]) -> None:
    """A against B and B against A never contradict each other."""
    mirror = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER}
    there, back = verdict(ratios), verdict([1 / each for each in ratios])
    assert back.verdict is mirror.get(there.verdict, there.verdict)


@pytest.mark.parametrize(("slower", "expected"), [(1.0, Verdict.SAME), (1.02, Verdict.SLOWER), (0.98, Verdict.FASTER)])
def test_lockstep_tells_two_per_cent(slower: float, expected: Verdict) -> None:
    """Runs of 0.7 % spread, as pinned lockstep shows: 20 of 20 repetitions are right."""
    rng = random.Random(1)  # noqa: S311 - no secret
    for _ in range(20):
        assert verdict([slower * rng.lognormvariate(0, 0.007) for _ in range(8)]).verdict is expected


def test_results_measured_apart_make_no_false_verdicts() -> None:
    """Two results of the same app on a machine whose runs spread by 5 %: SAME or UNCLEAR in 95 of 100."""
    rng = random.Random(2)  # noqa: S311 - no secret
    found = []
    for _ in range(100):
        first, second = ([4e6 * rng.lognormvariate(0, 0.05) for _ in range(8)] for _ in range(2))
        found.append(verdict_apart(first, second).verdict)
    assert sum(each in {Verdict.SAME, Verdict.UNCLEAR} for each in found) >= 92


def test_fail_slower_looks_at_the_lower_end() -> None:
    """5 % allowed: 4.2 % at the lower end passes, 5.1 % fails, no interval passes."""
    assert not decide(ratio(1.08, 1.042, 1.12)).slower_than(0.05)
    assert decide(ratio(1.08, 1.051, 1.12)).slower_than(0.05)
    assert not verdict([2.0]).slower_than(0.05)


@pytest.mark.parametrize("margin", [0, -0.01, math.nan, math.inf])
def test_a_margin_is_above_zero(margin: float) -> None:
    """No margin would make SAME impossible."""
    with pytest.raises(ValueError, match="margin"):
        decide(ratio(1, 0.9, 1.1), margin)
