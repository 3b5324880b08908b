"""Intervals of medians, means, runs and ratios, and the distributions under them."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.results.stats import (
    Interval,
    across_runs,
    difference_interval,
    mean_interval,
    median_interval,
    ratio_interval,
    run_ratio,
    unpaired_ratio,
)
from lpbench.results.stats.distributions import binomial_rank, binomial_tail, incomplete_beta, t_quantile
from lpbench.util.unavailable import Unavailable

RATIOS = st.lists(st.floats(0.5, 2), min_size=3, max_size=12)


def ranks(n: int) -> tuple[int, int]:
    """Return the ranks of the interval of n samples that stand in a shuffled order."""
    values = list(range(1, n + 1))
    random.Random(n).shuffle(values)  # noqa: S311 - no secret
    found = median_interval(values)
    assert isinstance(found, Interval)
    assert f"of {n} samples; coverage" in found.method
    return int(found.lower), int(found.upper)


@pytest.mark.parametrize("n", [*range(6, 30), 50, 99, 100, 199])
def test_small_numbers_hold_exactly_by_the_binomial(n: int) -> None:
    """The coverage of the ranks is at least 95 %, that of the next narrower ones less, by exact fractions."""
    lower, upper = ranks(n)
    assert upper == n + 1 - lower

    def coverage(rank: int) -> Fraction:
        return 1 - 2 * Fraction(sum(math.comb(n, k) for k in range(rank)), 2**n)

    assert coverage(lower) >= Fraction(95, 100) > coverage(lower + 1)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_under_six_samples_there_is_no_interval(n: int) -> None:
    """Even the coverage of minimum to maximum of five samples is below 95 %."""
    found = median_interval(list(range(1, n + 1)))
    assert isinstance(found, Unavailable)
    assert found.reason.startswith("1 sample:" if n == 1 else f"{n} samples:")
    assert "needs 6" in found.reason


@given(st.lists(st.integers(1, 10**9), min_size=8, max_size=80), st.sampled_from([0.8, 0.9, 0.99]))
def test_more_confidence_makes_wider_intervals(values: list[int], confidence: float) -> None:
    """An interval at 80 to 99 % lies within the one at 99.9 %, and holds the median."""
    narrow, wide = median_interval(values, confidence), median_interval(values, 0.999)
    if isinstance(narrow, Interval) and isinstance(wide, Interval):
        assert wide.lower <= narrow.lower <= sorted(values)[len(values) // 2] <= wide.upper
        assert narrow.upper <= wide.upper


def test_autocorrelated_samples_widen_the_interval() -> None:
    """The same thousand samples shuffled and in slow waves: waves carry less information, and the method says so."""
    rng = random.Random(3)  # noqa: S311 - no secret
    waves = [1000 + 100 * math.sin(at / 10) + rng.random() for at in range(1000)]
    shuffled = rng.sample(waves, len(waves))
    followed, plain = median_interval(waves), median_interval(shuffled)
    assert isinstance(followed, Interval)
    assert isinstance(plain, Interval)
    assert followed.upper - followed.lower > 2 * (plain.upper - plain.lower)
    assert "autocorrelated" in followed.method
    assert "autocorrelated" not in plain.method


def test_one_run_has_no_interval_over_runs() -> None:
    """One run, however long, does not show the variation between runs."""
    found = across_runs([4e6])
    assert isinstance(found, Unavailable)
    assert found.reason.startswith("one run:")


def test_two_runs_have_no_interval_over_runs() -> None:
    """Student's t of two runs is thirteen standard errors wide: of times, ratios, results apart and differences."""
    found = [
        across_runs([4e6, 4.1e6]),
        difference_interval([1.0, 2.0]),
        ratio_interval([1.1, 1.2]).interval,
        unpaired_ratio([4.0, 4.1], [4.0] * 8).interval,
    ]
    for each in found:
        assert isinstance(each, Unavailable)
        assert each.code == "too-few-runs"
        assert each.reason.startswith("2 runs:")
    assert isinstance(across_runs([4e6, 4.1e6, 4.2e6]), Interval)


