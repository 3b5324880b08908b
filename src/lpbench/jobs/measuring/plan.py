"""What is going to be measured: every question answered before the first worker starts."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app import resolve
from lpbench.app.default_engine import alternatives
from lpbench.app.files import refuse_leading_out
from lpbench.errors import ConfigError, LpbenchError, ResultError, setting
from lpbench.jobs import engine_choice
from lpbench.jobs.measuring.cores import all_cores, pinned
from lpbench.jobs.measuring.heat_curve import Sustain
from lpbench.jobs.measuring.recording import RunBudget
from lpbench.jobs.measuring.targeting import choose_targets
from lpbench.results import stats
from lpbench.results.settings import Resolved
from lpbench.util.digests import set_digest
from lpbench.util.text import amount
from lpbench.worker.client import WorkerOptions, require_processes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.app.dataset import Labelled
    from lpbench.app.model import App
    from lpbench.jobs.engine_choice import Target
    from lpbench.jobs.measuring.resources.watching import Watch
    from lpbench.plugin.engine import Engine
    from lpbench.results.settings import RunSettings
    from lpbench.worker.requests import OpenRequest

RUNS = 8
"""Fresh processes: SAME takes eight (method, rule 12)."""
SAMPLES_A_RUN = 6
"""No interval of the median exists below six samples, so a small ``number`` gets fewer runs."""
LOCKSTEP_S = 0.2
"""Slices interleaved with the yardstick's, each run and worker."""
COMPARING_S = 0.9
"""Slices of configurations that will be compared, likewise: a ratio's error falls with their length."""
EXPLAIN_S = 0.8
"""Breaking the latency down, each run and engine; on top of the time that was asked for."""
COMPARED = 1.4
"""Share of what is timed alone that interleaved slices take where configurations are compared: the verdicts rest on
them."""
TIMED = 0.35
"""Share of the time that is spent timing alone, and as much in interleaved slices; starting and warm-up take the
rest."""
MOST_ALONE_S = 2.0
"""A run is timed alone for this long at most, unless more was asked for."""
WATCHED_RUNS = 3
"""Runs in which resources are watched, the first ones."""
SAMPLES_NAMED = 1000
"""Samples that a result names, at most."""


@dataclass(frozen=True)
class Plan:
    """A benchmark, ready to be carried out.

    :param settings: What was asked for.
    :param worker: What all workers have in common.
    :param budgets: Of each run, in order; where ``adaptive``, the pilot decides how many there are in the end.
    :param isolate: Whether each run has a process of its own.
    :param max_time: Seconds that measuring may take, as a goal.
    :param watch: How resources are watched; None if they are not.
    :param sustain: The heating curves before the runs; None if there are none.
    """

    app: App
    settings: RunSettings
    targets: tuple[Target, ...]
    samples: tuple[Path, ...]
    budgets: tuple[RunBudget, ...]
    worker: WorkerOptions
    isolate: bool
    max_time: float
    watch: Watch | None = None
    sustain: Sustain | None = None

    @property
    def adaptive(self) -> bool:
        """Whether a pilot decides how many runs there are."""
        return self.settings.adaptive

    @property
    def cores(self) -> tuple[int, ...]:
        """The cores of all workers together; none where one of them may use all."""
        return all_cores(self.targets)

    @property
    def lockstep_reason(self) -> str:
        """Why slices of configurations are not interleaved; empty where they are."""
        if not self.isolate:
            return "one process measures one configuration at a time"
        if self.settings.number is None:
            return ""
        return f"turns are divided by time, but a fixed number of inferences was requested ({setting('number')})"

    @property
    def yardstick_reason(self) -> str:
        """Why no fixed kernel is interleaved with them; empty where one is."""
        return "" if self.settings.yardstick else "not asked for"

    def resolved(self) -> Resolved:
        """Return what the settings came to, but for the runs that were carried out and the notes on them."""
        return Resolved(
            width=self.budgets[0].width,
            max_time_s=self.max_time,
            samples=tuple(path.name for path in self.samples[:SAMPLES_NAMED]),
            data_digest=set_digest(self.samples) if self.samples else "",
            also_ready=() if self.settings.engine else alternatives(self.app, self.targets[0].name),
        )

    def request(self, target: Target) -> OpenRequest:
        """Return the request that opens the app on a target."""
        return target.open_request(self.app, self.samples, seed=self.settings.seed, draw=self._pictures(target))

    def _pictures(self, target: Target) -> Path | None:
        """Return the folder for a target's pictures; of several targets, each has one of its own."""
        if self.settings.draw is None:
            return None
        folder = Path(self.settings.draw).resolve()
        if len(self.targets) == 1:
            return folder
        same = [each for each in self.targets if each.name == target.name]
        return folder / (target.name if len(same) == 1 else f"{target.name}-{same.index(target) + 1}")


