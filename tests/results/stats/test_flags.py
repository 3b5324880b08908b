"""Flags fire on streams that deserve them and stay silent on calm ones."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from lpbench.results.stats import Flag, dependence, flags, runs_differ, slice_medians, summarize

if TYPE_CHECKING:
    from collections.abc import Callable


def noise(n: int, seed: int, spread: float = 0.05) -> list[float]:
    """Return n independent latencies around 1000."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    return [1000 * rng.lognormvariate(0, spread) for _ in range(n)]


def named(values: list[float]) -> set[str]:
    """Return the names of the flags."""
    return {flag.name for flag in flags(values)}


def follow(values: list[float]) -> list[float]:
    """Return a stream in which each sample leans on its forerunner."""
    for at in range(1, len(values)):
        values[at] = 0.7 * values[at - 1] + 0.3 * values[at]
    return values


def drift(values: list[float]) -> list[float]:
    """Return a stream that ends 20 % slower than it started."""
    return [value * (1 + 0.2 * at / len(values)) for at, value in enumerate(values)]


def split(values: list[float]) -> list[float]:
    """Return a stream in which every third sample takes a path 30 % slower."""
    rng = random.Random(len(values))  # noqa: S311 - no secret
    return [value * (1.3 if rng.random() < 1 / 3 else 1) for value in values]


CASES = [("autocorrelated", follow, 0.05), ("drift", drift, 0.05), ("bimodal", split, 0.02)]


@pytest.mark.parametrize("n", [300, 1000, 5000])
@pytest.mark.parametrize(("name", "spoil", "spread"), CASES)
def test_spoilt_streams_are_flagged(
    name: str, spoil: Callable[[list[float]], list[float]], spread: float, n: int
) -> None:
    """Ten streams of each kind: the flag fires on all of them."""
    for seed in range(10):
        assert name in named(spoil(noise(n, seed, spread)))


@pytest.mark.parametrize("n", [300, 1000, 5000])
def test_calm_streams_are_hardly_ever_flagged(n: int) -> None:
    """Forty independent streams: at most one false alarm besides the width of the interval."""
    alarms = [named(noise(n, seed)) - {"unsteady"} for seed in range(100, 140)]
    assert sum(map(len, alarms)) <= 1


def test_wide_intervals_are_unsteady() -> None:
    """Twenty noisy samples cannot give ±1 %; five give no interval at all; a thousand calm ones do."""
    few, none, many = noise(20, 1, 0.3), noise(5, 1), noise(1000, 1, 0.02)
    assert "unsteady" in named(few)
    assert "unsteady" in named(none)
    assert "unsteady" not in named(many)


def test_an_interval_wider_than_half_the_median_is_named_by_its_ends() -> None:
    """Six samples from 1 to 9 ms: ±412 % was once said of such."""
    (wild,) = (flag for flag in flags([1.0, 9.0, 1.2, 8.0, 1.1, 1.3]) if flag.name == "unsteady")
    assert wild.reason == "median between 1 and 9, target ±1.00%"


def test_reasons_name_the_figure() -> None:
    """Drift says how far, unsteady says what was wanted."""
    reasons = {flag.name: flag.reason for flag in flags(drift(noise(1000, 2)), summary=None)}
    assert "+1" in reasons["drift"]
    assert "first third to the last" in reasons["drift"]
    wide = flags(noise(50, 2, 0.3), target=0.02)[0]
    assert (wide.name, "target ±2.00%" in wide.reason) == ("unsteady", True)


@pytest.mark.parametrize("values", [[7] * 500, [0] * 50, [1, 2], [5], list(range(1, 8))])
def test_degenerate_streams_do_not_break_the_flags(values: list[float]) -> None:
    """Equal samples, zeros, one sample, a handful."""
    assert named(values) <= {"unsteady"}


def test_a_coarse_clock_does_not_make_two_peaks() -> None:
    """Latencies in whole ticks of 2 % leave gaps between them that are no valleys."""
    ticks = [round(value / 20) * 20.0 for value in noise(2000, 3)]
    assert "bimodal" not in named(ticks)


def test_a_summary_at_hand_gives_the_same_flags() -> None:
    """Flags of a stream with and without its summary."""
    values = follow(noise(500, 4))
    assert flags(values, summary=summarize(values)) == flags(values)


def test_correlation_time_is_that_of_theory() -> None:
    """Signs of a Gaussian AR(1) of 0.5 correlate by 2/pi asin(0.5 ** lag): their sum, within 15 %."""
    rng = random.Random(5)  # noqa: S311 - no secret
    state, values = 0.0, []
    for _ in range(50_000):
        state = 0.5 * state + math.sqrt(0.75) * rng.gauss(0, 1)
        values.append(100 + state)
    theory = 1 + 2 * sum(2 / math.pi * math.asin(0.5**lag) for lag in range(1, 60))
    assert dependence(values, 100).time == pytest.approx(theory, rel=0.15)


def test_runs_that_differ_are_flagged() -> None:
    """Four runs with factors of their own, and four without."""
    alike = [noise(300, seed) for seed in range(4)]
    apart = [[value * factor for value in run] for run, factor in zip(alike, (1, 1.05, 0.97, 1.02), strict=True)]
    assert runs_differ(alike) is None
    found = runs_differ(apart)
    assert isinstance(found, Flag)
    assert found.name == "runs-differ"


def test_slices_follow_the_order_of_measuring() -> None:
    """A hundred rising samples in ten slices."""
    assert slice_medians(range(100), 10) == [4.5 + 10 * at for at in range(10)]
    assert slice_medians([3, 1], 10) == [3, 1]
