"""Verdicts on ratios and run medians."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.results.stats import Interval, Ratio
from lpbench.results.verdicts import (
    Comparison,
    Verdict,
    added_runs,
    decide,
    unclear_if_short,
    verdict,
    verdict_apart,
)


def judge(estimate: float, wide: tuple[float, float], narrow: tuple[float, float], runs: int = 8) -> Comparison:
    """Return the verdict on a ratio with these intervals at 99 and 95 %."""
    found = Ratio(estimate, Interval(*wide, 0.99, "synthetic"), runs)
    return decide(found, Interval(*narrow, 0.95, "synthetic"))


@pytest.mark.parametrize(
    ("estimate", "wide", "narrow", "expected", "code"),
    [
        (1.05, (1.02, 1.08), (1.03, 1.07), Verdict.SLOWER, ""),
        (0.95, (0.92, 0.98), (0.93, 0.97), Verdict.FASTER, ""),
        (1.00, (0.99, 1.01), (0.995, 1.005), Verdict.SAME, ""),
        (1.00, (0.975, 1.026), (0.985, 1.015), Verdict.SAME, ""),  # as sure as SAME has to be
        (1.009, (1.001, 1.017), (1.002, 1.016), Verdict.SAME, ""),  # sure, but within the margin
        (1.015, (1.003, 1.027), (1.005, 1.025), Verdict.SLOWER, ""),
        (1.015, (0.999, 1.031), (1.003, 1.027), Verdict.UNCLEAR, "includes-one"),  # one in a hundred is not enough
        (1.00, (0.96, 1.04), (0.97, 1.03), Verdict.UNCLEAR, "too-wide"),
        (1.009, (1.001, 1.040), (1.001, 1.030), Verdict.UNCLEAR, "too-wide"),
    ],
)
def test_the_rule(
    estimate: float, wide: tuple[float, float], narrow: tuple[float, float], expected: Verdict, code: str
) -> None:
    """Margin 1 %: each way of the rule and its edges."""
    found = judge(estimate, wide, narrow)
    assert (found.verdict, found.code) == (expected, code)
    assert found.reason


def test_a_clear_difference_needs_four_runs_and_sameness_eight() -> None:
    """A third slower in each run; the reason names both numbers."""
    ratios = [1.3, 1.31, 1.3, 1.32]
    assert verdict(ratios).verdict is Verdict.SLOWER
    assert verdict([1 / each for each in ratios]).verdict is Verdict.FASTER
    few = verdict(ratios[:3])
    assert (few.verdict, few.reason, few.code) == (Verdict.UNCLEAR, "3 runs: a verdict needs 4", "too-few-runs")
    assert verdict([1.3]).reason == "1 run: a verdict needs 4"
    steady = [1.0, 1.001, 0.999, 1.0, 1.001, 0.999, 1.0, 1.0]
    seven = verdict(steady[:7])
    assert (seven.verdict, seven.reason, seven.code) == (Verdict.UNCLEAR, "7 runs: SAME needs 8", "too-few-runs")
    assert verdict(steady).verdict is Verdict.SAME


def test_a_gap_of_42_per_cent_in_seven_runs_is_slower() -> None:
    """What a slow machine has time for: runs that spread by 6 %."""
    found = verdict([1.42 * math.exp(0.06 * shift) for shift in (-1.2, 0.3, 1.1, -0.4, 0.8, -0.9, 0.3)])
    assert found.verdict is Verdict.SLOWER
    assert isinstance(found.ratio.interval, Interval)
    assert found.ratio.interval.confidence == 0.99
    assert found.slower_than(0.2)


def test_runs_that_were_added_after_a_look_make_a_verdict_harder() -> None:
    """Ten runs that just make a verdict at 99 %; a pilot that asked for two more than eight has looked at them."""
    ratios = [1.02 + 0.0185 * shift for shift in (-1.2, 1.1, 0.9, -0.8, 1.3, -1.1, 0.7, -0.9, 0.4, -0.4)]
    assert verdict(ratios, added=added_runs(10, planned=False)).verdict is Verdict.SLOWER
    assert verdict(ratios, added=added_runs(10, planned=True)).verdict is Verdict.UNCLEAR
    assert added_runs(8, planned=True) == 0


def test_times_under_two_microseconds_have_no_verdict() -> None:
    found = verdict([1.3, 1.31, 1.3, 1.32])
    assert unclear_if_short(found, 1900.0, 2500.0) is found
    short = unclear_if_short(found, 1400.0, 1900.0)
    assert (short.verdict, short.code) == (Verdict.UNCLEAR, "too-short")
    assert not short.slower_than(0.05)


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


def test_a_gate_fails_where_the_verdict_is_slower_and_the_lower_end_above_its_limit() -> None:
    """5 % allowed: 4.2 % at the lower end passes, 5.1 % fails."""
    assert not judge(1.08, (1.042, 1.12), (1.05, 1.11)).slower_than(0.05)
    assert judge(1.08, (1.051, 1.12), (1.06, 1.10)).slower_than(0.05)


@given(st.lists(st.floats(0.9, 1.4), min_size=1, max_size=12), st.floats(0, 0.2), st.floats(0.001, 0.2))
def test_a_gate_never_fails_on_what_the_verdict_calls_anything_but_slower(
    ratios: list[float], limit: float, margin: float
) -> None:
    found = verdict(ratios, margin)
    if found.slower_than(limit):
        assert found.verdict is Verdict.SLOWER
        assert isinstance(found.ratio.interval, Interval)
        assert found.ratio.interval.lower > 1 + limit


@pytest.mark.parametrize("margin", [0, -0.01, math.nan, math.inf])
def test_a_margin_is_above_zero(margin: float) -> None:
    """No margin would make SAME impossible."""
    with pytest.raises(ValueError, match="margin"):
        verdict([1.0] * 8, margin)
