"""When warm-up ends, when a run stops and why, and what a pilot plans."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.results.stats import Limits, NoisePlateau, PilotRun, Stopping, WarmUp, interval_reached, plan
from lpbench.results.stats.distributions import t_quantile

MILLISECOND = 1_000_000


def noise(n: int, seed: int, spread: float) -> list[int]:
    """Return n latencies around 4 ms in nanoseconds."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    return [round(4 * MILLISECOND * rng.lognormvariate(0, spread)) for _ in range(n)]


def test_warm_up_waits_while_medians_fall() -> None:
    """Windows that start at three times the later latency: over once they are level, not before."""
    warm = WarmUp(k=2)
    levels = [300, 250, 200, 150, 120, 100, 100, 100, 100, 100]
    over = [warm.feed([level + at for at in range(5)]) for level in levels]
    assert over.index(True) == 8
    assert (warm.windows, warm.samples, warm.capped) == (10, 50, False)


def test_warm_up_of_a_level_machine_is_short() -> None:
    """Twice k windows without any fall are enough."""
    warm = WarmUp(k=3)
    assert [warm.feed([100] * 4) for _ in range(6)] == [False] * 5 + [True]


def test_warm_up_ends_at_its_cap() -> None:
    """A latency that falls for ever: ended, and said so."""
    warm = WarmUp(k=2, cap=7)
    assert [warm.feed([1000 * 0.9**at]) for at in range(7)][-1]
    assert warm.capped


def test_a_run_stops_when_its_interval_is_narrow() -> None:
    """Calm samples: stopped by the interval, which then is as narrow as asked."""
    stopping, taken = Stopping(0.01, cap=math.inf), 0
    values = noise(5000, 1, 0.05)
    for taken in itertools.count(20, 20):
        if stopping.feed(values[taken - 20 : taken]):
            break
    assert interval_reached(values[:taken], 0.01)
    assert taken < 1000


def test_a_noisy_run_stops_at_its_cap() -> None:
    """Samples so noisy that ±0.1 % is out of reach within two seconds of them."""
    stopping = Stopping(0.001, cap=2_000 * MILLISECOND)
    reasons = [stopping.feed(noise(50, seed, 0.4)) for seed in range(11)]
    assert next(each for each in reasons if each) == "cap"
    assert reasons[:5] == [None] * 5


def test_a_run_goes_on_for_a_percentile() -> None:
    """662 samples are wanted for p99 although the interval is narrow after 50."""
    stopping = Stopping(0.05, cap=math.inf, need=662)
    reasons = [stopping.feed(noise(50, seed, 0.02)) for seed in range(14)]
    assert reasons == [None] * 13 + ["interval"]


def test_noise_that_no_longer_improves_ends_a_run() -> None:
    """Thirty per cent noise at a target of 0.01 %: the plateau ends it, not the cap."""
    stopping = Stopping(1e-4, cap=math.inf, plateau=NoisePlateau())
    reasons = (stopping.feed(noise(16, seed, 0.3)) for seed in range(200))
    assert next(reason for reason in reasons if reason) == "plateau"


def test_little_noise_is_a_plateau_after_half_a_second() -> None:
    """Samples of 4 ms with 0.1 % noise: done after half a second of them, not before."""
    plateau = NoisePlateau()
    reached = [plateau.feed(noise(25, seed, 0.001)) for seed in range(6)]
    assert reached == [False] * 4 + [True, True] or reached == [False] * 5 + [True]


def test_no_plateau_while_noise_grows() -> None:
    """A run into which ever more noise comes."""
    plateau = NoisePlateau()
    assert not any(plateau.feed(noise(16, seed, 0.01 * 1.3**seed)) for seed in range(14))


def pilot(medians: list[float], within: float = 0.02, samples: int = 100) -> list[PilotRun]:
    """Return pilot runs of 4 ms samples whose start costs a second."""
    variance = (within * 4 * MILLISECOND) ** 2 / samples
    return [PilotRun(4 * MILLISECOND * each, variance, samples, 1e9, 4.0 * MILLISECOND) for each in medians]


def test_runs_that_differ_much_are_many_and_short() -> None:
    """Runs 3 % apart get more runs, of fewer samples, than runs 0.5 % apart."""
    wild, calm = plan(pilot([1, 1.03, 0.97])), plan(pilot([1, 1.005, 0.995]))
    assert wild.runs > calm.runs
    assert wild.samples < calm.samples
    assert wild.between > calm.between


def test_plans_reach_the_target_they_expect() -> None:
    """The planned number is the smallest whose interval is as narrow as wanted, by the plan's own variances."""
    found = plan(pilot([1, 1.01, 0.99]), 0.01, Limits(most=100))
    assert found.limit == "target"
    assert found.expected <= 0.01
    spread = found.expected / t_quantile(0.975, found.runs - 1) * math.sqrt(found.runs)
    assert t_quantile(0.975, found.runs - 2) * spread / math.sqrt(found.runs - 1) > 0.01


def test_plans_say_what_fixed_them() -> None:
    """Fewest runs, most runs, and the time allowed."""
    calm, wild = pilot([1, 1.0001, 0.9999]), pilot([1, 1.2, 0.8])
    assert (plan(calm).runs, plan(calm).limit) == (3, "fewest")
    assert (plan(wild, limits=Limits(most=8)).runs, plan(wild, limits=Limits(most=8)).limit) == (8, "most")
    short = plan(wild, limits=Limits(budget=6e9))
    assert (short.runs, short.limit) == (5, "budget")


def test_samples_per_run_follow_the_square_root_rule() -> None:
    """Kalibera and Jones: sqrt(start cost / sample cost x sample variance / variance between runs)."""
    runs = pilot([1, 1.02, 0.98])
    sample = runs[0].median_variance * runs[0].samples
    between = (0.02 * 4 * MILLISECOND) ** 2 - runs[0].median_variance
    assert plan(runs).samples == max(6, math.ceil(math.sqrt(250 * sample / between)))


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=5), st.floats(0.001, 0.5), st.floats(0, 20))
def test_plans_keep_their_limits(medians: list[float], target: float, seconds: float) -> None:
    """Any pilot: at least its own runs, at most the limit, at least six samples."""
    found = plan(pilot(medians), target, Limits(budget=seconds * 1e9, most=12))
    assert len(medians) <= found.runs <= 12
    assert found.samples >= 6
    assert math.isfinite(found.expected)


def test_one_pilot_run_plans_nothing() -> None:
    """The spread of one run is not known."""
    with pytest.raises(ValueError, match="at least 2"):
        plan(pilot([1]))
