"""What is going to be measured: every question answered before the first worker starts."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench import config, dataset, judging, registry, stats
from lpbench.app import App, load_app
from lpbench.engine import Engine
from lpbench.errors import AppError, EngineError, LpbenchError
from lpbench.measure import Limits
from lpbench.models import choose_model
from lpbench.specs import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.app import Component
    from lpbench.client import WorkerOptions
    from lpbench.dataset import Labelled
    from lpbench.specs import EngineSpec

ALL = "all"
LABELLED = "labelled"
"""Folder in an app with samples that quality can be judged by."""
RUNS = 8
"""Fresh processes: a verdict needs at least eight (METHOD 12)."""
SAMPLES_A_RUN = 6
"""No interval of the median exists below six samples, so a small ``number`` gets fewer runs."""


LOCKSTEP_S = 0.2
"""Turns with the yardstick, each run and worker."""
COMPARING_S = 0.9
"""Turns of configurations that will be compared, likewise: a ratio's error falls with their length."""
EXPLAIN_S = 0.8
"""Taking the latency apart, each run and engine; on top of the time that was asked for."""
COMPARED = 1.4
"""Share of what is timed alone that turns take where configurations are compared: the verdicts rest on them."""
TIMED = 0.35
"""Share of the time that is spent timing alone, and as much in turns; starting and warm-up take the rest."""


@dataclass(frozen=True)
class Asked:
    """How much is to be measured.

    :param number: Inferences in all; None measures until the interval is narrow or the time is over.
    :param runs: None lets a pilot decide.
    :param percentile: A percentile that is to be known, in percent.
    :param max_time: Seconds, as a goal.
    :param configurations: How many are measured side by side.
    :param explain: Whether the latency is taken apart.
    :param alone: Seconds for which a run is timed alone; None takes its share of ``max_time``.
    """

    number: int | None = None
    runs: int | None = None
    percentile: float | None = None
    max_time: float = 13.0
    configurations: int = 1
    explain: bool = False
    alone: float | None = None