def test_runs_added_after_looking_widen_the_interval() -> None:
    """Eight run medians as planned, and with four of them added because the interval was wide."""
    medians = [4.0, 4.1, 3.9, 4.2, 4.05, 3.95, 4.0, 4.1]
    planned, added = across_runs(medians), across_runs(medians, added=4)
    assert isinstance(planned, Interval)
    assert isinstance(added, Interval)
    assert added.lower < planned.lower < planned.upper < added.upper
    assert "4 runs added" in added.method
    for more in (ratio_interval(medians, added=4).interval, unpaired_ratio(medians, medians, added=4).interval):
        assert isinstance(more, Interval)
        assert "4 runs added" in more.method
    plain, wide = ratio_interval(medians).interval, ratio_interval(medians, added=4).interval
    assert isinstance(plain, Interval)
    assert isinstance(wide, Interval)
    assert wide.lower < plain.lower < plain.upper < wide.upper


@given(RATIOS)
def test_exchanging_the_two_inverts_the_ratio(ratios: list[float]) -> None:
    """A over B and B over A of the same runs."""
    there, back = ratio_interval(ratios), ratio_interval([1 / ratio for ratio in ratios]).inverse()
    assert back.estimate == pytest.approx(there.estimate)
    assert isinstance(there.interval, Interval)
    assert isinstance(back.interval, Interval)
    assert back.interval.lower == pytest.approx(there.interval.lower)
    assert back.interval.upper == pytest.approx(there.interval.upper)


@given(RATIOS, RATIOS, st.floats(1e-3, 1e9))
def test_the_unit_drops_out_of_ratios(first: list[float], second: list[float], unit: float) -> None:
    """Run medians in seconds and in nanoseconds give one ratio."""
    plain = unpaired_ratio(first, second)
    scaled = unpaired_ratio([unit * value for value in first], [unit * value for value in second])
    assert scaled.estimate == pytest.approx(plain.estimate)


def test_a_run_disturbed_in_some_slices_keeps_its_ratio() -> None:
    """Ten adjacent slices, in two of which the second worker was interrupted."""
    slices = [(100, 102)] * 8 + [(100, 300), (100, 250)]
    assert run_ratio(slices) == pytest.approx(1.02)


@given(
    st.integers(3, 20),
    st.floats(0.5, 2),
    st.floats(-0.05, 0.05),
    st.floats(-0.3, 0.3),
    st.floats(0.2, 5),
)
def test_neither_order_nor_drift_favours_one_of_two(
    pairs: int, true: float, drift: float, after_another: float, opening: float
) -> None:
    """A machine that drifts, and on which slices after another worker's, and the very first, take another time."""
    latency = {"first": 100.0, "second": 100.0 * true}
    order = ["first", "second", "second", "first"] * pairs
    before = [None, *order]
    slices = [
        latency[name]
        * math.exp(drift * at)
        * (1 + after_another * (name != before[at]))
        * (opening if before[at] is None else 1)
        for at, name in enumerate(order)
    ]
    rounds = [
        slices[at : at + 2] if order[at] == "first" else slices[at : at + 2][::-1] for at in range(0, len(order), 2)
    ]
    assert run_ratio([(one, other) for one, other in rounds]) == pytest.approx(true)


def test_equal_runs_have_a_point_for_a_ratio() -> None:
    """Runs without any spread, alike and 10 % apart: no division by zero."""
    assert unpaired_ratio([5.0] * 8, [5.0] * 8).estimate == 1
    apart = unpaired_ratio([5.0] * 8, [5.5] * 8)
    assert isinstance(apart.interval, Interval)
    assert apart.interval.lower == pytest.approx(1.1)


@pytest.mark.parametrize("bad", [[0.0, 1.0], [-1.0, 1.0], [math.nan], []])
def test_ratios_of_nothing_are_refused(bad: list[float]) -> None:
    """Zero, negative and missing ratios have no logarithm."""
    with pytest.raises(ValueError, match=r"sample|no samples"):
        ratio_interval(bad)


def test_quantiles_of_student_are_those_of_scipy() -> None:
    """Degrees of freedom from 0.5 to ten million, whole and broken, at 2,000 random probabilities: to 1e-9."""
    stats = pytest.importorskip("scipy.stats", reason="needs scipy")
    rng = random.Random(4)  # noqa: S311 - no secret
    for _ in range(2000):
        freedom, p = 10 ** rng.uniform(-0.3, 7), rng.choice([rng.uniform(1e-5, 1 - 1e-5), 0.975, 0.995])
        assert t_quantile(p, freedom) == pytest.approx(stats.t.ppf(p, freedom), rel=1e-9, abs=1e-12)


