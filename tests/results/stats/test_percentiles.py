"""Percentiles, their bounds, and how many samples they take."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.results.stats import Percentile, percentile, percentile_need, percentiles, summarize
from lpbench.util.unavailable import Unavailable


def shuffled(n: int) -> list[int]:
    """Return 1 to n in a random order."""
    return random.Random(n).sample(range(1, n + 1), n)  # noqa: S311 - no secret


@pytest.mark.parametrize(("q", "need"), [(50, 11), (90, 64), (95, 130), (99, 662), (99.9, 6636)])
def test_needs_are_those_of_mlperf(q: float, need: int) -> None:
    """64, 662 and 6,636 samples for p90, p99 and p99.9 at one over-latency sample, as loadgen finds."""
    assert percentile_need(q) == need
    short = percentile(shuffled(need - 1), q)
    assert short == Unavailable(f"n too small (need {need})", "too-few-samples")
    found = percentile(shuffled(need), q)
    assert isinstance(found, Percentile)
    assert (found.upper, found.n, found.need) == (need, need, need)


@pytest.mark.parametrize(("q", "n"), [(90, 500), (99, 3000), (99.9, 20000)])
def test_bounds_hold_by_the_binomial(q: float, n: int) -> None:
    """The t-th largest of n is the bound for the largest t with P(at most t above) <= 1 %, by exact sums."""
    found = percentile(shuffled(n), q)
    assert isinstance(found, Percentile)
    t = n + 1 - int(found.upper)  # type: ignore[arg-type] # a number here
    above = 1 - q / 100

    def at_most(k: int) -> float:
        logs = (math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(k + 1))
        return math.fsum(
            math.exp(log + i * math.log(above) + (n - i) * math.log1p(-above)) for i, log in enumerate(logs)
        )

    assert at_most(t) <= 0.01 < at_most(t + 1)


@given(st.lists(st.integers(0, 10**6), min_size=11, max_size=200))
def test_p50_is_the_median(values: list[int]) -> None:
    """Two names for one number, for even and odd numbers of samples."""
    found = percentile(values, 50)
    assert isinstance(found, Percentile)
    assert found.value == summarize(values).median


@given(st.integers(0, 10**6), st.floats(0, 3), st.integers(64, 1500))
def test_percentiles_rise(seed: int, spread: float, count: int) -> None:
    """p50 <= p90 <= p95 <= p99 <= maximum, and no bound lies below its percentile, at any spread."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    values = [rng.lognormvariate(0, spread) for _ in range(count)]
    found = [each for each in percentiles(values).values() if isinstance(each, Percentile)]
    assert [each.value for each in found] == sorted(each.value for each in found)
    for each in found:
        assert isinstance(each.upper, Unavailable) or each.value <= each.upper <= max(values)


def test_a_share_of_the_samples_lies_at_or_below() -> None:
    """Of the numbers 1 to 1000, 99.9 % lie at or below the p99.9, without rounding errors of 99.9."""
    found = percentiles(shuffled(10_000), (99, 99.9))
    assert {q: each.value for q, each in found.items() if isinstance(each, Percentile)} == {99: 9900.5, 99.9: 9990.5}


def test_autocorrelated_samples_get_no_bound() -> None:
    """A thousand samples in slow waves: the percentile stands, the bound gives its reason."""
    rng = random.Random(8)  # noqa: S311 - no secret
    found = percentile([1000 + 100 * math.sin(at / 20) + rng.random() for at in range(1000)], 99)
    assert isinstance(found, Percentile)
    assert isinstance(found.upper, Unavailable)
    assert "autocorrelated" in found.upper.reason


def test_slow_samples_in_clusters_get_no_bound() -> None:
    """Interruptions of ten samples each, otherwise independent: the median sees nothing, the tail does."""
    rng = random.Random(9)  # noqa: S311 - no secret
    values = [rng.gauss(1000, 10) for _ in range(3000)]
    for start in (300, 1400, 2500):
        values[start : start + 10] = [rng.gauss(2000, 10) for _ in range(10)]
    found = percentile(values, 99)
    assert isinstance(found, Percentile)
    assert isinstance(found.upper, Unavailable)
    assert "clusters" in found.upper.reason


@pytest.mark.parametrize("q", [0, 100, -1, 101, math.nan, math.inf])
def test_percentiles_outside_0_to_100_are_refused(q: float) -> None:
    """p0 and p100 are the extremes, of which no bound is known."""
    with pytest.raises(ValueError, match="percentile"):
        percentile([1, 2, 3], q)


def test_equal_samples_have_equal_percentiles() -> None:
    """A clock too coarse for what it times."""
    found = percentile([5] * 700, 99)
    assert isinstance(found, Percentile)
    assert (found.value, found.upper) == (5, 5)
