"""Runs a source and what was made of it, each in a worker, and compares all outputs."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.app.model import Step
from lpbench.app.model_choice import reference
from lpbench.errors import ConversionError, EngineError, LpbenchError, ProcessorError, WorkerError
from lpbench.jobs.conversion._differ import differences, unrepeated
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.worker import tensor_wire
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.requests import CollectOutputs, KeepInputs, OpenRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lpbench.app.model import App
    from lpbench.jobs.conversion._job import Check
    from lpbench.plugin.engine import Model, Shapes, TensorInfo
    from lpbench.plugin.progress import Listener
    from lpbench.plugin.specs import EngineSpec
    from lpbench.worker.requests import Opened
    from lpbench.worker.tensor_wire import RawSample

RUNNING, CHECKING = "running the source", "checking"
"""Phases, as progress tells them."""
SAMPLES = 3
"""Inputs that both models run: one could be an exception."""
RUN_TIMEOUT = 600.0
"""Seconds for loading a model, and for running the samples."""
SPANS = {"int8": (-128, 128), "uint8": (0, 256)}
"""What pictures and quantised signals fill."""
FEW = (0, 2)
"""Values for other whole numbers: indices and switches, which any model takes."""
WHOLE = ("int", "uint", "bool")


@dataclass(frozen=True)
class Source:
    """What the source makes of some inputs.

    :param engine: Name and version of what ran it.
    :param feeds: Files of the inputs.
    :param shapes: Of all inputs, by the model's names; empty if it leaves no dimension open.
    :param types: Numpy's names of the types of all inputs, by the app's names.
    :param unrepeated: How an output differs when the same inputs are run again; empty if none does.
    """

    engine: str
    samples: Sequence[RawSample]
    feeds: Sequence[Path]
    shapes: Shapes
    types: Mapping[str, str]
    unrepeated: str


@dataclass(frozen=True)
class Checked:
    """What a comparison measured, as the schema of apps has it.

    :param max_absolute: Largest absolute error of any output.
    :param cosine: Least cosine between an output and the source's.
    """

    engine: str
    reference: str
    samples: int
    max_absolute: float
    cosine: float


def run_source(check: Check, stage: Path, given: Sequence[Path] = ()) -> Source:
    """Run the source on the reference engine, twice: what does not repeat itself cannot be compared with anything.

    The inputs are the app's samples and, where there are fewer than it takes, those that its preprocessor makes up;
    where it makes none, tensors.

    :param given: Files of inputs to run instead: a model in 8 bits is compared on what it was calibrated with, since it
        clips whatever lies outside of those ranges, as inputs that are made up do.
    :raises ConversionError: It cannot be run: there is no such engine, or an open dimension that nothing tells; or it
        does not repeat itself.
    """
    source = _ran(check, stage, given)
    if source.unrepeated:
        what = f"the source does not repeat itself, so its conversion cannot be checked: {source.unrepeated}"
        hint = (
            f"{source.engine} ran the same inputs twice: the model has random operators or keeps a state; export it "
            "without them, for example in evaluation mode"
        )
        raise ConversionError(what, where=check.source.path.name, hint=hint)
    return source


def _ran(check: Check, stage: Path, given: Sequence[Path]) -> Source:
    try:
        spec = reference(check.source.format, named=check.component.engine)
    except EngineError as error:
        raise ConversionError(
            f"a conversion from {check.source.format} cannot be checked: {error.what}", hint=error.hint
        ) from error
    own = check.component.preprocessing
    try:
        return _run_source(check, spec, own, stage / "feeds", given)
    except (EngineError, WorkerError) as error:
        raise _unrunnable(check, spec, error) from error
    except LpbenchError as error:  # a preprocessor that makes nothing up, or is not installed
        if own.type == _TENSORS.type:
            raise _unrunnable(check, spec, error) from error
    try:
        return _run_source(check, spec, _TENSORS, stage / "tensors", given)
    except LpbenchError as error:
        raise _unrunnable(check, spec, error) from error


def compare(check: Check, spec: EngineSpec, source: Source, made: Model, *, outcome: str) -> Checked:
    """Run what was made on the same inputs and compare all outputs.

    :param spec: The engine that runs it.
    :param outcome: What becomes of a model that differs, for the error.
    :raises ConversionError: It cannot be loaded or run, or an output differs from the source's by more than the
        precision explains.
    """
    app = _around(check.app, dataclasses.replace(check.component, preprocessing=_TENSORS), made)
    try:
        with _worker(spec) as worker:
            hear = check.hear(CHECKING)
            opened = _open(worker, app, spec, hear)
            found = _outputs(worker, CollectOutputs(given=tuple(map(str, source.feeds))), hear)
    except LpbenchError as error:
        ended = str(error.outcome if isinstance(error, WorkerError) else error.what)
        said = ended.replace(f"{made.path.parent}/", "")
        raise ConversionError(
            f"{check.converter} made a file that {spec.name} does not run: {said}",
            where=check.source.path.name,
            hint="\n  ".join(filter(None, (error.hint, outcome))),
        ) from error
    faults, furthest = differences(source.samples, found, check.limits)
    if faults:
        what = f"the model that {check.converter} made differs from its source: {'; '.join(faults)}"
        hint = f"run on {spec.name}, compared with {source.engine}; {outcome}"
        raise ConversionError(what, where=check.source.path.name, hint=hint)
    return Checked(_named(spec, opened), source.engine, len(found), furthest.max_absolute, furthest.cosine)


def _run_source(check: Check, spec: EngineSpec, step: Step, folder: Path, given: Sequence[Path]) -> Source:
    shaped = dataclasses.replace(check.component, preprocessing=_shaped(step, check.shapes))
    app = _around(check.app, shaped, check.source)
    own = check.app.samples[:SAMPLES] if check.component is check.app.components[0] else ()
    with _worker(spec) as worker:
        hear = check.hear(RUNNING)
        reopen = functools.partial(_open, worker, spec=spec, hear=hear, shapes=check.shapes, tile=check.tile)
        opened = reopen(app, samples=own)
        if not given and (ranged := _with_ranges(check, app, opened.inputs)) is not app:
            app = ranged
            reopen(app, samples=own)
        paths = _of_one_shape(given or _inputs(worker, reopen, app, len(own), folder))
        found, again = (_outputs(worker, CollectOutputs(given=tuple(map(str, paths))), hear) for _ in range(2))
    shapes = _shapes(check, opened.inputs, paths[0])
    called = {info.name: info.called for info in check.source.inputs}
    types = {called.get(info.name, info.name): info.dtype for info in opened.inputs}
    return Source(_named(spec, opened), found, paths, shapes, types, unrepeated(found, again))


def _inputs(worker: Worker, reopen: Callable[[App], Opened], app: App, own: int, folder: Path) -> list[Path]:
    """Write what goes into an app that is open: of its samples, and of made-up ones where there are few.

    :param own: Number of the app's samples that are open; without any, its preprocessor makes them up.
    :raises LpbenchError: No sample can be used.
    """
    files = _written(worker, folder)
    if own and len(files) < SAMPLES:
        reopen(app)
        with contextlib.suppress(ProcessorError):  # it makes nothing up
            files += _written(worker, folder.with_name(f"{folder.name}, synthetic"))
    return files


def _written(worker: Worker, folder: Path) -> list[Path]:
    folder.mkdir()
    worker.request(KeepInputs(str(folder), SAMPLES))
    return sorted(folder.iterdir())


def keep_inputs(check: Check, samples: Sequence[Path], folder: Path) -> list[Path]:
    """Write what the source gets for each sample into files and return them.

    :param samples: Without any, the preprocessor makes them up; where it makes none, they are tensors.
    :param folder: It does not exist yet.
    :raises ConversionError: The source cannot be opened, or none of the samples can be used.
    """
    spec = reference(check.source.format, named=check.component.engine)
    own = check.component.preprocessing
    for at, step in enumerate([own] if samples else [own, _TENSORS]):
        place = folder / str(at)
        place.mkdir(parents=True)
        try:
            _keep_inputs(check, spec, step, samples, place)
        except LpbenchError as error:
            failure = error
        else:
            return sorted(place.iterdir())
    raise _unrunnable(check, spec, failure) from failure


def _keep_inputs(check: Check, spec: EngineSpec, step: Step, samples: Sequence[Path], folder: Path) -> None:
    shaped = dataclasses.replace(check.component, preprocessing=_shaped(step, check.shapes))
    app, hear = _around(check.app, shaped, check.source), check.hear(RUNNING)
    with _worker(spec) as worker:
        _open(worker, app, spec, hear, samples=samples, shapes=check.shapes, tile=check.tile)
        worker.request(KeepInputs(str(folder), len(samples)), hear=hear)


def _of_one_shape(files: Sequence[Path]) -> list[Path]:
    """Return as many as are run, of those whose inputs have the shapes of the first: a conversion has one size."""
    shapes = [[each.values.shape for each in tensor_wire.read_feeds(path)] for path in files]
    return [path for path, sizes in zip(files, shapes, strict=True) if sizes == shapes[0]][:SAMPLES]


_TENSORS = Step("tensors")
"""Whole tensors in and out: the step used where an app has no processors."""


def _shaped(step: Step, shapes: Shapes) -> Step:
    """Return a step that makes tensors up in the shapes that were asked for; others go by the engine's inputs."""
    if step.type != _TENSORS.type or not shapes:
        return step
    given = {**step.config.get("shapes", {}), **{name: list(shape) for name, shape in shapes.items()}}
    return Step(step.type, {**step.config, "shapes": given})


