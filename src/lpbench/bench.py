"""Carries a benchmark out: fresh workers, interleaved runs, one result."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import time
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench import plan as plans
from lpbench import result, timing
from lpbench.client import Worker, WorkerOptions
from lpbench.errors import LpbenchError, WorkerError
from lpbench.measure import Recorder, measure, width
from lpbench.metrics import derive
from lpbench.plan import Plan, Target
from lpbench.result import Configuration, Result, Run, Stage
from lpbench.runner import Runner
from lpbench.stats import summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lpbench.app import App
    from lpbench.engine import Engine

GIVE_UP = 2
"""A configuration whose first runs all failed is not tried again after this many."""


@dataclass(frozen=True)
class Progress:
    """Where a benchmark is.

    :param run: From zero.
    :param done: Share of the whole benchmark, 0 to 1.
    :param left_s: Seconds left, as far as can be told.
    :param interval: Half width of this run's interval relative to its median, once there is one.
    """

    engine: str
    phase: str
    run: int
    runs: int
    done: float
    left_s: float | None
    interval: float | None
    samples: int


def benchmark(  # noqa: PLR0913 - the command's options, each with its default
    app: str | Path | App,
    *,
    engine: str | Sequence[str] | Engine[Any] | None = None,
    device: str | None = None,
    threads: int | None = None,
    options: Mapping[str, Any] | None = None,
    data: str | Path | None = None,
    number: int | None = None,
    runs: int | None = None,
    affinity: Sequence[int] = (),
    priority: int | None = None,
    timeout: float = 300.0,
    isolate: bool | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    ranges: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
    max_time: float = 60.0,
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Measure an app on one engine or several and return what was found.

    :param app: An app, its folder, a bare model file, or a name of the catalogue.
    :param engine: A name or alias, several, ``"all"`` for every ready one, or an instance; None takes the app's own.
    :param device: The engine's device, ``cpu`` or ``cuda:0`` say; short for an option of that name.
    :param threads: Threads of the engine; short for an option of that name.
    :param options: Fields of the engine's config; for an instance, ``{"config": ...}`` is handed to its ``open``.
    :param data: A folder of samples or one file; None takes the app's own, or made-up ones.
    :param number: Measured inferences in all; None measures until the interval is narrow or the time is over.
    :param runs: Fresh processes.
    :param affinity: Cores that the workers may use.
    :param priority: Niceness of the workers.
    :param timeout: Seconds without an answer after which a worker counts as hung.
    :param isolate: False measures in this process; None isolates unless ``engine`` is an instance.
    :param shapes: Shapes of inputs with open dimensions.
    :param ranges: Least and greatest value of made-up inputs of a bare model; integers are zero without.
    :param seed: For made-up samples.
    :param max_time: Seconds that measuring may take, as a goal.
    :param progress: Called a few times a second.
    :raises LpbenchError: The app or the only engine asked for cannot be used.  A worker that ends is no error but an
        outcome in the result, and so is Ctrl-C.
    """
    loaded = plans.resolve(app, shapes=shapes or {}, ranges=ranges or {}, seed=seed)
    named = {name: value for name, value in (("device", device), ("threads", threads)) if value is not None}
    targets = plans.targets(loaded, engine, {**(options or {}), **named})
    apart = isolate if isolate is not None else not any(target.instance for target in targets)
    plan = Plan(
        app=loaded,
        targets=tuple(targets),
        samples=plans.sample_files(loaded, data),
        limits=plans.limits(number, runs if apart else 1, max_time, max(1, len(targets))),
        worker=WorkerOptions(affinity=tuple(affinity), priority=priority, timeout=timeout),
        isolate=apart,
        max_time=max_time,
        shapes=shapes or {},
        seed=seed,
    )
    if apart and any(target.instance for target in targets):
        what = "an engine that is handed over cannot be sent to a worker"
        raise LpbenchError(what, hint="leave isolate out, or register the engine in a plugin and name it")
    return _Bench(plan, progress).carry_out()


@dataclass
class _Track:
    """What has been found of one target so far."""

    target: Target
    runs: list[Run] = field(default_factory=list)
    recorders: list[Recorder] = field(default_factory=list)
    failure: LpbenchError | None = None

    @property
    def over(self) -> bool:
        """Whether there is no use in another run."""
        hopeless = len(self.runs) >= GIVE_UP and not any(run.samples for run in self.runs)
        return hopeless or self.target.refusal is not None or self.failure is not None


