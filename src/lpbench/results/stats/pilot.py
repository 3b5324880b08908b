"""Plans the number of runs and of samples per run from three pilot runs.

After Kalibera and Jones, "Rigorous Benchmarking in Reasonable Time" (2013): repeat most where most of the
variance arises, weighed against its cost: samples per run = sqrt(cost of a run / cost of a sample x variance
of a sample / variance between runs); the number of runs follows from the target width of the interval.
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
    """The figures of one pilot run; times in nanoseconds.

    :param median: Median of its samples.
    :param median_variance: As returned by ``stats.median_variance``.
    :param start_cost: Time from the start of a fresh worker to its first counted sample: start, loading, warm-up.
    :param sample_cost: Time of one sample, overhead included.
    """

    median: float
    median_variance: float
    samples: int
    start_cost: float
    sample_cost: float


@dataclass(frozen=True)
class Plan:
    """The number of runs and samples to measure.

    :param runs: Number of runs, including the pilot runs.
    :param samples: Samples per run.
    :param expected: Expected half width of the interval across runs, as a share of the median.
    :param between: Standard deviation between runs beyond what their samples explain, as a share of the median.
    :param limit: What determined the number of runs: ``target``, ``fewest``, ``most`` or ``budget``.
    """

    runs: int
    samples: int
    expected: float
    between: float
    limit: str


@dataclass(frozen=True)
class Limits:
    """The limits of a plan; times in nanoseconds.

    :param budget: Time for all runs together; pilot runs count, and are kept even if they exceed it.
    :param longest: Time that the samples of one run may take.
    """

    fewest: int = 3
    most: int = 30
    budget: float = math.inf
    longest: float = 2e9


def plan(pilot: Sequence[PilotRun], target: float = 0.01, limits: Limits | None = None) -> Plan:
    """Return the runs and samples per run whose 95 % interval across runs is ±``target`` at the lowest cost.

    :raises ValueError: There are fewer than two pilot runs.
    """
    if len(pilot) < 2:  # noqa: PLR2004 - a spread takes two
        raise ValueError(f"{len(pilot)} pilot runs: a plan needs at least 2")
    limits = limits or Limits()
    centre, error = mean_and_error([run.median for run in pilot])
    sample = _mean([run.median_variance * run.samples for run in pilot])
    between = max(0.0, error**2 * len(pilot) - _mean([run.median_variance for run in pilot]))
    start_cost, sample_cost = _mean([run.start_cost for run in pilot]), _mean([run.sample_cost for run in pilot])
    samples = _samples(sample, between, start_cost / sample_cost, limits.longest / sample_cost)
    variance = (between + sample / samples) / centre**2
    runs, limit = _runs(variance, target, limits, start_cost + samples * sample_cost, len(pilot))
    return Plan(runs, samples, _reach(variance, runs), math.sqrt(between) / centre, limit)


def _runs(variance: float, target: float, limits: Limits, cost: float, done: int) -> tuple[int, str]:
    """Return the fewest runs that reach the target within the limits, and what determined their number."""
    affordable = limits.budget / cost
    ceiling = max(done, int(min(limits.most, affordable)))
    needed = next((runs for runs in range(2, ceiling + 1) if _reach(variance, runs) <= target), None)
    if needed is None:
        return ceiling, "budget" if affordable < limits.most else "most"
    runs = max(needed, min(limits.fewest, ceiling), done)
    return runs, "target" if runs == needed else "fewest"


def _samples(sample: float, between: float, cost: float, longest: float) -> int:
    """Return the samples per run: by the formula if runs differ, else as many as allowed."""
    best = math.sqrt(cost * sample / between) if between else math.inf
    return max(_FEWEST_SAMPLES, math.ceil(min(best, longest)))


def _reach(variance: float, runs: int) -> float:
    return t_quantile(0.975, runs - 1) * math.sqrt(variance / runs)


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
