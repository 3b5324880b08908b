"""The glossary's metrics from what was measured; what is not known is null with a reason."""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.results import stats
from lpbench.results.names import percentile_metric
from lpbench.results.resource_metrics import resource_metrics
from lpbench.results.run import Metric
from lpbench.results.stages import TOTAL
from lpbench.results.stats import Interval, Percentile
from lpbench.util.text import amount
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.results.run import Run

MILLISECOND = 1e6
MEGABYTE = 1e6
SECOND = 1e9
STAGE_METRICS = {
    "preprocessing": "PREPROCESSING_TIME",
    "inference": "INFERENCE_TIME",
    "postprocessing": "POSTPROCESSING_TIME",
    TOTAL: "LATENCY",
}


@dataclass(frozen=True)
class Batching:
    """What one timed thing is, where it is not one sample.

    :param batch: Samples that go through together.
    :param streams: Sessions side by side.
    """

    batch: int = 1
    streams: int = 1


def derive(
    runs: Sequence[Run],
    pooled: Mapping[str, array[int]],
    environment: Mapping[str, Any],
    cores: int,
    batching: Batching = Batching(),
) -> dict[str, Metric]:
    """Return the metrics of one configuration.

    :param pooled: Nanoseconds by stage of all runs' samples.
    :param environment: As ``lpbench.machine.environment`` gives it.
    :param cores: Cores of the machine: 100 % of CPU_LOAD.
    :param batching: What each total is the time of.
    """
    measured = [run for run in runs if run.statistics]
    times = {name: across_runs(measured, stage) for stage, name in STAGE_METRICS.items()}
    totals = pooled[TOTAL]
    return {
        **times,
        **percentiles(totals),
        "THROUGHPUT": throughput(measured, batching),
        "CPU_LOAD": _cpu_load(measured, cores),
        "CPU_MEM": _memory(measured, "rss_bytes", "mean of VmRSS after each slice"),
        "CPU_MEM_INCREASE": _increase(measured),
        "CPU_MEM_PEAK": _memory(measured, "peak_bytes", "VmHWM since before the model was loaded", max),
        "CPU_TEMP": _temperature(environment),
        **resource_metrics(measured),
    }


def across_runs(runs: Sequence[Run], stage: str) -> Metric:
    """Return the geometric mean of a stage's run medians in milliseconds; the run is the unit of its interval."""
    medians = [run.statistics[stage].median / MILLISECOND for run in runs]
    samples = sum(run.samples for run in runs)
    if min(medians) <= 0:
        return Metric(
            statistics.fmean(medians),
            "ms",
            samples,
            interval_reason="shorter than the clock can resolve",
            interval_code="too-short",
        )
    source = f"geometric mean of {len(medians)} run medians" if len(medians) > 1 else "median of one run"
    metric = Metric(statistics.geometric_mean(medians), "ms", samples, source=source)
    return with_interval(metric, stats.across_runs(medians))


def throughput(runs: Sequence[Run], batching: Batching) -> Metric:
    """Return the samples per second of wall time; the run is the unit of its interval.

    Of samples one after another, decoding and the loop between them left out.  Of batches and streams the wall time
    of whole slices: MLPerf's offline scenario, never one over the latency.
    """
    plain = batching == Batching()
    rates = [SECOND * (1 / run.statistics[TOTAL].mean if plain else _offline(run, batching)) for run in runs]
    source = f"offline: batches of {batching.batch}, {amount(batching.streams, 'stream')}"
    metric = Metric(
        statistics.geometric_mean(rates),
        "1/s",
        batching.batch * sum(run.samples for run in runs),
        source="samples one after another" if plain else source,
    )
    return with_interval(metric, stats.across_runs(rates))


def _offline(run: Run, batching: Batching) -> float:
    """Return samples a nanosecond."""
    return batching.batch * run.samples / run.counters["wall_ns"]


def percentiles(totals: Iterable[int], qs: Iterable[float] = stats.STANDARD) -> dict[str, Metric]:
    """Return latency percentiles in milliseconds, each with its upper bound or the reason why there is none."""
    return {percentile_metric(q): _percentile(found) for q, found in stats.percentiles(totals, qs).items()}


def _percentile(found: Percentile | Unavailable) -> Metric:
    if isinstance(found, Unavailable):
        return Metric(None, "ms", reason=found.reason, code=found.code)
    value = found.value / MILLISECOND
    if isinstance(found.upper, Unavailable):
        return Metric(
            value,
            "ms",
            found.n,
            interval_reason=found.upper.reason,
            interval_code=found.upper.code,
            source="sample percentile",
        )
    upper = found.upper / MILLISECOND
    bound = Interval(value, upper, found.confidence, "upper bound by MLPerf's early stopping")
    return Metric(value, "ms", found.n, bound, source="sample percentile")


def with_interval(metric: Metric, found: Interval | Unavailable) -> Metric:
    """Return a metric with its interval, or with the reason why there is none."""
    if isinstance(found, Unavailable):
        return dataclasses.replace(metric, interval_reason=found.reason, interval_code=found.code)
    return dataclasses.replace(metric, interval=found)


def _cpu_load(runs: Sequence[Run], cores: int) -> Metric:
    wall = sum(run.counters["wall_ns"] for run in runs)
    spent = sum(run.counters["cpu_ns"] for run in runs)
    source = f"CPU time of the worker, {amount(cores, 'core')} = 100 %"
    return Metric(100 * spent / wall / cores, "%", len(runs), source=source)


def _memory(runs: Sequence[Run], name: str, source: str, combine: Any = statistics.fmean) -> Metric:
    found = [run.counters[name] for run in runs if run.counters.get(name)]
    if not found:
        return Metric(None, "MB", reason="/proc of the worker could not be read", code="not-read")
    return Metric(combine(found) / MEGABYTE, "MB", len(found), source=source)


def _increase(runs: Sequence[Run]) -> Metric:
    """Return by how much the memory lies above what the worker held before the model was loaded."""
    known = [run.counters for run in runs if run.counters.get("rss_bytes") and run.counters.get("baseline_bytes")]
    if not known:
        return Metric(None, "MB", reason="/proc of the worker could not be read", code="not-read")
    grown = statistics.fmean(each["rss_bytes"] - each["baseline_bytes"] for each in known)
    return Metric(grown / MEGABYTE, "MB", len(known), source="CPU_MEM less VmRSS before the model was loaded")


def _temperature(environment: Mapping[str, Any]) -> Metric:
    found = environment.get("state", {}).get("temperature") or {}
    if not isinstance(found.get("value"), (int, float)):
        return Metric(None, "°C", reason=str(found.get("reason") or "no temperature sensor was found"), code="not-read")
    return Metric(float(found["value"]), "°C", 1, source=str(found.get("source", "")))
