"""The glossary's metrics from resource passes: means over runs, or the reason why there is none."""

from __future__ import annotations

import dataclasses
import statistics
from typing import TYPE_CHECKING

from lpbench.results import stats
from lpbench.results.run import Metric
from lpbench.results.stages import STAGES
from lpbench.util.text import amount
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lpbench.results.resources import Resource, ResourcePass, WatchedSlice
    from lpbench.results.run import Run

MEGABYTE = 1e6
UNITS = {
    "DMIPS": "1e6/s",
    "GPU_MEM": "MB",
    "GPU_MEM_PEAK": "MB",
    "MEMORY_BANDWIDTH": "MB/s",
    "MEMORY_BANDWIDTH_PEAK": "MB/s",
    "GPU_LOAD": "%",
    "NPU_LOAD": "%",
    "GPU_TEMP": "°C",
    "POWER_CONSUMPTION": "W",
}
"""Metrics that only a monitor can give, with their units."""
PEAKS = {"GPU_MEM_PEAK": "GPU_MEM", "MEMORY_BANDWIDTH_PEAK": "MEMORY_BANDWIDTH"}
"""Metrics that are the greatest reading of another."""
STAGE_PEAKS = {
    "preprocessing": "PREPROCESSING_MEM_PEAK",
    "inference": "INFERENCE_MEM_PEAK",
    "postprocessing": "POSTPROCESSING_MEM_PEAK",
}
ENERGY, ENERGY_ABOVE_IDLE = "ENERGY_PER_INFERENCE", "ENERGY_PER_INFERENCE_ABOVE_IDLE"
WATCHED = {
    **UNITS,
    **dict.fromkeys(STAGE_PEAKS.values(), "MB"),
    ENERGY: "J",
    ENERGY_ABOVE_IDLE: "J",
    "ENERGY_EFFICIENCY": "GFLOP/s/W",
}
"""Metrics that only a resource pass gives, with their units."""
UNWATCHED = "resources were not watched (--resources)"
WATCHING = frozenset({"measuring resources", "measuring memory"})
"""Phases of a resource pass."""
ENDED = "the run ended before its resources were known"


def resource_metrics(runs: Sequence[Run]) -> dict[str, Metric]:
    """Return the metrics that monitors give.

    :param runs: Those that count.
    """
    passes = [run.resources for run in runs if run.resources]
    if not passes:
        why = ENDED if any(run.outcome.phase in WATCHING for run in runs) else UNWATCHED
        return {name: Metric(None, unit, reason=why, code="not-read") for name, unit in WATCHED.items()}
    return {
        **{name: _mean(passes, name, unit) for name, unit in UNITS.items() if name not in PEAKS},
        **{name: _peak(passes, name, of) for name, of in PEAKS.items()},
        **_device_memory(passes),
        **_temperature(passes),
        **{name: _stage_peak(passes, stage) for stage, name in STAGE_PEAKS.items()},
        ENERGY: _across(passes, _joules, "J"),
        ENERGY_ABOVE_IDLE: _across(passes, _joules_above_idle, "J"),
        "ENERGY_EFFICIENCY": _efficiency(passes),
        "RESOURCE_PASS_SLOWDOWN": _slow_down(passes),
    }


def _known(passes: Iterable[ResourcePass], name: str) -> list[Resource]:
    found = (each.by_name().get(name) for each in passes)
    return [each for each in found if each is not None and each.mean is not None]


def _missing(passes: Sequence[ResourcePass], name: str, unit: str) -> Metric:
    """Return a metric without a value, with the reason of the first pass."""
    first = passes[0].by_name().get(name)
    if first is None or not first.reason:
        return Metric(None, unit, reason="no installed monitor tells it", code="not-installed")
    return Metric(None, unit, reason=first.reason, code=first.code)


def _mean(passes: Sequence[ResourcePass], name: str, unit: str) -> Metric:
    known = _known(passes, name)
    values = [each.mean for each in known if each.mean is not None]
    if not values:
        return _missing(passes, name, unit)
    return _with_interval(Metric(statistics.fmean(values), unit, len(values), source=_source(known[0])), values)


def _peak(passes: Sequence[ResourcePass], name: str, of: str) -> Metric:
    known = _known(passes, of)
    values = [each.maximum for each in known if each.maximum is not None]
    unit = UNITS[name]
    if not values:
        return _missing(passes, of, unit)
    return Metric(max(values), unit, len(values), source=f"greatest reading of {_source(known[0])}")


def _device_memory(passes: Sequence[ResourcePass]) -> dict[str, Metric]:
    """Return the device memory that the engine itself knows, where no monitor tells the process's."""
    told = [sum(each.device_bytes.values()) for each in passes if each.device_bytes]
    if not told or any(each.scope == "process" for each in _known(passes, "GPU_MEM")):
        return {}
    metric = Metric(max(told) / MEGABYTE, "MB", len(told), source="device, process: the engine's own figure")
    return {"GPU_MEM": metric, "GPU_MEM_PEAK": metric}


def _temperature(passes: Sequence[ResourcePass]) -> dict[str, Metric]:
    """Return the processor's temperature where a monitor tells it; else it is that of the environment."""
    return {"CPU_TEMP": _mean(passes, "CPU_TEMP", "°C")} if _known(passes, "CPU_TEMP") else {}


def _stage_peak(passes: Sequence[ResourcePass], stage: str) -> Metric:
    peaks = [each.stages[stage].peak_bytes for each in passes if stage in each.stages]
    inner = [memory.peak_bytes for each in passes for name, memory in each.stages.items() if name.endswith(f"/{stage}")]
    if not (peaks or inner):
        reason = next((each.stages_reason for each in passes if each.stages_reason), "the stage did not run")
        return Metric(None, "MB", reason=reason, code="not-read")
    return Metric(max([*peaks, *inner]) / MEGABYTE, "MB", len(passes), source="VmHWM, reset before the stage")