def _with_ranges(check: Check, app: App, inputs: Sequence[TensorInfo]) -> App:
    """Return an app whose inputs of whole numbers have ranges if it makes them up: as zeros they would show little."""
    (component,) = app.components
    step = component.preprocessing
    given = step.config.get("ranges", {})
    whole = [each for each in inputs if each.dtype.startswith(WHOLE) and each.name not in given]
    if step.type != _TENSORS.type or not whole:
        return app
    ranges = {**{each.name: SPANS.get(each.dtype, FEW) for each in whole}, **given}
    ranged = Step(step.type, {**step.config, "ranges": ranges})
    return _around(app, dataclasses.replace(component, preprocessing=ranged), check.source)


def _shapes(check: Check, inputs: Sequence[TensorInfo], feeds: Path) -> Shapes:
    """Return the shapes of all inputs as they were run if the model leaves some open, by its names.

    A shape that was given also fixes dimensions of the same name in other inputs, so that those are not open any more.
    """
    if not (check.shapes or check.tile or check.source.tile or any(info.dynamic for info in inputs)):
        return {}
    called = {info.name: info.called for info in check.source.inputs}
    shapes = {fed.name: tuple(fed.values.shape) for fed in tensor_wire.read_feeds(feeds)}
    names = {info.name: called.get(info.name, info.name) for info in inputs}
    return {name: shapes[fed] for name, fed in names.items() if fed in shapes}  # optional inputs may be left out


