"""The figures of one series, on hand-counted, random and hostile samples."""

from __future__ import annotations

import math
import random
import statistics
from array import array
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.results.stats import Interval, summarize
from lpbench.util.unavailable import Unavailable

NANOSECONDS = st.lists(st.integers(0, 2**62), min_size=2, max_size=60)


def test_hand_counted_series() -> None:
    """Every figure of seven samples, one far out, counted by hand."""
    found = summarize([40, 10, 30, 20, 50, 25, 1000])
    assert (found.n, found.minimum, found.median, found.maximum) == (7, 10, 30, 1000)
    assert (found.jitter, found.mad, found.outliers) == (970, 10, 1)
    assert found.mean == pytest.approx(1175 / 7)
    assert found.std == pytest.approx(statistics.stdev([40, 10, 30, 20, 50, 25, 1000]))
    assert isinstance(found.interval, Interval)
    assert (found.interval.lower, found.interval.upper) == (10, 1000)


@given(NANOSECONDS)
def test_whole_numbers_are_exact(values: list[int]) -> None:
    """Median, mean and variance of integers up to 62 bits equal exact rational arithmetic, rounded once."""
    found = summarize(values)
    mean = Fraction(sum(values), len(values))
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    ordered = sorted(values)
    half = Fraction(ordered[(len(values) - 1) // 2] + ordered[len(values) // 2], 2)
    assert found.mean == float(mean)
    assert found.variance == float(variance)
    assert found.median == (half if half.denominator == 1 else float(half))


@given(NANOSECONDS)
def test_arrays_give_what_lists_give(values: list[int]) -> None:
    """An array('q') of nanoseconds and a list of them."""
    assert summarize(array("q", values)) == summarize(values)


@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=40), st.floats(0.001, 1000))
def test_figures_scale_with_the_unit(values: list[float], unit: float) -> None:
    """Milliseconds instead of seconds scale every figure and leave the relative ones."""
    plain, scaled = summarize(values), summarize([value * unit for value in values])
    assert scaled.median == pytest.approx(plain.median * unit)
    assert scaled.mad == pytest.approx(plain.mad * unit, rel=1e-6, abs=1e-3)


def test_variance_of_large_close_times_is_not_lost() -> None:
    """Two clock readings near 2**62 that differ by 2 ns, where floats resolve 512 ns."""
    base = 2**62
    assert summarize([base, base + 2] * 50).variance == pytest.approx(100 / 99)


def test_even_numbers_of_samples_keep_half_nanoseconds() -> None:
    """The median of 1 and 2 is 1.5, of 1 and 3 the whole number 2, of integers beyond floats exact."""
    assert summarize([1, 2]).median == 1.5
    assert isinstance(summarize([1, 3]).median, int)
    assert summarize([2**60, 2**60 + 2]).median == 2**60 + 1


def test_one_sample_has_no_spread() -> None:
    """One sample gives median and extremes, and reasons instead of spread and interval."""
    found = summarize([5])
    assert (found.median, found.minimum, found.maximum, found.mean, found.jitter, found.mad) == (5, 5, 5, 5, 0, 0)
    for each in (found.std, found.variance, found.cov, found.interval):
        assert isinstance(each, Unavailable)
        assert "one sample" in each.reason or "needs 6" in each.reason


def test_equal_samples_have_a_point_for_an_interval() -> None:
    """A hundred equal samples: no spread, no outliers, an interval without width."""
    found = summarize([7] * 100)
    assert (found.std, found.variance, found.cov, found.mad, found.outliers) == (0, 0, 0, 0, 0)
    assert isinstance(found.interval, Interval)
    assert (found.interval.lower, found.interval.upper, found.interval.relative(7)) == (7, 7, 0.0)


def test_zero_latencies_have_no_relative_spread() -> None:
    """A clock too coarse for what it times: all samples 0."""
    found = summarize([0] * 10)
    assert found.std == 0
    assert isinstance(found.cov, Unavailable)


def test_outliers_are_counted_and_kept() -> None:
    """Three interruptions among 200 samples change the maximum and the count, not the median."""
    calm = [1000 + at % 20 for at in range(197)]
    found = summarize([*calm, 5000, 6000, 9000])
    assert (found.outliers, found.maximum, found.n) == (3, 9000, 200)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "no samples"),
        ([1.0, math.nan, 3.0], "sample 1 is nan"),
        ([1.0, math.inf], "sample 1 is inf"),
        ([1.0, math.inf, -math.inf], "sample 1 is inf"),
        ([5, 6, -1], "sample 2 is negative: -1"),
        ([5, "6"], "sample 1 is not a number: '6'"),
        ([5, None], "sample 1 is not a number: None"),
        ([1, 10**400], "sample 1 is 1000"),
        ([1e300], "sample 0 is 1e"),
    ],
)
def test_bad_samples_are_named(values: list[float], words: str) -> None:
    """NaN, infinity, stepped clocks, text and nothing at all are errors that name the sample."""
    with pytest.raises(ValueError, match=words):
        summarize(values)


@pytest.mark.parametrize("confidence", [0, 1, -1, 95, math.nan])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    """95 instead of 0.95, say."""
    with pytest.raises(ValueError, match="confidence"):
        summarize([1, 2, 3], confidence)


def test_figures_are_those_of_scipy() -> None:
    """A thousand log-normal samples against scipy's describe and median_abs_deviation."""
    stats = pytest.importorskip("scipy.stats", reason="needs scipy")
    rng = random.Random(1)  # noqa: S311 - no secret
    values = [rng.lognormvariate(0, 0.3) for _ in range(1000)]
    found, other = summarize(values), stats.describe(values)
    assert found.mean == pytest.approx(other.mean, rel=1e-12)
    assert found.variance == pytest.approx(other.variance, rel=1e-12)
    assert found.mad == pytest.approx(stats.median_abs_deviation(values), rel=1e-12)


def test_a_million_samples_fit_into_200_mb() -> None:
    """Figures, percentiles and flags of a million samples, in a process of their own."""
    import subprocess
    import sys

    script = (
        "import random; from array import array; from lpbench.results.stats import *\n"
        "rng = random.Random(1)\n"
        "v = array('q', (int(rng.lognormvariate(15, .05)) for _ in range(10**6)))\n"
        "s = summarize(v); percentiles(v); flags(v, summary=s)\n"
        # not ru_maxrss, which a child takes over from the process that starts it
        "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 200e6
