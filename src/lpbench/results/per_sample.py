"""Times of one sample: by them configurations with unequal batches or streams are compared and ranked.

The latency of a batch is divided by its samples.  Where the numbers of streams differ, no latency says how many samples
go through, since they overlap: the wall time of slices divided by their samples does, as in MLPerf's offline scenario.
Latencies that stand by themselves stay those of a batch.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING

from lpbench.results.run import Lockstep
from lpbench.results.stages import SAMPLE, TOTAL
from lpbench.results.turns import turn_metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.plugin.configuration import EngineConfiguration
    from lpbench.results.model import Configuration, Result
    from lpbench.results.run import Run

SECOND_MS = 1000.0


class Basis(Enum):
    """What times are compared."""

    LATENCY = ""
    BATCH = "latency of a batch divided by its samples"
    SLICE = "wall time of slices divided by their samples"

    @classmethod
    def of(cls, configurations: Iterable[EngineConfiguration]) -> Basis:
        """Return by what times configurations are compared."""
        known = {(each.batch, each.streams) for each in configurations}
        if len({streams for _, streams in known}) > 1:
            return cls.SLICE
        return cls.BATCH if len(known) > 1 else cls.LATENCY

    def of_run(self, run: Run, batch: int) -> dict[str, float]:
        """Return a run's median times in nanoseconds, by stage."""
        wall = {SAMPLE: run.counters.get("wall_ns", 0) / (batch * run.samples)} if run.samples else {}
        return self.of_one({**{stage: found.median for stage, found in run.statistics.items()}, **wall}, batch)

    def of_one(self, figures: Mapping[str, float], batch: int) -> dict[str, float]:
        """Return figures of a batch, by stage, as those of a sample: of slices there is the total alone."""
        if self is Basis.SLICE:
            return {TOTAL: figures[SAMPLE]} if SAMPLE in figures else {}
        parts = batch if self is Basis.BATCH else 1
        return {stage: value / parts for stage, value in figures.items() if stage != SAMPLE}

    def of_pair(self, pair: Lockstep, batches: tuple[int, int]) -> Lockstep:
        """Return the ratios of two configurations, and the reference's times, as those of a sample.

        :param batches: First's and second's samples of a batch.
        """
        if self is Basis.LATENCY:
            return pair
        if self is Basis.SLICE:  # they are of a sample already
            ratios, first_ns = (
                {TOTAL: each[SAMPLE]} if SAMPLE in each else {} for each in (pair.ratios, pair.first_ns)
            )
            return Lockstep(pair.first, pair.second, ratios, first_ns)
        first, second = batches
        return Lockstep(
            pair.first,
            pair.second,
            {stage: tuple(ratio * first / second for ratio in found) for stage, found in pair.ratios.items()},
            {stage: tuple(ns / first for ns in found) for stage, found in pair.first_ns.items()},
        )


def result_basis(result: Result) -> Basis:
    """Return by what times the measured configurations of a result are ranked."""
    return Basis.of(each.configuration for each in result.configurations if each.measured)


def locksteps_of_one(result: Result) -> tuple[Lockstep, ...]:
    """Return a result's ratios as those by which its configurations are ranked."""
    basis, batches = result_basis(result), [each.configuration.batch for each in result.configurations]
    return tuple(basis.of_pair(each, (batches[each.first], batches[each.second])) for each in result.lockstep)


def sample_ms(configuration: Configuration, basis: Basis) -> float:
    """Return the milliseconds of a sample of a configuration alone; infinite where they are not known."""
    name = "THROUGHPUT" if basis is Basis.SLICE else "LATENCY"
    metric = configuration.metrics.get(name)
    if metric is None or not metric.value:
        return math.inf
    if basis is Basis.SLICE:
        return SECOND_MS / metric.value
    return metric.value / (configuration.configuration.batch if basis is Basis.BATCH else 1)


def sample_times(result: Result) -> dict[int, float]:
    """Return the milliseconds of a sample by the index of the configuration, of the turns where they were taken.

    Empty where all configurations have equal batches and streams.
    """
    basis = result_basis(result)
    if basis is Basis.LATENCY:
        return {}
    turns = turn_metrics(locksteps_of_one(result))
    found: dict[int, float] = {}
    for index, each in enumerate(result.configurations):
        in_turns = turns.get(index, {}).get(TOTAL)
        alone = sample_ms(each, basis)
        found[index] = in_turns.value if in_turns and in_turns.value is not None else alone
    return {index: ms for index, ms in found.items() if math.isfinite(ms)}


def unequal_work(first: EngineConfiguration, second: EngineConfiguration) -> dict[str, tuple[int, int]]:
    """Return the batches and the streams of two configurations where they differ."""
    both = {"batch": (first.batch, second.batch), "streams": (first.streams, second.streams)}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def by_stage(figures: Sequence[Mapping[str, float]], stage: str) -> list[float]:
    """Return the figures of a stage, of the runs that have it."""
    return [each[stage] for each in figures if stage in each]
