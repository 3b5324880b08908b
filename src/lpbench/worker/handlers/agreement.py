"""Everything that sessions put out, for engines and conversions to be compared by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import WorkerError
from lpbench.util.jsonable import to_jsonable
from lpbench.worker.handlers.quality import PREDICTIONS
from lpbench.worker.intermediate import Exposed, numbers
from lpbench.worker.requests import ExposedTensors, KeptInputs, RawOutputs, SampleNumbers, TensorBlock
from lpbench.worker.session_builder import components_of
from lpbench.worker.tensor_wire import collect, keep_feeds

if TYPE_CHECKING:
    from lpbench.worker.open_app import OpenApp
    from lpbench.worker.requests import CollectNumbers, CollectOutputs, ExposeTensors, KeepInputs, SendTensors


class AgreementHandlers:
    """Returns tensors: of samples, component by component, and from inside a model."""

    def __init__(self, app: OpenApp) -> None:
        self._app = app
        self._exposed: Exposed | None = None

    def outputs(self, request: CollectOutputs) -> RawOutputs:
        """Return everything that the first component puts out for each sample."""
        part = self._app.component
        samples = self._app.samples.each(0 if request.given else request.limit or PREDICTIONS)
        record, block = collect(
            part.session,
            part.pre,
            part.post,
            samples,
            given=list(map(Path, request.given)),
            keep=Path(request.keep) if request.keep else None,
        )
        return RawOutputs(tuple(to_jsonable(record["samples"])), block)

    def keep_inputs(self, request: KeepInputs) -> KeptInputs:
        """Write what the first component gets for each sample into files."""
        pre = self._app.component.pre
        samples = self._app.samples.each(request.limit or PREDICTIONS)
        return KeptInputs(keep_feeds(pre, samples, Path(request.folder)))

    def numbers(self, request: CollectNumbers) -> SampleNumbers:
        """Return what every component puts out for one sample."""
        parts, sample = components_of(self._app.pipeline), self._app.samples.at(request.index)
        keep = Path(request.keep) if request.keep else None
        record, block = numbers(parts, sample, keep=keep, given=request.given)
        visits, given = (tuple(to_jsonable(record[name])) for name in ("visits", "given"))
        return SampleNumbers(record["sample"], visits, given, block)

    def expose(self, request: ExposeTensors) -> ExposedTensors:
        """Run a model that shows every intermediate tensor, once."""
        self._exposed = Exposed(
            engine=request.engine,
            options=request.options,
            model=request.model,
            shapes=request.shapes,
            feeds=request.feeds,
        )
        self._app.when_closing(self._exposed.close)
        described = to_jsonable(self._exposed.describe())
        return ExposedTensors(tuple(described["tensors"]), described["makers"], described["version"])

    def tensors(self, request: SendTensors) -> TensorBlock:
        """Return some of the tensors that the model showed."""
        if self._exposed is None:
            raise WorkerError("no model was opened to show its tensors")
        record, block = self._exposed.take(request.names)
        return TensorBlock(tuple(record["tensors"]), block)
