"""Counts what an inference of a network of ncnn costs, from its .param, the tags in its .bin, and a run for shapes."""

from __future__ import annotations

import dataclasses
from math import prod
from typing import TYPE_CHECKING, Any

import ncnn
import numpy as np

from lpbench.errors import AnalysisError, EngineError
from lpbench.plugin.analyzer import Analysis, Analyzer
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.kit import operator_costs as costs
from lpbench.plugin.kit.operator_costs import Operand, Operation
from lpbench_ncnn import _infer, _param, _shapes, _storage, _weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lpbench.plugin.engine import Model, Shapes
    from lpbench_ncnn._infer import Shape
    from lpbench_ncnn._param import Graph, Layer
    from lpbench_ncnn._shapes import Plan
    from lpbench_ncnn._storage import Stored

    Sizes = Mapping[str, Shape | None]
    Rule = Callable[["Layer", list["Shape"], list["Shape"]], "int | None"]

SOURCES = frozenset({"Input", "Split", _storage.CONSTANT})
"""Layers that stand for tensors: ncnn splits a tensor that several layers read, without copying it."""


class NcnnAnalyzer(Analyzer):
    """Reads the layers; shapes that the rules do not tell are those of a run with zeros."""

    def __init__(self, model: Model) -> None:
        """Read the .param.

        :raises AnalysisError: It is damaged, or its .bin is missing or too short.
        """
        self._model = model
        try:
            self._graph = _param.read(model.path)
            self._path = _weights.find(model, self._graph)
            _weights.check(self._graph, self._path)
            self._stored, self._rest = self._arrays()
        except EngineError as error:
            raise self._failed(error) from error
        except ValueError as error:
            hint = "the .bin belongs to another .param, or it is truncated: fetch both again"
            raise AnalysisError(str(error), where=str(model.path), hint=hint) from error

    def _arrays(self) -> tuple[list[list[Stored]], int]:
        if not self._path.is_file():
            return [[] for _ in self._graph.layers], 0
        with self._path.open("rb") as file:
            return _storage.stored(self._graph.layers, file)

    def _failed(self, error: EngineError) -> AnalysisError:
        return AnalysisError(error.what, where=error.where or str(self._model.path), hint=error.hint)

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The inputs, as the app or the Input lines state them; one of which neither does has the shape ``()``."""
        return _shapes.stated_inputs(self._graph, self._model)

    def analyze(self, shapes: Shapes) -> Analysis:
        """Return what one inference costs.

        :raises AnalysisError: A shape is missing, or does not fit the network.
        """
        wanted = {name: shape for name, shape in shapes.items() if shape}
        # what the app states of outputs, and the file of inputs, is of the model's own shapes
        model, graph = dataclasses.replace(self._model, outputs=()), _reopened(self._graph, wanted)
        try:
            plan = _shapes.plan(graph, model, wanted)
        except EngineError as error:
            raise self._failed(error) from error
        sizes = dict(_infer.shapes(self._graph, plan.inner))
        if None in sizes.values():
            sizes |= _run(self._graph, self._model, self._path, plan, [name for name in sizes if sizes[name] is None])
        operations = tuple(_operations(self._graph, self._stored, sizes))
        outputs = tuple(_output(info, sizes, batched=plan.batched) for info in plan.outputs)
        return costs.analysis_of(plan.inputs, outputs, operations, self._notes())

    def _notes(self) -> Iterator[str]:
        if self._rest:
            yield f"leaves out {self._rest} bytes of the .bin, of layers whose weights are not known"


def _reopened(graph: Graph, wanted: Shapes) -> Graph:
    """Return a network whose inputs take the shapes that are asked for."""
    layers = (
        dataclasses.replace(layer, params={}) if layer.type == "Input" and layer.tops[0] in wanted else layer
        for layer in graph.layers
    )
    return dataclasses.replace(graph, layers=tuple(layers))


def _output(info: TensorInfo, sizes: Sizes, *, batched: bool) -> TensorInfo:
    shape = sizes.get(info.name)
    outer: tuple[int | None, ...] = () if shape is None else (1, *shape) if batched else shape
    return TensorInfo(info.name, info.dtype, info.shape or outer)


def _run(graph: Graph, model: Model, weights: Any, plan: Plan, wanted: Sequence[str]) -> dict[str, Shape | None]:
    """Return the shapes of tensors that one inference of zeros gives; of what ncnn cannot compute, None."""
    net = ncnn.Net()
    net.opt.lightmode, net.opt.num_threads, net.opt.use_packing_layout = False, 1, False
    known = not graph.unknown(lambda kind: ncnn.layer_to_index(kind) >= 0)
    found: dict[str, Shape | None] = {}
    try:
        if not known or net.load_param(str(model.path)):
            return found
        _weights.load(net, model, weights)
        extractor = net.create_extractor()
        for name, shape in plan.inner.items():
            mat = ncnn.Mat(shape[::-1])  # of ncnn's own memory: it does not keep an array of numpy's
            mat.numpy()[...] = 0
            extractor.input(name, mat)
        for name in wanted:
            code, mat = extractor.extract(name)
            found[name] = None if code else np.array(mat).shape
        del extractor
    except EngineError:
        return found
    finally:
        net.clear()
    return found


def _operations(graph: Graph, stored: Sequence[Sequence[Stored]], sizes: Sizes) -> Iterator[Operation]:
    same: dict[str, str] = {}
    constants: dict[str, tuple[Operand, ...]] = {}
    for number, (layer, arrays) in enumerate(zip(graph.layers, stored, strict=True)):
        weights = tuple(_weight(number, at, each) for at, each in enumerate(arrays))
        if layer.type == "Split":
            same |= {name: same.get(layer.bottoms[0], layer.bottoms[0]) for name in layer.tops if layer.bottoms}
            continue
        if layer.type == _storage.CONSTANT:
            constants |= dict.fromkeys(layer.tops, weights)
            continue
        if layer.type in SOURCES:
            continue
        names = [same.get(name, name) for name in layer.bottoms]
        reads = [operand for name in names for operand in constants.get(name) or (_tensor(name, sizes),)]
        flop = _flop(layer, [sizes.get(name) for name in names], [sizes.get(name) for name in layer.tops])
        writes = tuple(_tensor(name, sizes) for name in layer.tops)
        yield Operation(layer.name, layer.type, flop, (*reads, *weights), writes)


def _weight(layer: int, at: int, stored: Stored) -> Operand:
    role = "learned" if stored.array.learned else "stored"
    return Operand(f"\0{layer} {at}", (stored.array.count,), stored.dtype, role)  # type: ignore[arg-type] # a choice of two of its words


def _tensor(name: str, sizes: Sizes) -> Operand:
    return Operand(name, sizes.get(name), "float32")


def _flop(layer: Layer, inputs: list[Shape | None], outputs: list[Shape | None]) -> int | None:
    rule = RULES.get(layer.type)
    if rule is None:
        return 0 if layer.type in WITHOUT else costs.without_products(layer.type)
    if None in inputs or None in outputs:
        return None
    try:
        return rule(layer, [shape for shape in inputs if shape], [shape for shape in outputs if shape])
    except (IndexError, ZeroDivisionError):  # it reads less than the rule needs
        return None


def _convolution(layer: Layer, _: list[Shape], outputs: list[Shape]) -> int | None:
    """Each output takes as many multiplications as there are weights for an output channel."""
    if layer.integer(19) or layer.integer(28):  # the weights are computed
        return None
    return costs.convolution(outputs[0], (layer.integer(6) // layer.integer(0),), 1)


def _deconvolution(layer: Layer, inputs: list[Shape], _: list[Shape]) -> int | None:
    return costs.transposed_convolution(inputs[0], (layer.integer(6) // inputs[0][0],), 1)


def _inner_product(layer: Layer, _: list[Shape], outputs: list[Shape]) -> int | None:
    return costs.matrix_product(outputs[0], layer.integer(2) // layer.integer(0))


def _gemm(layer: Layer, inputs: list[Shape], outputs: list[Shape]) -> int | None:
    depth = layer.integer(9) or (inputs[0][0] if layer.integer(2) else inputs[0][-1])
    return costs.matrix_product(outputs[0], depth)


def _matmul(_: Layer, inputs: list[Shape], outputs: list[Shape]) -> int | None:
    return costs.matrix_product(outputs[0], inputs[0][-1])


def _recurrent(layer: Layer, inputs: list[Shape], _: list[Shape]) -> int | None:
    """Each step multiplies by every matrix once; the second array are biases."""
    arrays = [array.count for array in _storage.recurrent_arrays(layer) if array.learned]
    return 2 * inputs[0][0] * (sum(arrays) - arrays[1])


def _attention(layer: Layer, inputs: list[Shape], _: list[Shape]) -> int | None:
    """Projections of queries, keys, values and outputs, and the two products between them."""
    query, key = inputs[0], inputs[1 if len(inputs) > 1 else 0]
    width = layer.integer(0)
    projections = width * (2 * prod(query) + key[0] * (layer.integer(3, width) + layer.integer(4, width)))
    return 2 * (projections + 2 * query[0] * key[0] * width)


def _products(_: Layer, inputs: list[Shape], outputs: list[Shape]) -> int | None:
    """Return the operations of queries with keys, and of the result with values."""
    return 2 * (prod(inputs[0]) + prod(outputs[0])) * inputs[1][-2]


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(
        (
            *("Convolution", "ConvolutionDepthWise", "Convolution1D", "ConvolutionDepthWise1D", "Convolution3D"),
            *("ConvolutionDepthWise3D", "DeformableConv2D"),
        ),
        _convolution,
    ),
    **dict.fromkeys(("Deconvolution", "DeconvolutionDepthWise", "Deconvolution1D", "Deconvolution3D"), _deconvolution),
    "InnerProduct": _inner_product,
    "Gemm": _gemm,
    "MatMul": _matmul,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _recurrent),
    "MultiHeadAttention": _attention,
    "SDPA": _products,
}
"""Rules of the layers with products of matrices."""
WITHOUT = frozenset(
    (
        *("CopyTo", "CumulativeSum", "DeepCopy", "DetectionOutput", "Diag", "Embed", "Fold", "GLU", "Reorg"),
        *("RotaryEmbed", "Unfold"),
    )
)
"""Layers without products of matrices that the shared rules do not know."""
