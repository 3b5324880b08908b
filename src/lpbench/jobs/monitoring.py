"""What the installed monitors tell of this machine, or of another one whose files were recorded."""

from __future__ import annotations

import dataclasses
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError
from lpbench.jobs.machine_recording import RecordedMachine, finish, refuse_taken
from lpbench.jobs.measuring.resources.choosing import choose_of
from lpbench.jobs.measuring.resources.installed_monitors import installed_monitors
from lpbench.jobs.measuring.resources.latest import LatestReadings
from lpbench.jobs.measuring.resources.sampler import Sampler
from lpbench.plugin import registry
from lpbench.plugin.monitor import METRICS
from lpbench.results.resource_metrics import PEAKS, STAGE_PEAKS, UNITS
from lpbench.results.resources import MonitorLoss, Resource
from lpbench.util.arguments import checked
from lpbench.util.atomic_folders import filled
from lpbench.util.recordings import HEAD, Recording, is_recording
from lpbench.util.shown import Sheet, Shown, figure, several
from lpbench.worker.sampler.messages import Assignment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.jobs.measuring.resources.installed_monitors import InstalledMonitors

HERE = "/"
INTERVAL_S = 0.1
WATCHED_S = 2.0
"""Loads and powers of counters need two readings; sensors that are asked once a second give two or three."""
STREAM_S = 1.5
"""After a recording's second moment, in which commands that print once a second print again."""
OF_RUNS: Mapping[str, str] = {
    **dict.fromkeys(STAGE_PEAKS.values(), "MB"),
    "ENERGY_PER_INFERENCE": "J",
    "ENERGY_PER_INFERENCE_ABOVE_IDLE": "J",
    "ENERGY_EFFICIENCY": "GFLOP/s/W",
    "RESOURCE_PASS_SLOWDOWN": "%",
}
"""Metrics that describe an app's samples, with their units."""
FROM_POWER = frozenset(name for name in OF_RUNS if name.startswith("ENERGY"))
ROOTS = ("proc", "sys")


@dataclass(frozen=True)
class MonitoredMetric:
    """A metric of the glossary, or a part of one, and who tells it.

    :param name: ``CPU_TEMP``, or ``CPU_TEMP/x86_pkg_temp``.
    :param value: The newest one; of what counts up, such as ``ENERGY``, how much that was in ``seconds``.
    :param seconds: How long was counted; None where the value is one of a moment.
    :param second: Whether the metric's value is that of another monitor, and this one stands beside it.
    :param reason: Why there is no value; ``code`` says so to programs, ``hint`` what can be done about it.
    """

    name: str
    value: float | None = None
    unit: str = ""
    scope: str = ""
    source: str = ""
    monitor: str = ""
    seconds: float | None = None
    second: bool = False
    reason: str = ""
    code: str = ""
    hint: str = ""

    @property
    def metric(self) -> str:
        """The metric's name without the part."""
        return self.name.partition("/")[0]

    @property
    def is_part(self) -> bool:
        """Whether it is one sensor, rail or device of several."""
        return "/" in self.name


@dataclass(frozen=True, repr=False)
class MonitoredMachine(Shown):
    """What monitors tell of a machine.

    :param machine: ``/`` for this machine, else the folder of its files.
    :param seconds: How long it was watched, or the time between a recording's two moments.
    :param metrics: Those of the glossary in its order, then others; each followed by its parts and its peak.
    :param lost: Monitors that failed, and how.
    :param recorded: The recording that was made meanwhile.
    """

    machine: str
    seconds: float
    metrics: tuple[MonitoredMetric, ...]
    lost: tuple[MonitorLoss, ...] = ()
    recorded: RecordedMachine | None = None

    def by_name(self) -> dict[str, MonitoredMetric]:
        """Return the metrics and parts that count."""
        return {each.name: each for each in self.metrics if not each.second}

    def known(self) -> list[MonitoredMetric]:
        """Return the metrics that have a value, without parts."""
        return [each for each in self.by_name().values() if each.value is not None and not each.is_part]

    def in_short(self) -> str:
        """Return which metrics have a value."""
        return several([each.name for each in self.known()])

    def sheet(self) -> Sheet:
        """Return a row for each metric with a value, and the reasons of the others."""
        rows = [(each.name, figure(each.value or 0.0), each.unit, each.scope, each.monitor) for each in self.known()]
        missing = [each for each in self.by_name().values() if each.value is None and not each.is_part]
        reasons = [f"{each.name}: {each.reason}" for each in missing]
        return Sheet((), ("metric", "value", "unit", "scope", "monitor"), rows, reasons)


