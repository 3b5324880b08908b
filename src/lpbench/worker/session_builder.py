"""Opens an app's components on engines: sessions, and the processors that fit them, as one pipeline."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import merge
from lpbench.errors import EngineError, LpbenchError
from lpbench.plugin import registry
from lpbench.plugin.builtin.tensors import TensorPreprocessor, resolve_shapes
from lpbench.util import dataclass_config
from lpbench.worker.pipeline import Batches, Chain, OpenComponent, Single, Streams
from lpbench.worker.samples import InRegion
from lpbench.worker.source_tensors import SourceTensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.app.model import App, Component, Step
    from lpbench.plugin.engine import Model, Session, Shapes, TensorInfo
    from lpbench.plugin.processor import Postprocessor, Preprocessor
    from lpbench.plugin.specs import EngineSpec, ProcessorSpec
    from lpbench.worker.pipeline import Pipeline

Open = Callable[..., "Session"]
"""An engine's ``open`` with its model and config bound."""


@dataclass(frozen=True)
class Opener:
    """All that opening one component takes.

    :param model: The one that was chosen.
    :param opens: Opens it.
    :param engine: Name of the engine; empty where one was handed over.
    :param shapes: Of inputs with open dimensions.
    :param batch: Samples that the model is to take at a time.
    """

    component: Component
    app: App
    model: Model
    opens: Open
    shapes: Shapes
    engine: str = ""
    profile: bool = False
    batch: int = 1

    def session(self) -> Session:
        """Open the model.

        :raises EngineError: It cannot be opened so.
        """
        opens, shapes = self.opens, {} if self.model.provenance else self.shapes  # they were settled by converting
        if self.batch == 1:
            return opens(shapes=shapes, profile=self.profile)
        with opens(shapes=shapes) as looked_at:
            single = resolve_shapes(looked_at.inputs, shapes)
        found = opens(shapes={name: (self.batch, *shape[1:]) for name, shape in single.items()}, profile=self.profile)
        try:
            _refuse_other_batch(found.inputs, self.batch)
        except EngineError:
            found.close()
            raise
        return found

    def part(self, session: Session) -> OpenComponent:
        """Build the processors around a session; those see one sample at a time."""
        model = self.model
        inputs, outputs = merge(session.inputs, model.inputs), merge(session.outputs, model.outputs)
        if self.batch > 1:
            inputs, outputs = (tuple(map(_of_one, each)) for each in (inputs, outputs))
        pre, pre_config = _processor(registry.PREPROCESSORS, self.component.preprocessing)
        post, post_config = _processor(registry.POSTPROCESSORS, self.component.postprocessing)
        if pre is TensorPreprocessor and model.provenance:
            pre = SourceTensors
        built: Preprocessor[Any] = pre(pre_config, inputs)
        first = self.component is self.app.components[0]
        reads = InRegion(built) if self.app.decode_in_region and first else built
        labels = self.app.labels if self.component.labels is None else self.component.labels
        after: Postprocessor[Any] = post(post_config, outputs, labels)
        return OpenComponent(self.component.name, session, reads, after, self.engine)

    def single(self, session: Session) -> Single:
        """Return a pipeline of this component alone, which closes the session."""
        try:
            part = self.part(session)
        except BaseException:
            session.close()
            raise
        return Single(part) if self.batch == 1 else Batches(part, self.batch)


def opened(openers: Sequence[Opener], streams: int, engine: str) -> tuple[Pipeline, int]:
    """Return the open pipeline, and the nanoseconds that its sessions took to open.

    :param engine: The one that was asked for, of a chain that has several.
    :raises LpbenchError: One of them cannot be opened; those before it are closed.
    """
    first, *later = openers
    if streams > 1:
        return _side_by_side(first, streams)
    begun = time.perf_counter_ns()
    if not later:
        session = first.session()
        spent = time.perf_counter_ns() - begun
        return first.single(session), spent
    sessions: list[Session] = []
    try:
        for each in openers:
            sessions.append(each.session())  # noqa: PERF401 - those opened before an error are closed
        spent = time.perf_counter_ns() - begun
        return Chain([each.part(session) for each, session in zip(openers, sessions, strict=True)], engine), spent
    except BaseException:
        for session in sessions:
            session.close()
        raise


def _side_by_side(opener: Opener, streams: int) -> tuple[Pipeline, int]:
    spent: list[int] = []

    def build() -> Single:
        begun = time.perf_counter_ns()
        session = opener.session()
        spent.append(time.perf_counter_ns() - begun)
        return opener.single(session)

    return Streams(build, streams), max(spent)


def components_of(pipeline: Pipeline) -> tuple[OpenComponent, ...]:
    """Return the components that are open; of streams, those of the first."""
    if isinstance(pipeline, Chain):
        return pipeline.parts
    if isinstance(pipeline, Streams):
        return (pipeline.first,)
    assert isinstance(pipeline, Single)  # noqa: S101 - there is no other
    return (pipeline.part,)


def engine_opener(spec: EngineSpec, model: Model, options: Mapping[str, Any], *, exposed: bool = False) -> Open:
    """Return what opens a model on an engine, which is imported now.

    :param exposed: Whether every intermediate tensor is to be among the outputs.
    :raises LpbenchError: The engine is not ready, or has no such options.
    """
    from lpbench.plugin.specs import load

    available = spec.availability()
    if not available:
        raise EngineError(f'engine "{spec.name}" is not ready: {available.reason}', hint=available.hint)
    kind = load(spec.config, who=spec.name) if spec.config else None
    settings = dataclass_config.build(kind, options, where=f"options of {spec.name}") if kind else None
    engine = spec.load()()
    return functools.partial(engine.open_exposed if exposed else engine.open, model, settings)


def _processor(kind: registry.Kind[ProcessorSpec], step: Step) -> tuple[Any, Any]:
    """Return a processor's class and its config."""
    from lpbench.plugin.specs import load

    spec = registry.current().get(kind, step.type).spec
    available = spec.availability()
    if not available:
        raise LpbenchError(f'{kind.word} "{spec.name}" is not ready: {available.reason}', hint=available.hint)
    where = f"config of {kind.word} {spec.name}"
    return spec.load(), dataclass_config.build(load(spec.config, who=spec.name), step.config, where=where)


def _refuse_other_batch(inputs: Sequence[TensorInfo], batch: int) -> None:
    for each in inputs:
        if each.shape[:1] != (batch,) and 0 not in each.dynamic:
            raise EngineError(
                f'input "{each.name}" {list(each.shape)} does not take {batch} samples at a time',
                hint="leave --batch out, or export the model with an open first dimension",
            )


def _of_one(info: TensorInfo) -> TensorInfo:
    return dataclasses.replace(info, shape=(1, *info.shape[1:]))