class _Bench:
    """One benchmark under way."""

    def __init__(self, plan: Plan, progress: Callable[[Progress], None] | None) -> None:
        self._plan = plan
        self._progress = progress
        self._tracks = [_Track(target) for target in plan.targets]
        self._begun = time.monotonic()
        self._interrupted = False

    def carry_out(self) -> Result:
        for index in range(len(self._plan.limits)):
            for track in self._turn(index):
                if not self._interrupted and not track.over and not self._late(index):
                    self._run(track, index)
        return self._result()

    def _turn(self, index: int) -> list[_Track]:
        """Return the targets in this run's order: there and back, so that none is always first."""
        return self._tracks if index % 2 == 0 else self._tracks[::-1]

    def _late(self, index: int) -> bool:
        """Whether another run would end well after ``max_time``; an explicit number is always completed."""
        spent = time.monotonic() - self._begun
        enough = index >= 3  # noqa: PLR2004 - fewer runs tell nothing of the spread between runs
        return enough and self._plan.limits[index].number is None and spent * (index + 1) / index > self._plan.max_time

    def _run(self, track: _Track, index: int) -> None:
        recorder = Recorder(index)
        track.recorders.append(recorder)
        try:
            self._measure(track, recorder)
        except WorkerError as error:
            recorder.end(error.outcome, recorder.detail or error.hint)
        except KeyboardInterrupt:
            recorder.end(result.INTERRUPTED)
            self._interrupted = True
        except LpbenchError as error:
            if index == 0 and len(self._tracks) == 1 and not recorder.samples:
                raise
            recorder.end(f"failed: {error.what}", str(error))
            track.failure = error
        track.runs.append(recorder.finish())

    def _measure(self, track: _Track, recorder: Recorder) -> None:
        plan, target = self._plan, track.target
        limits = plan.limits[recorder.index]

        def tell(phase: str, so_far: Recorder, share: float) -> None:
            self._tell(track, phase, so_far, share)

        if not plan.isolate:
            runner = Runner(target.instance, target.instance_config)
            measure(Here(runner), plan.request(target), limits, recorder, tell)
            return
        tell("starting", recorder, 0.0)
        environment = {**(target.spec.environment if target.spec else {}), **plan.worker.environment}
        options = dataclasses.replace(plan.worker, environment=environment)
        worker = Worker(options)
        try:
            measure(worker, plan.request(target), limits, recorder, tell)
        except BaseException:
            recorder.detail = worker.said
            worker.kill()
            raise
        worker.close()

    def _tell(self, track: _Track, phase: str, recorder: Recorder, share: float) -> None:
        if self._progress is None:
            return
        runs, count = len(self._plan.limits), len(self._tracks)
        done = min(1.0, (sum(len(each.runs) for each in self._tracks) + share) / (runs * count))
        spent = time.monotonic() - self._begun
        left = spent / done - spent if done > 0.02 else None  # noqa: PLR2004 - too early to tell
        totals = recorder.columns.get(timing.TOTAL)
        narrow = width(totals, self._plan.limits[recorder.index].confidence) if totals else None
        known = narrow if narrow is not None and narrow < 1 else None
        name = track.target.name
        self._progress(Progress(name, phase, recorder.index, runs, done, left, known, recorder.samples))

    def _result(self) -> Result:
        from lpbench import machine
        from lpbench.about import version

        environments = [each.environment for track in self._tracks for each in track.recorders if each.environment]
        environment = environments[0] if environments else machine.environment()
        configurations = tuple(_configuration(track, self._plan, environment) for track in self._tracks)
        measured = any(each.measured for each in configurations)
        state = result.INTERRUPTED if self._interrupted else result.OK if measured else "failed"
        return Result(
            app=_identity(self._plan.app),
            settings=_settings(self._plan),
            environment=environment,
            configurations=configurations,
            state=state,
            created=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
            lpbench=version(),
        )


