"""Times and intervals of a configuration, in a suitable unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.render._numbers import ABSENT, around, digits, unknown
from lpbench.results.metrics import MILLISECOND, STAGE_METRICS, across_runs
from lpbench.results.stages import TOTAL
from lpbench.results.stats import FEWEST_RUNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpbench.results.model import Configuration
    from lpbench.results.run import Metric

SHORT = 1e5
"""Nanoseconds below which totals are shown in microseconds."""


@dataclass(frozen=True)
class Unit:
    """A unit of time.

    :param ns: Its length in nanoseconds.
    """

    name: str
    ns: float

    def show(self, ns: object) -> str:
        """Return nanoseconds in this unit."""
        return digits(ns / self.ns) if isinstance(ns, int | float) else ABSENT

    def square(self, ns: object) -> str:
        """Return square nanoseconds in this unit squared; exponents keep columns narrow, as squares span decades."""
        return digits(ns / self.ns**2, smallest=1e-2, largest=1e5) if isinstance(ns, int | float) else ABSENT


def unit_for(configurations: Iterable[Configuration]) -> Unit:
    """Return milliseconds, or microseconds if every total is short."""
    medians = [each.statistics[TOTAL].median for each in configurations if TOTAL in each.statistics]
    return Unit("µs", 1e3) if medians and max(medians) < SHORT else Unit("ms", MILLISECOND)


def metric_of(configuration: Configuration, stage: str) -> Metric | None:
    """Return the metric of a stage, in milliseconds; None if it was not measured.

    The glossary has no metrics for the stages of a chain's components; they are computed in the same way.
    """
    if stage in STAGE_METRICS:
        return configuration.metrics.get(STAGE_METRICS[stage])
    runs = [run for run in configuration.counted if stage in run.statistics]
    return across_runs(runs, stage) if runs else None


def value(metric: Metric | None, unit: Unit) -> str:
    """Return the value of a time metric in a unit, or a dash."""
    return unit.show(metric.value * MILLISECOND) if metric is not None and metric.value is not None else ABSENT


def uncertainty(metric: Metric | None, unit: Unit, runs: int) -> str:
    """Return a time metric's ±, the ends of its interval where that is wide, or that too few runs tell none.

    :param runs: Behind the metric; files of before may hold an interval of two.
    :returns: Empty where the metric has no value, or has no interval for another reason.
    """
    if metric is None or metric.value is None:
        return ""
    if runs < FEWEST_RUNS:
        return unknown(runs)
    if metric.interval is None:
        return ""
    scale = MILLISECOND / unit.ns
    return around(scale * metric.value, scale * metric.interval.lower, scale * metric.interval.upper)
