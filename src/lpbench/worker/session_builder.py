"""Opens an app's components on engines: sessions and matching processors, as one pipeline."""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench import machine
from lpbench.app.model_choice import made_for, merge, refuse_other_shapes
from lpbench.errors import EngineError, LpbenchError, UnavailableEngineError, nearest, setting
from lpbench.plugin import registry
from lpbench.plugin.builtin.tensors import TensorPreprocessor, resolve_shapes
from lpbench.util import dataclass_config
from lpbench.worker import batches, engine_faults, tiles
from lpbench.worker.pipeline import Chain, OpenComponent, Single, Streams
from lpbench.worker.samples import InRegion
from lpbench.worker.source_tensors import SourceTensors
from lpbench.worker.statements import check_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.app.model import App, Component, Step
    from lpbench.plugin.configuration import EngineConfiguration
    from lpbench.plugin.engine import Model, Session, Shapes, TensorInfo
    from lpbench.plugin.processor import Postprocessor, Preprocessor
    from lpbench.plugin.specs import EngineSpec, ProcessorSpec
    from lpbench.worker.pipeline import Pipeline

VALUE_BYTES = 8
"""What each value of an input takes at least: itself, and one that is computed from it."""
GIBIBYTE = 1 << 30
Open = Callable[..., "Session"]
"""An engine's ``open`` with model and config bound."""


@dataclass(frozen=True)
class Opener:
    """Everything needed to open one component.

    :param model: The chosen model of the component.
    :param opens: Opens the model.
    :param configuration: The engine that was asked for, with shapes and batch.
    """

    component: Component
    app: App
    model: Model
    opens: Open
    configuration: EngineConfiguration

    @property
    def engine(self) -> str:
        """The name of the engine that runs it."""
        return self.configuration.engine

    def session(self) -> tuple[Session, int]:
        """Open the model; return the session, and the time in nanoseconds that opening it took.

        :raises EngineError: The model cannot be opened with these shapes or this batch size.
        """
        batch = self.configuration.batch
        _refuse_unholdable(self.configuration.shapes, batch)
        shapes = self.configuration.shapes
        if batch == 1:
            return self._timed(shapes)
        with self.opens(shapes=shapes) as inspected:
            check_tensors(inspected, self.configuration.engine)
            single, outputs = resolve_shapes(inspected.inputs, shapes), tuple(inspected.outputs)
        several = {name: (batch, *shape[1:]) for name, shape in single.items()}
        session, spent = self._timed(several)
        try:
            _refuse_other_batch(session.inputs, batch)
            if batches.undecided(outputs, session.outputs, batch):
                with self.opens(shapes=shapes) as one, self.opens(shapes=several) as tried:
                    batches.refuse_shared(one, tried, single, batch)
        except BaseException:
            session.close()
            raise
        return session, spent

    def tiled(self) -> Opener:
        """Return an opener with the shape in which the image input has the tile asked for, else the app's default.

        A shape of that input that was asked for has precedence over the default.  A conversion has the shapes that it
        was made for and checked with, also where its file leaves them open.

        :raises EngineError: The model has no image input, or takes another tile alone; or a conversion has no input for
            which a shape is asked for.
        """
        asked, model = self.configuration, self.model
        if model.provenance:
            self._refuse_unknown_inputs()
            return dataclasses.replace(self, configuration=dataclasses.replace(asked, shapes=made_for(model)))
        image = tiles.image_input([info for info in model.inputs if info.layout])
        if asked.tile is None and (model.tile is None or image is None or image.name in asked.shapes):
            return self
        tile = asked.tile or model.tile
        assert tile is not None  # noqa: S101 - seen above
        inputs = self._inputs() if image is None or not tiles.is_open(image, tile) else (image,)
        name = tiles.require_image_input(inputs).name
        shape = tiles.shape_for(inputs, tile, asked.shapes.get(name, ()))
        return dataclasses.replace(self, configuration=dataclasses.replace(asked, shapes={**asked.shapes, name: shape}))

    def _refuse_unknown_inputs(self) -> None:
        """Refuse shapes of inputs that a conversion lacks, which its engine does not get to see; in a chain, none."""
        known = {name for info in self.model.inputs for name in (info.name, info.called)}
        unknown = next((name for name in self.configuration.shapes if name not in known), None)
        if unknown is not None and known and len(self.app.components) == 1:
            what = f'a shape is given for "{unknown}", which is not an input of the model'
            raise EngineError(what, hint=nearest(unknown, known))

    def _inputs(self) -> Sequence[TensorInfo]:
        """Return the inputs of the model, which is opened for a moment, with what the app states of them."""
        with self.opens(shapes=self.configuration.shapes) as inspected:
            check_tensors(inspected, self.engine)
            return merge(inspected.inputs, self.model.inputs)

    def _timed(self, shapes: Shapes) -> tuple[Session, int]:
        begun = time.perf_counter_ns()
        session = self.opens(shapes=shapes)
        spent = time.perf_counter_ns() - begun
        try:
            check_tensors(session, self.configuration.engine)
        except BaseException:
            session.close()
            raise
        return session, spent

    def part(self, session: Session) -> OpenComponent:
        """Build the processors around a session; they process one sample at a time."""
        model = self.model
        inputs, outputs = merge(session.inputs, model.inputs), merge(session.outputs, model.outputs)
        if not model.provenance:
            self._refuse_other_shapes(session)
        if self.configuration.tile:
            tiles.refuse_other_tile(inputs, self.configuration.tile)
        if self.configuration.batch > 1:
            inputs, outputs = (tuple(map(_of_one, tensors)) for tensors in (inputs, outputs))
        pre, pre_config = processor(registry.PREPROCESSORS, self.component.preprocessing)
        post, post_config = processor(registry.POSTPROCESSORS, self.component.postprocessing)
        if pre is TensorPreprocessor and model.provenance:
            pre = functools.partial(SourceTensors, types=model.provenance.get("types"))
        built: Preprocessor[Any] = pre(pre_config, inputs)
        first = self.component is self.app.components[0]
        reads = InRegion(built) if self.app.decode_in_region and first else built
        labels = self.app.labels if self.component.labels is None else self.component.labels
        after: Postprocessor[Any] = post(post_config, outputs, labels)
        return OpenComponent(self.component.name, session, reads, after, self.configuration.engine)

    def _refuse_other_shapes(self, session: Session) -> None:
        """Refuse shapes that the app states and the model does not have; those of outputs follow what was asked for."""
        shapes, batch = self.configuration.shapes, self.configuration.batch
        refuse_other_shapes(session.inputs, self.model.inputs, shapes, batch=batch)
        if not shapes:
            refuse_other_shapes(session.outputs, self.model.outputs, (), batch=batch)

    def single(self, session: Session) -> Single:
        """Return a pipeline of this component alone, which closes the session when it is closed."""
        try:
            part = self.part(session)
        except BaseException:
            session.close()
            raise
        batch = self.configuration.batch
        return Single(part) if batch == 1 else batches.Batches(part, batch)


