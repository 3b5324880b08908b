"""The analyzer of ONNX models."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.errors import AnalysisError
from lpbench.plugin.analyzer import Analysis, Analyzer
from lpbench.plugin.kit.operator_costs import analysis_of
from lpbench_ort.analysis import external, functions, order, sparse, structure, types
from lpbench_ort.analysis.infer import infer
from lpbench_ort.analysis.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.plugin.engine import Model, Shapes, TensorInfo
    from lpbench_ort.analysis.infer import Inferred

BODIES = {
    "If": "counts all branches of If, although only one of them runs",
    "Loop": "counts the body of Loop once, however often it runs",
    "Scan": "counts the body of Scan once, however often it runs",
}
"""What is said of operators with graphs inside, by type."""


class OnnxAnalyzer(Analyzer):
    """Counts what an ONNX model costs, from the structure of its graph; weights are never loaded."""

    def __init__(self, model: Model) -> None:
        self._path = model.path
        self._model = structure.read(model.path)
        self._sparse = 0
        self._guarded(self._resolve)

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The inputs as the file states them, without the weights that old files list among them."""
        weights = {name for name, _ in types.constants(self._model.graph)}
        return tuple(types.stated(info) for info in self._model.graph.input if info.name not in weights)

    def analyze(self, shapes: Shapes) -> Analysis:
        """Return what one inference costs."""
        inputs = self.inputs
        changed = any(info.shape != tuple(shapes[info.name]) for info in inputs if not info.dynamic)
        inferred = infer(self._model, {name: tuple(shape) for name, shape in shapes.items()})
        walk = Walk(inferred.tensors)
        self._guarded(lambda: walk.graph(self._model.graph))
        unknown = any(each.flop is None or not _sized(each.writes) for each in walk.operations)
        if inferred.problem and changed and unknown:
            what = f"does not fit the shapes that were asked for: {inferred.problem}"
            raise AnalysisError(what, where=str(self._path))
        return analysis_of(
            tuple(dataclasses.replace(info, shape=tuple(shapes[info.name])) for info in inputs),
            tuple(_resolved(info, inferred) for info in self._model.graph.output),
            walk.operations,
            _notes(walk, inferred, self._sparse),
        )

    def _resolve(self) -> None:
        """Make of the file's graph one of operators in order, whose weights are known to be there."""
        self._model = functions.inlined(self._model)
        order.sort(self._model.graph)
        external.refuse_missing(self._model.graph, self._path)
        self._sparse = sparse.widen(self._model.graph)

    def _guarded(self, step: Any) -> None:
        """Have an error of a step name the file."""
        try:
            step()
        except AnalysisError as error:
            error.where = error.where or str(self._path)
            raise


def _sized(operands: Any) -> bool:
    return all(operand.bytes is not None for operand in operands)


def _resolved(info: Any, inferred: Inferred) -> TensorInfo:
    stated = types.stated(info)
    tensor = inferred.tensors.get(info.name, types.UNKNOWN)
    return dataclasses.replace(stated, dtype=tensor.dtype or stated.dtype, shape=tensor.sizes or ())


def _notes(walk: Walk, inferred: Inferred, widened: int) -> Iterator[str]:
    if widened:
        yield "counts weights that are stored sparsely as if they were not"
    for kind, count in walk.bodies.items():
        if count:
            yield BODIES.get(kind, f"counts the graphs inside {kind} once")
    if used := walk.formulas & {weight.name for each in walk.operations for weight in each.reads}:
        yield f"weights that ConstantOfShape makes count as if the file stored them: {len(used)}"
    if walk.folded:
        yield f"operators that depend on constants alone run once, at the start, and are left out: {walk.folded}"
    if unsized := [each.type for each in walk.operations if not _sized(each.writes)]:
        few = ", ".join(dict.fromkeys(unsized[:5]))
        why = f": {inferred.problem}" if inferred.problem else ", perhaps because they depend on values"
        yield f"sizes are not known of what {few} write{why}; operators without known sizes: {len(unsized)}"