def _across(
    passes: Sequence[ResourcePass], value_of: Callable[[ResourcePass], float | Unavailable], unit: str
) -> Metric:
    """Return the mean over passes; the run is the unit of its interval."""
    found = [value_of(each) for each in passes]
    values = [each for each in found if not isinstance(each, Unavailable)]
    if not values:
        why = next(each for each in found if isinstance(each, Unavailable))
        return Metric(None, unit, reason=why.reason, code=why.code)
    source = f"{_power_source(passes)}, mean of {amount(len(values), 'run')}"
    return _with_interval(Metric(statistics.fmean(values), unit, len(values), source=source), values)


def _with_interval(metric: Metric, values: Sequence[float]) -> Metric:
    if len(values) < 2 or min(values) <= 0:  # noqa: PLR2004 - one value has no spread
        return dataclasses.replace(
            metric, interval_reason="fewer than two runs were watched", interval_code="too-few-runs"
        )
    found = stats.across_runs(values)
    if isinstance(found, Unavailable):
        return dataclasses.replace(metric, interval_reason=found.reason, interval_code=found.code)
    return dataclasses.replace(metric, interval=found)


def watts(watched: ResourcePass) -> Resource | Unavailable:
    """Return the power while samples ran: from an energy counter of the same scope if there is one.

    The counter's growth over time is exact, where a gauge's readings are single moments.
    """
    found = watched.by_name()
    power, energy = found.get("POWER_CONSUMPTION"), found.get("ENERGY")
    if (
        energy is not None
        and energy.mean is not None
        and (power is None or power.mean is None or _alike(power, energy))
    ):
        return energy
    if power is None or power.mean is None:
        return Unavailable(power.reason if power else "no installed monitor tells the power", "no-sensor")
    return power


def _alike(power: Resource | None, energy: Resource) -> bool:
    return power is not None and power.scope == energy.scope and power.monitor == energy.monitor


def _joules(watched: ResourcePass) -> float | Unavailable:
    """Return the energy of one inference, the idle share included."""
    power = watts(watched)
    if isinstance(power, Unavailable):
        return power
    assert power.mean is not None  # noqa: S101 - it has one
    return (
        power.mean * watched.seconds / watched.samples if watched.samples else Unavailable("no sample ran", "undefined")
    )


def _joules_above_idle(watched: ResourcePass) -> float | Unavailable:
    power = watts(watched)
    whole = _joules(watched)
    if isinstance(power, Unavailable) or isinstance(whole, Unavailable):
        return power if isinstance(power, Unavailable) else Unavailable("no sample ran", "undefined")
    if power.idle is None:
        return Unavailable("the idle power could not be read", "too-short")
    return whole - power.idle * watched.seconds / watched.samples


def _efficiency(passes: Sequence[ResourcePass]) -> Metric:
    power = watts(passes[0])
    if isinstance(power, Unavailable):
        return Metric(None, "GFLOP/s/W", reason=power.reason, code=power.code)
    return Metric(None, "GFLOP/s/W", reason="GFLOP not known", code="not-read")


def _slow_down(passes: Sequence[ResourcePass]) -> Metric:
    """Return by how many per cent samples took longer; the interval is that of the pairs of slices of all runs."""
    ratios = [each.slow_down for each in passes if each.slow_down is not None]
    if not ratios:
        return Metric(None, "%", reason=passes[0].slow_down_reason, code="too-short")
    pairs = [ratio for each in passes for ratio in turn_ratios(each.slices) if ratio > 0]
    found = stats.across_runs(pairs) if pairs else Unavailable("no pairs of slices", "too-few-runs")
    metric = Metric(
        _percent(statistics.fmean(ratios)), "%", len(ratios), source=f"mean of {amount(len(ratios), 'run')}"
    )
    if isinstance(found, Unavailable):
        return dataclasses.replace(metric, interval_reason="fewer than three pairs of slices", interval_code=found.code)
    method = f"Student's t over {len(pairs)} pairs of slices"
    span = dataclasses.replace(found, lower=_percent(found.lower), upper=_percent(found.upper), method=method)
    return dataclasses.replace(metric, interval=span)


def turn_ratios(slices: Sequence[WatchedSlice]) -> list[float]:
    """Return the ratios of slices with monitors to their neighbours without."""
    pairs = [(slices[at], slices[at + 1]) for at in range(0, len(slices) - 1, 2)]
    return [
        (first if first.sampled else second).median_ns / (second if first.sampled else first).median_ns
        for first, second in pairs
        if first.sampled != second.sampled and min(first.median_ns, second.median_ns) > 0
    ]


def _percent(ratio: float) -> float:
    return 100 * (ratio - 1)


def _power_source(passes: Iterable[ResourcePass]) -> str:
    power = next((found for found in map(watts, passes) if not isinstance(found, Unavailable)), None)
    return _source(power) if power else ""


def _source(resource: Resource) -> str:
    return f"{resource.scope}: {resource.source} ({resource.monitor})"


def stage_memory(passes: Sequence[ResourcePass]) -> Mapping[str, tuple[int, int]]:
    """Return peak and increase in bytes by stage, the most of several passes, in the order of the app."""
    names = dict.fromkeys(name for each in passes for name in each.stages)
    ordered = sorted(names, key=lambda name: STAGES.index(name) if name in STAGES else len(STAGES))
    return {
        name: (
            max(each.stages[name].peak_bytes for each in passes if name in each.stages),
            max(each.stages[name].increase_bytes for each in passes if name in each.stages),
        )
        for name in ordered
    }