def opened(openers: Sequence[Opener], streams: int, engine: str) -> tuple[Pipeline, int]:
    """Return the open pipeline, and the time in nanoseconds that opening its sessions took.

    :param engine: The requested engine, for a chain that runs on several.
    :raises LpbenchError: A component cannot be opened; the sessions opened before it are closed.
    """
    every = [each.tiled() for each in openers]
    first, *later = every
    if streams > 1:
        return _side_by_side(first, streams)
    if not later:
        session, spent = first.session()
        return first.single(session), spent
    sessions: list[Session] = []
    spent = 0
    try:
        for opener in every:
            session, ns = opener.session()
            sessions.append(session)
            spent += ns
        return Chain([opener.part(session) for opener, session in zip(every, sessions, strict=True)], engine), spent
    except BaseException:
        for session in sessions:
            session.close()
        raise


def _side_by_side(opener: Opener, streams: int) -> tuple[Pipeline, int]:
    spent: list[int] = []

    def build() -> Single:
        session, ns = opener.session()
        spent.append(ns)
        return opener.single(session)

    return Streams(build, streams), max(spent)


def components_of(pipeline: Pipeline) -> tuple[OpenComponent, ...]:
    """Return the open components; for streams, those of the first stream."""
    if isinstance(pipeline, Chain):
        return pipeline.parts
    if isinstance(pipeline, Streams):
        return (pipeline.first,)
    assert isinstance(pipeline, Single)  # noqa: S101 - no other kind exists
    return (pipeline.part,)


def engine_opener(spec: EngineSpec, model: Model, options: Mapping[str, Any], *, exposed: bool = False) -> Open:
    """Import an engine and return a function that opens a model on it.

    :param exposed: Whether every intermediate tensor becomes an output.
    :raises LpbenchError: The engine is not ready, or does not have these options.
    """
    from lpbench.plugin.spec_answers import availability_of
    from lpbench.plugin.specs import load

    available = availability_of(spec)
    if not available:
        raise UnavailableEngineError(available.reason, engine=spec.name, hint=available.hint)
    kind = load(spec.config, who=spec.name) if spec.config else None
    settings = dataclass_config.build(kind, options, where=f"options of {spec.name}") if kind else None
    engine = spec.load()()
    call = engine.open_exposed if exposed else engine.open

    def opens(**how: Any) -> Session:
        with engine_faults.told(spec.name, call.__name__, model.path):
            found: Session = call(model, settings, **how)
            return found

    return opens


def processor(kind: registry.Kind[ProcessorSpec], step: Step) -> tuple[Any, Any]:
    """Return a processor's class and its config.

    :raises LpbenchError: It is not there, not ready, or refuses its settings.
    """
    from lpbench.plugin.spec_answers import availability_of
    from lpbench.plugin.specs import load

    spec = registry.current().get(kind, step.type).spec
    available = availability_of(spec)
    if not available:
        raise LpbenchError(f'{kind.word} "{spec.name}" is not ready: {available.reason}', hint=available.hint)
    where = f"config of {kind.word} {spec.name}"
    return spec.load(), dataclass_config.build(load(spec.config, who=spec.name), step.config, where=where)


def _refuse_unholdable(shapes: Shapes, batch: int) -> None:
    """Refuse inputs for which there is no memory before a library asks for it."""
    need, free = VALUE_BYTES * batch * sum(map(math.prod, shapes.values())), machine.available_memory()
    batches_too = f", or {setting('batch')}" if batch > 1 else ""
    if free is not None and need > free:
        raise EngineError(
            f"inputs of these shapes take {need / GIBIBYTE:.3g} GiB; {free / GIBIBYTE:.3g} GiB of memory are free",
            hint=f"give smaller ones: {setting('shapes')}{batches_too}",
        )


def _refuse_other_batch(inputs: Sequence[TensorInfo], batch: int) -> None:
    for info in inputs:
        if info.shape[:1] != (batch,) and 0 not in info.dynamic:
            raise EngineError(
                f'input "{info.name}" {list(info.shape)} does not accept batches of {batch} samples',
                hint=f"omit {setting('batch')}, or export the model with an open first dimension",
            )


def _of_one(info: TensorInfo) -> TensorInfo:
    return dataclasses.replace(info, shape=(1, *info.shape[1:]))