def make(
    app: str | Path | App,
    settings: RunSettings,
    instance: Engine[Any] | None,
    converting: Callable[[str, str], None],
) -> Plan:
    """Return the plan of a benchmark.

    :param instance: An engine object, in place of the settings' names.
    :param converting: Called with an engine and a phase while models are converted.
    :raises LpbenchError: The app or the only engine asked for cannot be used, or settings contradict each other.
    """
    isolate = settings.isolate if settings.isolate is not None else instance is None
    if isolate and instance is None:
        require_processes()
    loaded = resolve.resolve(app, shapes=settings.shapes, ranges=settings.ranges, seed=settings.seed)
    loaded, targets = choose_targets(loaded, settings, instance, converting)
    _refuse_contradictions(loaded, settings, instance, isolate=isolate)
    _refuse_elsewhere(targets, isolate=isolate)
    _make_folder(settings.draw, loaded)
    labelled, metrics = resolve.labelled(loaded, settings.data, quality=settings.quality)
    max_time = settings.max_time or time_for(len(targets), settings.percentile)
    counted = settings if isolate else dataclasses.replace(settings, runs=1)
    watch = None
    if settings.watched:
        from lpbench.jobs.measuring.resources import installed_monitors, watching  # most benchmarks watch nothing

        watch = watching.Watch(installed_monitors.installed_monitors(settings.monitors))
    return Plan(
        app=loaded,
        settings=settings,
        targets=tuple(map(pinned, targets)),
        samples=tuple(each.path for each in labelled) or resolve.sample_files(loaded, settings.data),
        budgets=watched_first(judged_first(budgets(counted, len(targets), max_time), labelled, metrics), watch),
        worker=WorkerOptions(priority=settings.priority, timeout=settings.timeout),
        isolate=isolate,
        max_time=max_time,
        watch=watch,
        sustain=Sustain.of(settings),
    )


def _refuse_contradictions(app: App, settings: RunSettings, instance: Engine[Any] | None, *, isolate: bool) -> None:
    if instance is not None:
        _refuse_beside_object(settings)
    if settings.explain and len(app.components) > 1:
        raise LpbenchError(
            f"{app.name} is a chain: its components are timed apart already", hint=f"leave {setting('explain')} out"
        )
    if isolate and instance is not None:
        raise LpbenchError(
            "an engine instance cannot be sent to a worker process",
            hint="leave isolate out, or register the engine in a plugin and name it",
        )


def _refuse_elsewhere(targets: Sequence[Target], *, isolate: bool) -> None:
    """Refuse to measure an engine of another environment in this process."""
    if not isolate and any(each.interpreter for each in targets):
        raise LpbenchError(
            "an engine of another environment runs in a process of that environment",
            hint=f"leave {setting('isolate')} out",
        )


def _refuse_beside_object(settings: RunSettings) -> None:
    """Refuse what would be dropped where an engine object is measured: its config alone says how it runs."""
    given = [name for name in settings.engine_options if name != engine_choice.OBJECT_CONFIG]
    if given:
        raise ConfigError(
            f"an engine object takes no option beside its config: found {', '.join(given)}",
            hint='set it in the config that its open gets: options={"config": …}',
        )
    if settings.convert:
        raise LpbenchError("nothing is converted for an engine object", hint="leave convert out, or name an engine")