@dataclass(frozen=True)
class Target:
    """One configuration to measure.

    :param asked: The engine as the user called it.
    :param spec: The engine's spec; None where an instance was handed over.
    :param plugin: Distribution that brings the engine.
    :param instance: An engine handed over directly.
    :param others: By the names of components whose models this engine does not read: what runs them.
    :param refusal: Why it cannot be measured, where that is known already.
    """

    asked: str
    spec: EngineSpec | None = None
    plugin: str = ""
    instance: Engine[Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    instance_config: object = None
    others: Mapping[str, Target] = field(default_factory=dict)
    refusal: LpbenchError | None = None

    @property
    def name(self) -> str:
        """The engine's own name."""
        return self.spec.name if self.spec else self.asked

    def runs(self, component: Component) -> Target:
        """Return what runs a component: this engine, or another that reads its model."""
        return self.others.get(component.name, self)

    def environment(self) -> dict[str, str]:
        """Return the variables that its engines want to be set in a worker."""
        every = (*self.others.values(), self)
        return {name: value for each in every if each.spec for name, value in each.spec.environment.items()}


@dataclass(frozen=True)
class Plan:
    """A benchmark, ready to be carried out.

    :param limits: Of each run, in order; where ``adaptive``, the pilot decides how many there are in the end.
    :param lockstep: Whether live workers take turns; else ``lockstep_reason``.
    :param yardstick: Whether the kernel takes turns with them; else ``yardstick_reason``.
    :param retry: Whether a run that others disturbed is repeated.
    :param batch: Samples that a model takes at a time; what is timed is a batch.
    :param streams: Sessions side by side.
    :param draw: Folder for pictures of what is found; of several targets, each has a folder in it.
    """

    app: App
    targets: tuple[Target, ...]
    samples: tuple[Path, ...]
    limits: tuple[Limits, ...]
    worker: WorkerOptions
    isolate: bool
    max_time: float
    shapes: Mapping[str, Sequence[int]]
    seed: int
    adaptive: bool = False
    lockstep: bool = True
    lockstep_reason: str = ""
    yardstick: bool = True
    yardstick_reason: str = ""
    retry: bool = False
    batch: int = 1
    streams: int = 1
    draw: Path | None = None

    def request(self, target: Target) -> dict[str, Any]:
        """Return the arguments of ``Runner.open``."""
        return {
            "app": self.app.request(),
            "engine": target.name,
            "options": dict(target.options),
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "samples": [str(path) for path in self.samples],
            "seed": self.seed,
            "others": {
                name: {"engine": each.name, "options": dict(each.options)} for name, each in target.others.items()
            },
            "batch": self.batch,
            "streams": self.streams,
            "draw": str(self._pictures(target) or ""),
        }

    def _pictures(self, target: Target) -> Path | None:
        if self.draw is None or len(self.targets) == 1:
            return self.draw
        same = [each for each in self.targets if each.name == target.name]
        return self.draw / (target.name if len(same) == 1 else f"{target.name}-{same.index(target) + 1}")


def targets(
    app: App,
    asked: str | Sequence[str] | Engine[Any] | None,
    options: Mapping[str, Any],
    failed: Mapping[str, LpbenchError] | None = None,
) -> list[Target]:
    """Return what to measure; an engine that cannot be used is kept with the reason where others were asked for too.

    :param failed: Why no model could be made for an engine, by its name.
    :raises LpbenchError: The only engine that was asked for cannot be used.
    """
    if isinstance(asked, Engine):
        config = options.get("config")
        return [Target(type(asked).__name__, instance=asked, instance_config=config)]
    names, failed = _names(app, asked), failed or {}
    if len(names) == 1 and not _everything(asked):
        return [_target(app, names[0], options, failed)]
    return [_tolerant(app, name, options, failed) for name in names]


def usable(app: App, asked: str | Sequence[str] | Engine[Any] | None) -> list[EngineSpec]:
    """Return the engines asked for that can be used here, whatever they read; none for one that is handed over."""
    if isinstance(asked, Engine):
        return []
    found: dict[str, EngineSpec] = {}
    for name in _names(app, asked):
        with contextlib.suppress(LpbenchError):  # targets says so
            offer = registry.current().get(registry.ENGINES, name.partition(":")[0])
            if offer.availability():
                found[offer.spec.name] = offer.spec
    return list(found.values())


def _names(app: App, asked: str | Sequence[str] | None) -> list[str]:
    if _everything(asked):
        return list(registry.current().all(registry.ENGINES))
    return [asked] if isinstance(asked, str) else list(asked or [preferred(app)])


def _everything(asked: str | Sequence[str] | None) -> bool:
    return asked == ALL or list(asked or []) == [ALL]


def preferred(app: App) -> str:
    """Return the engine that the app names, else the first ready one that reads its model.

    :raises EngineError: None does.
    """
    if app.components[0].engine:
        return app.components[0].engine
    formats = {model.format for each in app.components for model in each.models}
    offers = list(registry.offers_where(registry.ENGINES, lambda spec: bool(formats & spec.formats.keys())))
    ready = [offer.spec for offer in offers if offer.availability()]
    if ready:
        return max(ready, key=lambda spec: sum(reads(spec, each) for each in app.components)).name
    what = f"no engine that reads {' or '.join(sorted(formats))} is ready"
    hints = "; ".join(f"{offer.spec.name}: {offer.availability().hint}" for offer in offers)
    raise EngineError(what, where=app.name, hint=hints or "lpbench engines lists what is installed")


def reads(spec: EngineSpec, component: Component) -> bool:
    """Say whether an engine reads one of a component's models."""
    return any(model.format in spec.formats for model in component.models)


def sample_files(app: App, data: str | Path | None) -> tuple[Path, ...]:
    """Return the files to measure with: those of ``data``, else the app's own; none means made-up samples.

    :raises AppError: ``data`` is not there, or holds nothing that the app's preprocessor reads.
    """
    if data is None:
        return app.samples
    place = Path(data)
    if place.is_file():
        return (place.resolve(),)
    if not place.is_dir():
        what = "no such file or folder"
        raise AppError(what, where=str(data), hint="--data takes a folder of samples, or one file")
    step = app.components[0].preprocessing
    suffixes = registry.current().get(registry.PREPROCESSORS, step.type).spec.suffixes
    found = tuple(sorted(path.resolve() for path in place.rglob("*") if path.suffix.lower() in suffixes))
    if not found:
        what = "holds no sample"
        raise AppError(what, where=str(data), hint=f'preprocessor "{step.type}" reads {", ".join(suffixes)}')
    return found


def refuse_side_by_side(
    app: App, targets: Sequence[Target], *, batch: int, streams: int, explain: bool
) -> list[Target]:
    """Return the targets, those refused that cannot take batches or streams as asked.

    :raises LpbenchError: The app cannot, or the only target cannot.
    """
    if batch < 1 or streams < 1:
        what = f"{batch} samples in a batch, {streams} streams"
        raise LpbenchError(what, hint="--batch and --streams take 1 or more")
    if batch == streams == 1:
        return list(targets)
    if len(app.components) > 1:
        what = f"{app.name} is a chain: how many things a sample holds differs, so it goes through one at a time"
        raise LpbenchError(what, hint="leave --batch and --streams out")
    if explain:
        what = "the parts of a latency are those of one sample"
        raise LpbenchError(what, hint="leave --explain out, or --batch and --streams")
    found = [_refused(each, batch=batch, streams=streams) for each in targets]
    if len(found) == 1 and found[0].refusal is not None:
        raise found[0].refusal
    return found


def _refused(target: Target, *, batch: int, streams: int) -> Target:
    spec = target.spec
    if spec is None or target.refusal is not None:
        return target
    lacks = [
        words
        for asked, able, words in ((batch, spec.batches, "batches"), (streams, spec.streams, "sessions side by side"))
        if asked > 1 and not able
    ]
    what = f'engine "{spec.name}" takes no {" and no ".join(lacks)}'
    return dataclasses.replace(target, refusal=EngineError(what)) if lacks else target


def labelled(
    app: App, data: str | Path | None, *, quality: bool | str | Sequence[str]
) -> tuple[list[Labelled], list[str]]:
    """Return the samples and the metrics by which quality is to be judged; none where that was not asked for.

    Without ``data`` the app's own folder ``labelled`` is taken.

    :raises LpbenchError: The data are not labelled, or no metric serves the app.
    """
    if not quality:
        return [], []
    place = data if data is not None else app.root / LABELLED
    if data is None and not Path(place).is_dir():
        what = f"{app.name} brings no labelled samples"
        raise LpbenchError(what, hint="--data LABELLED names a folder of them; lpbench run --help")
    asked = [] if quality is True else [quality] if isinstance(quality, str) else [*quality]
    metrics = judging.metrics_for(app.app_class, (app.quality or {}).get("metric", ""), asked)
    suffixes = registry.current().get(registry.PREPROCESSORS, app.components[0].preprocessing.type).spec.suffixes
    return dataset.load(place, suffixes, app.labels), metrics


def judged_first(limits: Sequence[Limits], labelled: Sequence[Labelled], metrics: Sequence[str]) -> tuple[Limits, ...]:
    """Return the limits with quality judged in the first run."""
    first, *others = limits
    return (dataclasses.replace(first, labelled=tuple(labelled), metrics=tuple(metrics)), *others)


def limits(asked: Asked) -> tuple[Limits, ...]:
    """Return the limits of each run.

    :raises LpbenchError: Fewer than one run or one sample a run.
    """
    _refuse_none(asked)
    explain_s = EXPLAIN_S if asked.explain else 0.0
    need = stats.percentile_need(asked.percentile) if asked.percentile else SAMPLES_A_RUN
    if asked.number is None:
        count = asked.runs or RUNS
        lockstep = LOCKSTEP_S if asked.configurations == 1 else COMPARING_S
        share = TIMED * asked.max_time / count
        turned = 1.0 if asked.configurations == 1 else 2.0 if asked.alone else COMPARED
        alone = asked.alone or min(2.0, share * (2 - turned) / asked.configurations)
        turns = share * turned / (asked.configurations + 1)
        one = Limits(
            need=max(SAMPLES_A_RUN, -(-need // count)),
            least_s=min(Limits.least_s, alone),
            most_s=alone,
            lockstep_s=min(lockstep, turns),
            explain_s=explain_s,
        )
        return (one,) * count
    count = asked.runs or max(1, min(RUNS, asked.number // SAMPLES_A_RUN))
    each, rest = divmod(asked.number, count)
    return tuple(Limits(number=each + (index < rest), explain_s=explain_s) for index in range(count))


def time_for(configurations: int, percentile: float | None) -> float:
    """Return the seconds that measuring may take where nothing else was asked for."""
    return 60.0 if percentile else 13.0 * max(1, configurations)


def cores_for(targets: Sequence[Target]) -> tuple[int, ...]:
    """Return the cores to pin workers to where none were asked for: as many as threads, the last ones.

    The same for every worker, since two that may move measure where they were put (METHOD 2);
    the last ones, because the system likes the first for itself.  Without a number of threads, all.
    """
    return last_cores([target.options.get("threads") for target in targets if target.refusal is None])


def last_cores(threads: Sequence[object]) -> tuple[int, ...]:
    """Return the last cores of this process, as many as the greatest of ``threads``; none where one is not known."""
    allowed = sorted(os.sched_getaffinity(0))
    known = [each for each in threads if isinstance(each, int) and 0 < each <= len(allowed)]
    return tuple(allowed[-max(known) :]) if known and len(known) == len(threads) else ()


def _refuse_none(asked: Asked) -> None:
    runs = max(1, asked.runs or 1)
    if asked.number is not None and asked.number < runs:
        what = f"{asked.number} inferences are fewer than {runs} runs"
        raise LpbenchError(what, hint="--number counts the inferences of all runs together")
    if asked.runs is not None and asked.runs < 1:
        what = f"{asked.runs} runs are none"
        raise LpbenchError(what, hint="--runs takes 1 or more")


def resolve(
    app: str | Path | App,
    *,
    shapes: Mapping[str, Sequence[int]],
    ranges: Mapping[str, Sequence[float]],
    seed: int,
) -> App:
    """Return an app: as it is, from its folder, from a bare model file, or from the catalogue.

    :raises LpbenchError: It is nowhere, with the nearest name.
    """
    if isinstance(app, App):
        return app
    from lpbench import catalogue
    from lpbench.bare_model import model_app

    path = Path(app)
    if path.is_file() and path.suffix != ".json":
        return model_app(path, shapes=shapes, ranges=ranges, seed=seed)
    if path.exists():
        return load_app(path)
    pulled = catalogue.find(str(app))
    return load_app(pulled or catalogue.pull(str(app)))


def _target(app: App, words: str, options: Mapping[str, Any], failed: Mapping[str, LpbenchError]) -> Target:
    name, *own = words.split(":")
    offer = registry.current().get(registry.ENGINES, name)
    available = offer.availability()
    if not available:
        what = f'engine "{offer.spec.name}" is not ready: {available.reason}'
        raise EngineError(what, hint=available.hint)
    if offer.spec.name in failed:
        raise failed[offer.spec.name]
    if not any(reads(offer.spec, each) for each in app.components):
        choose_model(app.components[0], offer.spec)
    chosen = _options(offer.spec, words, own, options)
    target = Target(name, offer.spec, offer.distribution, options=chosen)
    others = {each.name: _stand_in(each, options) for each in app.components if not reads(offer.spec, each)}
    return dataclasses.replace(target, others=others)


def _options(spec: EngineSpec, words: str, own: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return an engine's options: those asked for, and those in its words.

    :raises LpbenchError: The engine has no such option.
    """
    kind = load(spec.config, who=spec.name) if spec.config else None
    chosen = {**options, **(config.parse(kind, _pairs(words, own)) if kind else {})}
    if kind:
        config.build(kind, chosen, where=f"options of {spec.name}")
    return chosen


def _stand_in(component: Component, options: Mapping[str, Any]) -> Target:
    """Return the first ready engine that reads a component's model, for an engine that does not.

    Of the options only the number of threads is handed on: the others are the asked engine's own.

    :raises EngineError: There is none.
    """
    for offer in registry.offers_where(registry.ENGINES, lambda spec: reads(spec, component)):
        if offer.availability():
            shared = {name: value for name, value in options.items() if name == "threads"}
            return Target(offer.spec.name, offer.spec, offer.distribution, options=shared)
    formats = " or ".join(model.format for model in component.models)
    what = f'no engine that reads {formats} is ready, for component "{component.name}"'
    raise EngineError(what, hint="lpbench engines lists what is installed")


def _pairs(words: str, parts: Sequence[str]) -> dict[str, str]:
    """Return the options in ``onnxruntime:threads=2:device=cuda:0``; a part without ``=`` belongs to the one before.

    :raises LpbenchError: The first part has no ``=``.
    """
    found: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if equals:
            found[key] = value
        elif found:
            found[next(reversed(found))] += f":{part}"
        else:
            what = f'"{part}" is no option'
            raise LpbenchError(what, where=words, hint="write ENGINE:key=value:key=value")
    return found


def _tolerant(app: App, name: str, options: Mapping[str, Any], failed: Mapping[str, LpbenchError]) -> Target:
    try:
        return _target(app, name, options, failed)
    except LpbenchError as error:
        return Target(name.partition(":")[0], options=options, refusal=error)