class Here:
    """A runner in this process, asked as a worker is."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def ask(self, do: str, doing: str, timeout: float | None = None, **arguments: Any) -> tuple[Any, bytes]:  # noqa: ANN401
        """Do it here and now."""
        answer = self._runner.do(do, arguments)
        return answer if isinstance(answer, tuple) else (answer, b"")


def _configuration(track: _Track, plan: Plan, environment: Mapping[str, Any]) -> Configuration:
    target, runs = track.target, tuple(track.runs)
    opened = next((each.opened for each in track.recorders if each.opened), {})
    pooled = _pool(track.recorders, "columns")
    cpu = _pool(track.recorders, "cpu")
    cores = os.cpu_count() or 1
    return Configuration(
        engine=target.name,
        asked=target.asked,
        plugin=target.plugin or type(target.instance).__module__,
        options=dict(target.options),
        isolated=plan.isolate,
        state=_state(track),
        facts=opened.get("facts", {}),
        inputs=tuple(opened.get("inputs", ())),
        outputs=tuple(opened.get("outputs", ())),
        stages=_stages(track, plan),
        runs=runs,
        statistics={stage: summarize(values) for stage, values in pooled.items()},
        cpu={stage: summarize(values) for stage, values in cpu.items()},
        metrics=derive(runs, pooled, environment, cores) if pooled else {},
        predictions=tuple(next((each.predictions for each in track.recorders if each.predictions), ())),
        problems=tuple(next((each.problems for each in track.recorders if each.problems), ())),
    )


def _pool(recorders: Sequence[Recorder], name: str) -> dict[str, array[int]]:
    found: dict[str, array[int]] = {}
    for recorder in recorders:
        for stage, values in getattr(recorder, name).items():
            found.setdefault(stage, array("q")).extend(values)
    return found


def _state(track: _Track) -> str:
    """Return OK, or in one line why there is less than was asked for."""
    if track.target.refusal is not None:
        return f"failed: {track.target.refusal}"
    if track.failure is not None and not any(run.samples for run in track.runs):
        return f"failed: {track.failure}"
    odd = [run.state for run in track.runs if run.state != result.OK]
    if not odd:
        return result.OK if track.runs else result.INTERRUPTED
    return odd[0] if len(track.runs) == len(odd) == 1 else f"{len(odd)} of {len(track.runs)} runs {odd[0]}"


def _stages(track: _Track, plan: Plan) -> tuple[Stage, ...]:
    """Return the rows of the anchor table, with who does the work and what type comes out."""
    from lpbench import registry

    component = plan.app.components[0]
    types: dict[str, str] = next((each.first["types"] for each in track.recorders if each.first), {})
    opened = next((each.opened for each in track.recorders if each.opened), {})
    pre, pre_by = _who(registry.PREPROCESSORS, component.preprocessing.type)
    post, post_by = _who(registry.POSTPROCESSORS, component.postprocessing.type)
    precision = str(opened.get("facts", {}).get("precision") or "")
    rows = (
        ("preprocessing", f"{pre}_preprocessor", pre_by, types.get("preprocessing", "")),
        ("inference", f"engines/{track.target.name}", track.target.plugin, precision),
        ("postprocessing", f"{post}_postprocessor", post_by, types.get("postprocessing", "")),
        (timing.TOTAL, plan.app.app_class, "", ""),
    )
    return tuple(Stage(*row) for row in rows)


def _who(kind: Any, name: str) -> tuple[str, str]:  # noqa: ANN401 - either kind of processor
    """Return the plugin's word for its stage, as in the published table, and its distribution."""
    from lpbench import registry

    offer = registry.current().get(kind, name)
    if offer.plugin == registry.BUILTIN:
        return name, "lpbench"
    return offer.plugin, offer.distribution


def _identity(app: App) -> dict[str, Any]:
    try:
        digest: str | None = app.digest()
    except OSError:  # the model was removed while it was measured
        digest = None
    return {"name": app.name, "class": app.app_class, "digest": digest}


def _settings(plan: Plan) -> dict[str, Any]:
    first = plan.limits[0]
    number = None if first.number is None else sum(each.number or 0 for each in plan.limits)
    return {
        "runs": len(plan.limits),
        "number": number,
        "width": first.width,
        "confidence": first.confidence,
        "max_time_s": plan.max_time,
        "affinity": list(plan.worker.affinity),
        "priority": plan.worker.priority,
        "isolated": plan.isolate,
        "order": "interleaved" if len(plan.targets) > 1 else "alone",
        "samples": [path.name for path in plan.samples][:1000],
        "seed": plan.seed,
        "shapes": {name: list(shape) for name, shape in plan.shapes.items()},
    }
