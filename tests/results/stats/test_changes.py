"""The rule that dates a rise, by simulation: rarely found in noise, found where there is one."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from lpbench.results.stats.changes import FEWEST, drift, first_rise

if TYPE_CHECKING:
    from collections.abc import Callable

    Noise = Callable[[random.Random, int], list[float]]


def lognormal(rng: random.Random, n: int) -> list[float]:
    return [rng.lognormvariate(0, 0.03) for _ in range(n)]


def drifting(rng: random.Random, n: int) -> list[float]:
    """Noise whose neighbours are alike (a first-order process with 0.9), 1 % slower in the end than at first."""
    at, found = rng.gauss(0, 0.015), []
    for index in range(n):
        at = 0.9 * at + rng.gauss(0, 0.015 * math.sqrt(1 - 0.9**2))
        found.append(math.exp(at) * (1 + 0.01 * index / n))
    return found


def bimodal(rng: random.Random, n: int) -> list[float]:
    """Nearly every third slice takes 20 % longer."""
    return [(1.2 if rng.random() < 0.3 else 1.0) * rng.lognormvariate(0, 0.01) for _ in range(n)]


def bursts(rng: random.Random, n: int) -> list[float]:
    """Every twentieth slice is up to three times as long."""
    return [rng.lognormvariate(0, 0.02) * (1 + 2 * rng.random() * (rng.random() < 0.05)) for _ in range(n)]


NOISES = [lognormal, drifting, bimodal, bursts]


def stepped(values: list[float], at: int, step: float) -> list[float]:
    return [value * (1 + step * (index >= at)) for index, value in enumerate(values)]


@pytest.mark.parametrize("n", [FEWEST, 300, 1500])
@pytest.mark.parametrize("noise", NOISES)
def test_noise_is_hardly_ever_taken_for_a_rise(noise: Noise, n: int) -> None:
    rng = random.Random(n)  # noqa: S311 - no secret
    curves = 120 if n <= 300 else 30
    found = [first_rise(noise(rng, n)) for _ in range(curves)]
    assert sum(each is not None for each in found) <= 0.05 * curves


@pytest.mark.parametrize(
    ("noise", "n", "step"),
    [
        *((noise, 1500, step) for noise in NOISES for step in (0.05, 0.3)),
        *((noise, 300, step) for noise, step in ((lognormal, 0.05), (drifting, 0.1), (bimodal, 0.3), (bursts, 0.05))),
    ],
)
def test_a_rise_is_found_within_a_twentieth_of_the_time(noise: Noise, n: int, step: float) -> None:
    rng = random.Random(n)  # noqa: S311 - no secret
    near = 0
    for _ in range(20):
        at = int(n * rng.uniform(0.12, 0.88))
        found = first_rise(stepped(noise(rng, n), at, step))
        near += found is not None and abs(found.at - at) <= 0.05 * n
    assert near >= 18


def test_the_first_of_two_steps_counts() -> None:
    values = stepped(stepped(lognormal(random.Random(1), 600), 150, 0.1), 400, 0.4)  # noqa: S311 - no secret
    found = first_rise(values)
    assert found is not None
    assert abs(found.at - 150) <= 30
    assert found.before == pytest.approx(1.0, abs=0.02)


def test_what_becomes_faster_does_not_rise() -> None:
    assert first_rise(stepped(lognormal(random.Random(1), 600), 300, -0.3)) is None  # noqa: S311 - no secret


def test_a_curve_without_noise_has_its_step_where_it_is() -> None:
    found = first_rise(stepped([5.0] * 200, 70, 0.1))
    assert found is not None
    assert (found.at, found.before, found.after) == (70, 5.0, 5.5)


def test_too_short_a_curve_has_no_rise() -> None:
    assert first_rise(stepped([5.0] * (FEWEST - 1), 40, 1.0)) is None


def test_what_still_moves_drifts_and_what_is_noisy_does_not() -> None:
    rng = random.Random(1)  # noqa: S311 - no secret
    falling = [value * (1 - 0.1 * at / 200) for at, value in enumerate(lognormal(rng, 200))]
    assert drift(falling) == pytest.approx(-0.05, abs=0.01)
    calm = [drift(noise(rng, 200)) for noise in NOISES for _ in range(50)]
    assert sum(map(bool, calm)) <= 0.05 * len(calm)