def test_binomial_tails_are_those_of_scipy() -> None:
    """Up to three million trials, at the probabilities of median and percentiles: to 1e-9."""
    stats = pytest.importorskip("scipy.stats", reason="needs scipy")
    rng = random.Random(5)  # noqa: S311 - no secret
    for _ in range(500):
        n, p = int(10 ** rng.uniform(0.5, 6.5)), rng.choice([0.5, 0.1, 0.05, 0.01, 0.001])
        k = int(n * p - rng.uniform(0, 5) * math.sqrt(n * p * (1 - p)))
        if k >= 0:
            assert binomial_tail(k, n, p) == pytest.approx(stats.binom.cdf(k, n, p), rel=1e-9)


def test_the_incomplete_beta_function_is_that_of_scipy() -> None:
    """Both sides of the symmetry, from the edges to the middle."""
    special = pytest.importorskip("scipy.special", reason="needs scipy")
    for a in (0.5, 1, 3.7, 50, 2000):
        for b in (0.5, 2, 33, 900):
            for x in (0, 1e-6, 0.01, 0.3, 0.5, 0.8, 0.999, 1):
                assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-290)


def test_mean_intervals_are_those_of_scipy() -> None:
    """Student's interval of 2, 3 and 20 values, and Welch's of two groups on logarithms."""
    stats = pytest.importorskip("scipy.stats", reason="needs scipy")
    rng = random.Random(6)  # noqa: S311 - no secret
    for count in (2, 3, 20):
        values = [rng.uniform(1, 2) for _ in range(count)]
        found = mean_interval(values)
        assert isinstance(found, Interval)
        low, high = stats.t.interval(0.95, count - 1, loc=sum(values) / count, scale=stats.sem(values))
        assert [found.lower, found.upper] == pytest.approx([low, high], rel=1e-9)


def test_intervals_of_differences_are_those_of_scipy_below_zero_too() -> None:
    stats = pytest.importorskip("scipy.stats", reason="needs scipy")
    rng = random.Random(8)  # noqa: S311 - no secret
    values = [rng.gauss(-1, 1) for _ in range(8)]
    found = difference_interval(values)
    assert isinstance(found, Interval)
    low, high = stats.t.interval(0.95, 7, loc=sum(values) / 8, scale=stats.sem(values))
    assert [found.lower, found.upper] == pytest.approx([low, high], rel=1e-9)
    assert found.lower < 0


def test_one_difference_has_no_interval_and_what_is_no_number_is_refused() -> None:
    assert isinstance(difference_interval([-1.0]), Unavailable)
    for bad in ([], [1.0, math.nan], [math.inf, 1.0]):
        with pytest.raises(ValueError, match="finite"):
            difference_interval(bad)


def test_welch_is_that_of_scipy() -> None:
    """Eight and five run medians of different spread."""
    stats = pytest.importorskip("scipy.stats", reason="needs scipy")
    rng = random.Random(7)  # noqa: S311 - no secret
    first = [rng.lognormvariate(0, 0.02) for _ in range(8)]
    second = [rng.lognormvariate(0.05, 0.1) for _ in range(5)]
    test = stats.ttest_ind(list(map(math.log, second)), list(map(math.log, first)), equal_var=False)
    low, high = test.confidence_interval(0.95)
    found = unpaired_ratio(first, second).interval
    assert isinstance(found, Interval)
    assert [found.lower, found.upper] == pytest.approx([math.exp(low), math.exp(high)])


@given(st.integers(1, 400), st.sampled_from([0.5, 0.1, 0.01]), st.sampled_from([0.025, 0.005, 0.01]))
def test_ranks_are_the_largest_that_hold(n: int, p: float, tail: float) -> None:
    """P(X <= rank) is within the tail and P(X <= rank + 1) is not, by a plain sum."""
    share = Fraction(p).limit_denominator(1000)

    def below(k: int) -> Fraction:
        return sum((math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k + 1)), Fraction(0))

    rank = binomial_rank(n, p, tail)
    assert below(rank) <= tail < below(rank + 1)
