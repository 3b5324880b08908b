"""What makes rows of a sweep comparable that were measured in different hours: the reference that all of them share."""

from __future__ import annotations

import dataclasses
import statistics
from typing import TYPE_CHECKING

from lpbench.results import stats
from lpbench.results.metrics import MILLISECOND
from lpbench.results.run import Metric
from lpbench.results.stats import Interval
from lpbench.results.sweep import RATIO, REFERENCED, SAMPLE_TIME, UNITS
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.results.sweep import Found


def pooled(references: Mapping[int, tuple[float, ...]]) -> float | None:
    """Return the reference's latency in nanoseconds over a whole sweep: the mean of all blocks, on a logarithmic scale.

    :param references: Of each block, its latency in each run.
    """
    levels = [statistics.geometric_mean(runs) for runs in references.values() if runs]
    return statistics.geometric_mean(levels) if levels else None


def compared(found: Found, reference_ns: float | None, batch: int, streams: int) -> dict[str, Metric]:
    """Return the metrics that rows of different hours are compared by.

    A row's latency is the ratio to the reference, which took turns with it, times the reference's latency over the
    whole sweep: what is true of all rows of an app alike is no part of the interval.

    :param reference_ns: ``pooled``.
    :param batch: Samples of which the latency is that of all together; ``streams`` pass at the same time.
    """
    units = _metric(found.units, 1.0, "yardsticks", "slices that took turns with the yardstick")
    if not found.ratios or reference_ns is None:
        reason = "it took no turns with the reference"
        missing = {name: Metric(None, "ms", reason=reason, code="not-comparable") for name in (SAMPLE_TIME, REFERENCED)}
        return {**missing, RATIO: Metric(None, "", reason=reason, code="not-comparable"), UNITS: units}
    source = "ratio to the reference, times its latency over the whole sweep"
    latency_ms = reference_ns / MILLISECOND
    return {
        SAMPLE_TIME: _metric(
            found.ratios, latency_ms / batch / streams, "ms", f"{source}, over the samples of a batch"
        ),
        REFERENCED: _metric(found.ratios, latency_ms, "ms", source),
        RATIO: _metric(found.ratios, 1.0, "", "slices that took turns with the reference"),
        UNITS: units,
    }


def _metric(ratios: tuple[float, ...], scale: float, unit: str, source: str) -> Metric:
    """Return the mean of ratios, one for each run, times a constant."""
    if not ratios:
        return Metric(None, unit, reason="it took no turns", code="not-comparable")
    ratio = stats.ratio_interval(ratios)
    metric = Metric(scale * ratio.estimate, unit, ratio.runs, source=source)
    ends = ratio.interval
    if isinstance(ends, Unavailable):
        return dataclasses.replace(metric, interval_reason=ends.reason, interval_code=ends.code)
    span = Interval(scale * ends.lower, scale * ends.upper, ends.confidence, ends.method)
    return dataclasses.replace(metric, interval=span)
