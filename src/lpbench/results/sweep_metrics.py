"""What makes rows of a sweep comparable that were measured in different hours: the reference that all of them share."""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.results import stats
from lpbench.results.metrics import MILLISECOND
from lpbench.results.run import Metric
from lpbench.results.stats import Interval
from lpbench.results.sweep import RATIO, REFERENCED, SAMPLE_TIME, UNITS
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from lpbench.results.sweep import Found


@dataclass(frozen=True)
class Level:
    """What the reference took while a block was measured, in nanoseconds, one time for each run.

    :param latency_ns: Its latency.
    :param sample_ns: The wall time of its slices by their samples.
    :param failed: Why there are none.
    """

    latency_ns: tuple[float, ...] = ()
    sample_ns: tuple[float, ...] = ()
    failed: str = ""


def pooled(runs: Iterable[Sequence[float]]) -> float | None:
    """Return one time of the reference over a whole sweep: the mean of all blocks, on a logarithmic scale.

    :param runs: Of each block, the time in each run.
    """
    levels = [statistics.geometric_mean(times) for times in runs if times]
    return statistics.geometric_mean(levels) if levels else None


@dataclass(frozen=True)
class Scale:
    """What ratios to the reference are multiplied by, so that rows of different hours stand side by side.

    :param latency_ns: The reference's over the whole sweep; None where it was not measured.
    :param sample_ns: Its wall time of a sample, likewise.
    :param streams: Whether samples of a row overlap: then the time of a sample is wall time in all rows.
    :param failed: Why the reference was not measured in some block.
    """

    latency_ns: float | None
    sample_ns: float | None
    streams: bool
    failed: str = ""

    @classmethod
    def of(cls, levels: Collection[Level], *, streams: bool) -> Scale:
        """Return the scale of an app from what its reference took in each block."""
        failed = next((each.failed for each in levels if each.failed), "")
        latency_ns, sample_ns = pooled(each.latency_ns for each in levels), pooled(each.sample_ns for each in levels)
        return cls(latency_ns, sample_ns, streams, failed)


def count(facts: Mapping[str, str | int | float], column: str) -> int:
    """Return how many samples or streams a row has; one where nothing is known."""
    found = facts.get(column)
    return found if isinstance(found, int) and found > 0 else 1


def compared(found: Found, scale: Scale) -> dict[str, Metric]:
    """Return the metrics that rows of different hours are compared by.

    A row's time is the ratio to the reference, which took turns with it, times the reference's over the whole sweep:
    what is true of all rows of an app alike is no part of the interval.
    """
    source = "ratio to the reference, times its latency over the whole sweep"
    latency = _scaled(found.ratios, scale.latency_ns, source)
    if scale.streams:
        sample = _scaled(found.sample_ratios, scale.sample_ns, f"{source}: wall time of slices by their samples")
    else:
        one_ns = scale.latency_ns and scale.latency_ns / count(found.facts, "BATCH")
        sample = _scaled(found.ratios, one_ns, f"{source}, over the samples of a batch")
    ratio = _metric(found.ratios, 1.0, "", "slices that took turns with the reference")
    metrics = {SAMPLE_TIME: sample, REFERENCED: latency, RATIO: ratio}
    if scale.failed:
        reason = f"the reference was not measured: {scale.failed}"
        known = metrics.items()
        metrics = {
            name: each if each.value is not None else dataclasses.replace(each, reason=reason) for name, each in known
        }
    return {**metrics, UNITS: _metric(found.units, 1.0, "yardsticks", "slices that took turns with the yardstick")}


def _scaled(ratios: tuple[float, ...], reference_ns: float | None, source: str) -> Metric:
    """Return the mean of ratios times what the reference took, in milliseconds."""
    return _metric(() if reference_ns is None else ratios, (reference_ns or 0.0) / MILLISECOND, "ms", source)


def _metric(ratios: tuple[float, ...], scale: float, unit: str, source: str) -> Metric:
    """Return the mean of ratios, one for each run, times a constant."""
    if not ratios:
        return Metric(None, unit, reason="it took no turns with the reference", code="not-comparable")
    ratio = stats.ratio_interval(ratios)
    metric = Metric(scale * ratio.estimate, unit, ratio.runs, source=source)
    ends = ratio.interval
    if isinstance(ends, Unavailable):
        return dataclasses.replace(metric, interval_reason=ends.reason, interval_code=ends.code)
    span = Interval(scale * ends.lower, scale * ends.upper, ends.confidence, ends.method)
    return dataclasses.replace(metric, interval=span)