def _around(app: App, component: Any, model: Model) -> App:
    """Return an app of one component and one model, whose outputs are left as they are."""
    tile = None if model.provenance else model.tile
    plain = dataclasses.replace(model, variant="", tile=tile)  # the only one is the one that is chosen
    alone = dataclasses.replace(component, models=(plain,), postprocessing=_TENSORS)
    return dataclasses.replace(app, components=(alone,), samples=(), decode_in_region=False)


def _worker(spec: EngineSpec) -> Worker:
    return Worker(WorkerOptions(environment=spec.environment, timeout=RUN_TIMEOUT))


def _open(  # noqa: PLR0913 - who opens what, for whom and how
    worker: Worker,
    app: App,
    spec: EngineSpec,
    hear: Listener,
    *,
    samples: Sequence[Path] = (),
    shapes: Shapes | None = None,
    tile: tuple[int, int] | None = None,
) -> Opened:
    configuration = EngineConfiguration.of(spec.name, spec.reference or {}, shapes=shapes or {}, tile=tile)
    request = OpenRequest(app.request(), configuration, samples=tuple(map(str, samples)))
    return worker.request(request, hear=hear)


def _outputs(worker: Worker, request: CollectOutputs, hear: Listener) -> list[RawSample]:
    answer = worker.request(request, hear=hear)
    return tensor_wire.unpack({"samples": answer.samples}, answer.block)


def _named(spec: EngineSpec, opened: Opened) -> str:
    return f"{spec.name} {opened.facts.get('version', '')}".strip()


def _unrunnable(check: Check, spec: EngineSpec, error: LpbenchError) -> ConversionError:
    outcome = error.outcome if isinstance(error, WorkerError) else error.what
    what = f"the source cannot be run on {spec.name}, so its conversion cannot be checked: {outcome}"
    return ConversionError(what, where=check.source.path.name, hint=error.hint)
