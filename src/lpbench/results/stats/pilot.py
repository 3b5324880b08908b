"""How many runs and how long each, from three pilot runs.

After Kalibera and Jones, "Rigorous Benchmarking in Reasonable Time" (2013): repeat most where most of the
variance arises, as far as its cost allows: samples per run = sqrt(cost of a run / cost of a sample x variance
of a sample / variance between runs); the number of runs follows from the interval that is wanted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.results.stats.distributions import t_quantile
from lpbench.results.stats.intervals import mean_and_error

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEWEST_SAMPLES = 6


@dataclass(frozen=True)
class PilotRun:
    """What one pilot run showed; times in nanoseconds.

    :param median: Of its samples.
    :param median_variance: As ``stats.median_variance`` gives it.
    :param start_cost: Time of a fresh worker until its first counted sample: start, loading, warm-up.
    :param sample_cost: Time of one sample with all that surrounds it.
    """

    median: float
    median_variance: float
    samples: int
    start_cost: float
    sample_cost: float


@dataclass(frozen=True)
class Plan:
    """What to measure.

    :param runs: Number of runs, the pilot's included.
    :param samples: Samples per run.
    :param expected: Half width that the interval over runs will about have, as a share of the median.
    :param between: Standard deviation between runs beyond what their samples explain, as a share of the median.
    :param limit: What fixed the number of runs: ``target``, ``fewest``, ``most`` or ``budget``.
    """

    runs: int
    samples: int
    expected: float
    between: float
    limit: str


@dataclass(frozen=True)
class Limits:
    """What a plan may not exceed; times in nanoseconds.

    :param budget: Time for all runs together; the pilot's runs count, and are kept where they exceed it.
    :param longest: Time that the samples of one run may take.
    """

    fewest: int = 3
    most: int = 30
    budget: float = math.inf
    longest: float = 2e9


def plan(pilot: Sequence[PilotRun], target: float = 0.01, limits: Limits | None = None) -> Plan:
    """Return how many runs of how many samples make the 95 % interval over runs ±``target`` at the lowest cost.

    :raises ValueError: For fewer than two pilot runs.
    """
    if len(pilot) < 2:  # noqa: PLR2004 - a spread takes two
        raise ValueError(f"{len(pilot)} pilot runs: a plan takes at least 2")
    limits = limits or Limits()
    centre, error = mean_and_error([run.median for run in pilot])
    sample = _mean([run.median_variance * run.samples for run in pilot])
    between = max(0.0, error**2 * len(pilot) - _mean([run.median_variance for run in pilot]))
    start, each = _mean([run.start_cost for run in pilot]), _mean([run.sample_cost for run in pilot])
    samples = _samples(sample, between, start / each, limits.longest / each)
    variance = (between + sample / samples) / centre**2
    runs, limit = _runs(variance, target, limits, start + samples * each, len(pilot))
    return Plan(runs, samples, _reach(variance, runs), math.sqrt(between) / centre, limit)


def _runs(variance: float, target: float, limits: Limits, cost: float, done: int) -> tuple[int, str]:
    """Return the fewest runs that reach the target within the limits, and what fixed them."""
    affordable = limits.budget / cost
    ceiling = max(done, int(min(limits.most, affordable)))
    wanted = next((runs for runs in range(2, ceiling + 1) if _reach(variance, runs) <= target), None)
    if wanted is None:
        return ceiling, "budget" if affordable < limits.most else "most"
    runs = max(wanted, min(limits.fewest, ceiling), done)
    return runs, "target" if runs == wanted else "fewest"


def _samples(sample: float, between: float, cost: float, longest: float) -> int:
    """Return samples per run: as many as allowed where runs do not differ, by the formula where they do."""
    best = math.sqrt(cost * sample / between) if between else math.inf
    return max(_FEWEST_SAMPLES, math.ceil(min(best, longest)))


def _reach(variance: float, runs: int) -> float:
    return t_quantile(0.975, runs - 1) * math.sqrt(variance / runs)


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
