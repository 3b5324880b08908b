"""``lpbench.optimise``: convert, quantise, measure and judge an app's configurations, and choose the best of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench import machine
from lpbench.app import resolve
from lpbench.errors import ConfigError, LpbenchError, setting
from lpbench.jobs import choosing
from lpbench.jobs.sweep import SweepPlan, carry_out, plan_of
from lpbench.plugin import registry
from lpbench.results import store
from lpbench.results.choosing import conditions, objective
from lpbench.results.directions import DIRECTIONS, QUALITY, Direction
from lpbench.results.exchange.columns import UNITS
from lpbench.results.optimised import Optimised
from lpbench.results.resource_metrics import WATCHED
from lpbench.results.sweep import COMPARED, HYPERPARAMETERS, TARGETS
from lpbench.results.table import Column, Kind, Table
from lpbench.util.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App
    from lpbench.jobs.measuring.progress import Progress

    Bounds = Mapping[str, float | str]

PRECISIONS = ("F32", "F16", "S8")
FOLDER = "optimised"
"""Folder beside the saved results; in it each app has one of its own."""
PERCENTILES = tuple(f"LATENCY_P{rank}" for rank in ("50", "90", "95", "99", "99.9"))
WORDS = ("MODEL", "VERSION", "INPUT_TILE", "ENGINE", "PROCESSOR", "PRECISION", "DEVICE", "QUALITY_METRIC")
"""Columns that have words."""


@dataclass(frozen=True)
class Request:
    """What is asked of an app: conditions by column, and the metric that is to be the best."""

    best: str
    max: Bounds
    min: Bounds
    equal: Bounds

    @property
    def columns(self) -> set[str]:
        """The columns that it is about."""
        return {word.upper() for word in (*self.max, *self.min, *self.equal, self.best.partition(":")[0])}


@checked
def optimise(  # noqa: PLR0913 - one keyword for each condition, axis and setting, for completion and type checkers
    app: str | Path,
    *,
    best: str,
    max: Mapping[str, float | str] | None = None,  # noqa: A002 - the word of the command line
    min: Mapping[str, float | str] | None = None,  # noqa: A002 - likewise
    equal: Mapping[str, float | str] | None = None,
    output: str | Path | None = None,
    engines: str | Sequence[str] | None = None,
    devices: str | Sequence[str] | None = None,
    threads: int | Sequence[int] | None = None,
    precisions: str | Sequence[str] | None = None,
    tiles: str | Sequence[str] | None = None,
    batches: int | Sequence[int] | None = None,
    streams: int | Sequence[int] | None = None,
    data: str | Path | None = None,
    resources: bool = False,
    runs: int | None = None,
    number: int | None = None,
    max_time: float | None = None,
    timeout: float | None = None,
    top: int = choosing.RUNNERS_UP,
    progress: Callable[[Progress], None] | None = None,
) -> Optimised:
    """Return the best configuration of an app under conditions, and the reason of every rejection.

    Models are converted and quantised for every engine, each configuration is measured in turns with one reference, and
    its quality is evaluated where the app has labelled samples: a sweep, from which the answer is chosen.  The sweep is
    kept, so the same call goes on where an earlier one ended, and another question is answered from what is measured.

    :param app: A folder, a catalogue name or a model file.
    :param best: The metric to be as good as possible, as ``choose`` takes it.
    :param max: The greatest values that are allowed, by column: ``{"LATENCY": 20}``.
    :param min: The least ones.
    :param equal: Values that a configuration must have: ``{"ENGINE": "ncnn"}``.
    :param output: The folder of the sweep; None takes one of the app's name beside the saved results.
    :param engines: None takes every engine that is known.
    :param threads: None takes 1 and as many as there are cores.
    :param precisions: None takes F32, F16 and S8.
    :param resources: Watch load, temperature, power and energy, too, which takes long; a question on one of them does.
    :param top: How many runners-up are named.
    :param progress: Called a few times a second.
    :raises LpbenchError: The app or the question cannot be used, or the folder holds a sweep of something else.
    :raises KeyboardInterrupt: Ctrl-C; what was measured is kept.
    """
    asked = Request(best, max or {}, min or {}, equal or {})
    axes = {"engines": engines, "devices": devices, "threads": threads, "precisions": precisions, "tiles": tiles}
    axes |= {"batches": batches, "streams": streams}
    effort = {"data": data, "resources": resources, "runs": runs, "number": number, "max_time": max_time}
    subject = Subject.of(app, asked, {**axes, **effort, "timeout": timeout}, output)
    return optimised(subject, asked, progress or (lambda _: None), top=top)


@dataclass(frozen=True)
class Subject:
    """What is going to be measured.

    :param folder: Of the sweep.
    """

    app: App
    plan: SweepPlan
    folder: Path

    @classmethod
    def of(cls, app: str | Path, asked: Request, given: Mapping[str, object], folder: str | Path | None) -> Subject:
        """Return what a question makes necessary.

        :param given: Axes and settings of a sweep; None leaves one to the default.
        :raises LpbenchError: The app cannot be read, or the question cannot be answered of it.
        """
        found = resolve.resolve(app, shapes={}, ranges={}, seed=0)
        metrics = _quality_metrics(found, given.get("data"), asked)
        refuse_question(asked, choosing.metric_direction(metrics[0]) if metrics else None)
        defaults: dict[str, object] = {"threads": sorted({1, machine.usable_cores()}), "precisions": PRECISIONS}
        known = {name: value for name, value in given.items() if value is not None}
        watched = bool(known.get("resources")) or not asked.columns.isdisjoint(WATCHED)
        plan = plan_of(app, {**defaults, **known, "quality": bool(metrics), "resources": watched})
        assert plan is not None  # noqa: S101 - an app is named
        usual = default_folder(f"{found.name}-watched" if watched else found.name)
        return cls(found, plan, usual if folder is None else Path(folder))


def optimised(subject: Subject, asked: Request, report: Callable[[Progress], None], *, top: int) -> Optimised:
    """Measure what is not measured yet, and choose."""
    sweep = carry_out(subject.plan, subject.folder, report)
    selection = choosing.choose(sweep, max=asked.max, min=asked.min, equal=asked.equal, best=asked.best, top=top)
    return Optimised(subject.app.name, sweep, selection)


def default_folder(name: str) -> Path:
    """Return the folder of rows where nobody names one: beside the saved results."""
    return store.folder().with_name(FOLDER) / re.sub(r"[^\w.-]+", "-", name)


def refuse_question(asked: Request, quality: Direction | None) -> None:
    """Refuse what no sweep can answer, before one takes minutes.

    :param quality: Which way the app's quality metric is better, where it is evaluated and known.
    :raises LpbenchError: A column or an engine is none, a bound no number in its unit, or conditions contradict each
        other.
    """
    table = _columns()
    for word, value in asked.equal.items():
        if table.column(word).name == "ENGINE":
            _refuse_engine(str(value).lower())
    conditions(table, asked.max, asked.min, {})
    objective(table, asked.best, quality)


def _refuse_engine(word: str) -> None:
    """Refuse what no row has as its engine: a name that nobody offers, and another name of one."""
    name = registry.current().get(registry.ENGINES, word).spec.name
    if name != word:
        raise ConfigError(
            f'rows do not call the engine "{word}"', where=setting("equal"), hint=f'did you mean "{name}"?'
        )


def _quality_metrics(app: App, data: object, asked: Request) -> list[str]:
    """Return the quality metrics of an app; none where its quality cannot be evaluated.

    :raises LpbenchError: The question is about quality, and it cannot be evaluated.
    """
    try:
        return resolve.labelled(app, None if data is None else Path(str(data)), quality=True)[1]
    except LpbenchError:
        if QUALITY in asked.columns:
            raise
        return []


def _columns() -> Table:
    """Return an empty table with the columns that a sweep may have."""
    numbers = dict.fromkeys((*HYPERPARAMETERS, *TARGETS, *COMPARED, *DIRECTIONS, *PERCENTILES, *WATCHED))
    columns = [Column(name, Kind.TARGET, [], unit=UNITS.get(name, "")) for name in numbers if name not in WORDS]
    return Table("", (*columns, *(Column(name, Kind.FACT, [], "str") for name in WORDS)))