@checked
def monitors(
    root: str | Path | None = None,
    record: str | Path | None = None,
    *,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> MonitoredMachine:
    """Return every resource metric of the glossary: its value now and who tells it, or the reason why nobody does.

    It takes about two seconds on this machine, during which the calling process is the one that is watched.

    :param root: The folder of a recording, or a folder that holds another machine's ``proc`` or ``sys``; by default
        this machine.
    :param record: A new or empty folder, into which the files and answers of commands are copied that monitors look at;
        no process is watched then.  It is written whole or not at all, without what tells whose machine it is.
    :param options: Of monitors, by their names.
    :raises ConfigError: There is no such folder, nothing of a machine in it, or no monitor of a name; or the folder for
        the recording is taken.
    :raises OSError: The recording cannot be written.
    """
    place, asked = _place(root), installed_monitors(options or {})
    if record is not None:
        return _record(asked, place, Path(record))
    if is_recording(Path(place)):
        seconds = Recording(Path(place)).seconds
        return _watch(asked, Assignment(asked.chosen, None, INTERVAL_S, place), _two_moments, seconds)
    pid = os.getpid() if place == HERE else None
    return _watch(asked, Assignment(asked.chosen, pid, INTERVAL_S, place), _two_seconds, WATCHED_S)


def _record(asked: InstalledMonitors, place: str, target: Path) -> MonitoredMachine:
    """Watch this machine and record what monitors look at."""
    if place != HERE:
        raise ConfigError("only this machine can be recorded", where=place, hint="leave out the root")
    refuse_taken(target)
    moments: list[float] = []

    def steps(sampler: Sampler) -> None:
        sampler.command("survey")
        moments.append(time.monotonic())
        sampler.command("sample")
        time.sleep(WATCHED_S)
        sampler.command("pause")
        moments.append(time.monotonic())
        sampler.command("advance")
        sampler.command("sample")
        time.sleep(STREAM_S)
        sampler.command("pause")

    with filled(target) as new:
        assignment = Assignment(asked.chosen, None, INTERVAL_S, place, str(new))
        machine = _watch(asked, assignment, steps, WATCHED_S + STREAM_S)
        seconds = moments[1] - moments[0] if moments else WATCHED_S
        recorded = finish(new, target, seconds, list(asked.specs))
    return dataclasses.replace(machine, recorded=recorded)


def _place(root: str | Path | None) -> str:
    """Return where the machine's files are.

    :raises ConfigError: They are not there.
    """
    if root is None or Path(root) == Path(HERE):
        return HERE  # a system without proc and sys is one too
    folder = Path(root)
    if not folder.is_dir():
        raise ConfigError("is not a folder", where=str(folder))
    if not is_recording(folder) and not any((folder / name).is_dir() for name in ROOTS):
        what = f"there is no {HEAD}, no proc and no sys in it"
        raise ConfigError(what, where=str(folder), hint="name a recording, or the root of a machine's files")
    return str(folder)


def _watch(
    asked: InstalledMonitors, assignment: Assignment, steps: Callable[[Sampler], None], seconds: float
) -> MonitoredMachine:
    latest = LatestReadings()
    losses = []
    if asked.specs:
        with Sampler(assignment, asked.deadlines, latest.take) as sampler:
            steps(sampler)
        losses = sampler.losses
    chosen = tuple(map(_hinted, choose_of(asked, latest.resources(), losses, "")))
    lost = tuple(MonitorLoss(each.monitor, each.reason, each.gap) for each in losses)
    return MonitoredMachine(assignment.root, seconds, listed(chosen, seconds), lost)


def _hinted(resource: Resource) -> Resource:
    """Return a resource with what would bring a monitor for it, where none that is installed tells it."""
    if resource.monitor or resource.hint or resource.code != "not-installed":
        return resource
    plugins = registry.current()
    hint = plugins.beginning(registry.MONITORS) or plugins.bringing(registry.MONITORS)
    return dataclasses.replace(resource, hint=hint)


def _two_seconds(sampler: Sampler) -> None:
    sampler.command("survey")
    sampler.command("sample")
    time.sleep(WATCHED_S)
    sampler.command("pause")


def _two_moments(sampler: Sampler) -> None:
    sampler.command("survey")
    sampler.command("sample")
    sampler.command("pause")
    sampler.command("advance")
    sampler.command("sample")
    sampler.command("pause")


def listed(chosen: Sequence[Resource], seconds: float) -> tuple[MonitoredMetric, ...]:
    """Return resources as metrics, with those that are computed from others or need a run."""
    counting = {each.name: each for each in chosen if not each.second}
    peaks = {name: _peak(name, counting) for name in PEAKS if name not in counting or counting[name].mean is None}
    metrics = [peaks.pop(each.name) if each.name in peaks else _metric(each, seconds) for each in chosen]
    order: dict[str, float] = {name: place for place, name in enumerate(dict.fromkeys(each.metric for each in metrics))}
    order |= {name: order[PEAKS[name]] + 0.5 for name in peaks}
    beside = sorted([*metrics, *peaks.values()], key=lambda each: (order[each.metric], each.is_part))
    return (*beside, *(_of_run(name, counting) for name in OF_RUNS))


def _metric(resource: Resource, seconds: float) -> MonitoredMetric:
    known = METRICS.get(resource.metric)
    return MonitoredMetric(
        resource.name,
        resource.mean,
        resource.unit or (known.unit if known else ""),
        resource.scope,
        resource.source,
        resource.monitor,
        None if resource.growth is None else seconds,
        resource.second,
        resource.reason,
        resource.code,
        resource.hint,
    )


def _peak(name: str, counting: Mapping[str, Resource]) -> MonitoredMetric:
    """Return a metric that is the greatest reading of another."""
    base = counting[PEAKS[name]]
    metric = dataclasses.replace(_metric(base, 0.0), name=name, value=base.maximum, unit=UNITS[name])
    return dataclasses.replace(metric, source=f"greatest reading of {base.source}") if metric.source else metric


def _of_run(name: str, counting: Mapping[str, Resource]) -> MonitoredMetric:
    """Return the reason why a metric has no value: it describes samples; without a power, no run would help."""
    power = counting["POWER_CONSUMPTION"]
    if name in FROM_POWER and power.mean is None:
        return dataclasses.replace(_metric(power, 0.0), name=name, unit=OF_RUNS[name])
    reason, hint = "it needs samples of an app", "lpbench run APP --resources"
    return MonitoredMetric(name, unit=OF_RUNS[name], reason=reason, code="not-read", hint=hint)