def _make_folder(folder: str | None, app: App) -> None:
    """Make the folder for pictures before anything is measured, or say why that cannot be."""
    if folder is None:
        return
    refuse_leading_out(app.root, Path(folder))
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = "is a file" if Path(folder).is_file() else f"cannot be made: {error.strerror or error}"
        raise ResultError(what, where=folder, hint=f"{setting('draw')} takes the path of a folder") from error
    if not os.access(folder, os.W_OK):
        raise ResultError("is not writable", where=folder, hint=f"{setting('draw')} takes another folder")


def judged_first(
    budgets: Sequence[RunBudget], labelled: Sequence[Labelled], metrics: Sequence[str]
) -> tuple[RunBudget, ...]:
    """Return the budgets with quality evaluated in the first run."""
    first, *others = budgets
    return (dataclasses.replace(first, labelled=tuple(labelled), metrics=tuple(metrics)), *others)


def watched_first(budgets: Sequence[RunBudget], watch: Watch | None) -> tuple[RunBudget, ...]:
    """Return the budgets with resources watched in the first runs."""
    if watch is None:
        return tuple(budgets)
    watched = [dataclasses.replace(each, watch_s=watch.expected_s) for each in budgets[:WATCHED_RUNS]]
    return (*watched, *budgets[WATCHED_RUNS:])


def budgets(settings: RunSettings, configurations: int, max_time: float) -> tuple[RunBudget, ...]:
    """Return the budget of each run.

    :param configurations: How many are measured side by side.
    :param max_time: Seconds, as a goal.
    :raises LpbenchError: Fewer than one run or one sample a run.
    """
    _refuse_none(settings)
    explain_s = EXPLAIN_S if settings.explain else 0.0
    if settings.number is not None:
        return _by_number(settings.number, settings.runs, explain_s)
    count = settings.runs or RUNS
    need = stats.percentile_need(settings.percentile) if settings.percentile else SAMPLES_A_RUN
    lockstep_s = LOCKSTEP_S if configurations == 1 else COMPARING_S
    share_s = TIMED * max_time / count
    interleaved = 1.0 if configurations == 1 else 2.0 if settings.alone else COMPARED
    alone_s = settings.alone or min(MOST_ALONE_S, share_s * (2 - interleaved) / configurations)
    budget = RunBudget(
        need=max(SAMPLES_A_RUN, -(-need // count)),
        least_s=min(RunBudget.least_s, alone_s),
        most_s=alone_s,
        lockstep_s=min(lockstep_s, share_s * interleaved / (configurations + 1)),
        explain_s=explain_s,
    )
    return (budget,) * count


def _by_number(number: int, runs: int | None, explain_s: float) -> tuple[RunBudget, ...]:
    """Return budgets that share a number of inferences, as many as can each have an interval."""
    count = runs or max(1, min(RUNS, number // SAMPLES_A_RUN))
    samples, more = divmod(number, count)
    return tuple(RunBudget(number=samples + (index < more), explain_s=explain_s) for index in range(count))


def time_for(configurations: int, percentile: float | None) -> float:
    """Return the seconds that measuring may take where nothing else was asked for."""
    return 60.0 if percentile else 13.0 * max(1, configurations)


def _refuse_none(settings: RunSettings) -> None:
    runs = max(1, settings.runs or 1)
    if settings.number is not None and settings.number < runs:
        raise LpbenchError(
            f"{amount(settings.number, 'inference')} {'is' if settings.number == 1 else 'are'} fewer than {runs} runs",
            hint=f"{setting('number')} counts the inferences of all runs together",
        )
    if settings.runs is not None and settings.runs < 1:
        raise LpbenchError(f"{settings.runs} runs are too few", hint=f"{setting('runs')} takes 1 or more")
