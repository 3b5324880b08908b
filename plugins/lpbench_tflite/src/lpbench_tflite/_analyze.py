"""Counts what an inference of a TFLite model costs, from its file; LiteRT infers shapes that the file does not have."""

from __future__ import annotations

import dataclasses
import importlib
from math import prod
from typing import TYPE_CHECKING, Any

from lpbench.errors import AnalysisError, EngineError
from lpbench.plugin.analyzer import Analysis, Analyzer
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.kit import operator_costs as costs
from lpbench.plugin.kit import tflite_file, tflite_layers
from lpbench.plugin.kit.operator_costs import Operand, Operation
from lpbench_tflite._library import library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lpbench.plugin.engine import Model, Shapes
    from lpbench.plugin.kit.tflite_layers import Layer, LayerGraph

    Shape = tuple[int, ...]
    Sizes = Sequence[Shape | None]
    """The shapes of what an operator reads or writes; None where one is not known."""
    Rule = Callable[["Reads"], "int | None"]

BRANCHES = frozenset({"IF", "WHILE", "CALL", "CALL_ONCE", "STABLEHLO_WHILE", "STABLEHLO_CASE", "STABLEHLO_COMPOSITE"})
"""Operators that run other graphs of the file."""
FLOATS = frozenset({"float64", "float32", "float16", "bfloat16"})
SCHEMA: Any = importlib.import_module("ai_edge_litert.schema_py_generated")
"""The schema of the format, as LiteRT brings it."""
NAMES = {value: name for name, value in vars(SCHEMA.BuiltinOperator).items() if not name.startswith("_")}


class TfliteAnalyzer(Analyzer):
    """Reads the graph of the file's only signature, or its first graph."""

    def __init__(self, model: Model) -> None:
        """Read the operators of a file.

        :raises AnalysisError: It is not a TFLite file, or damaged.
        """
        self._path = model.path
        try:
            self._graphs = tflite_layers.read(model.path)
            signatures = tflite_file.read(model.path).signatures
        except EngineError as error:
            raise AnalysisError(error.what, where=error.where or str(model.path), hint=error.hint) from error
        self._number = signatures[0].graph if len(signatures) == 1 else 0
        self._signatures = [signature.key for signature in signatures]
        graph = self._graphs[self._number]
        inputs = tflite_file.distinct([graph.tensors[at].name for at in graph.inputs], "input")
        outputs = tflite_file.distinct([graph.tensors[at].name for at in graph.outputs], "output")
        self._names = {**dict(zip(graph.inputs, inputs, strict=True)), **dict(zip(graph.outputs, outputs, strict=True))}

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The inputs; open dimensions are None."""
        graph = self._graphs[self._number]
        return tuple(self._info(at, graph.tensors[at].sizes) for at in graph.inputs)

    def analyze(self, shapes: Shapes) -> Analysis:
        """Return what one inference costs.

        :raises AnalysisError: LiteRT refuses the shapes, or they are for another graph than the file's first.
        """
        graph = self._sized({name: tuple(shape) for name, shape in shapes.items()})
        operations = list(_Operations(graph, self._names))
        inputs, outputs = (
            tuple(self._info(at, graph.tensors[at].sizes) for at in side) for side in (graph.inputs, graph.outputs)
        )
        return costs.analysis_of(inputs, outputs, operations, self._notes(graph))

    def _info(self, at: int, sizes: tuple[int | None, ...]) -> TensorInfo:
        layout = "NHWC" if len(sizes) == 4 else ""  # noqa: PLR2004 - an image's
        return TensorInfo(self._names[at], self._graphs[self._number].tensors[at].dtype, sizes, layout)

    def _sized(self, shapes: Mapping[str, Shape]) -> LayerGraph:
        """Return the graph with the shapes of all tensors for these inputs."""
        graph = self._graphs[self._number]
        by_name = {self._names[at]: at for at in graph.inputs}
        asked = {by_name[name]: shape for name, shape in shapes.items() if name in by_name}
        if all(graph.tensors[at].shape == shape for at, shape in asked.items()):
            # open dimensions have the sizes that the file was saved with, and what follows from them
            closed = tuple(dataclasses.replace(tensor, open=()) for tensor in graph.tensors)
            return dataclasses.replace(graph, tensors=closed)
        if self._number:
            what = "the shapes of a graph behind a signature are those that the file was saved with"
            raise AnalysisError(
                what, where=str(self._path), hint="leave the shapes out, or export it as a file of its own"
            )
        return _resized(graph, self._resized(asked))

    def _resized(self, asked: Mapping[int, Shape]) -> dict[int, Shape]:
        """Return the shapes of the first graph's tensors as LiteRT infers them."""
        api = library().api
        try:
            interpreter = api.Interpreter(
                model_path=str(self._path),
                experimental_op_resolver_type=api.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
            for at, shape in asked.items():
                interpreter.resize_tensor_input(at, list(shape))
            interpreter.allocate_tensors()
            return {int(each["index"]): tuple(map(int, each["shape"])) for each in interpreter.get_tensor_details()}
        except (ValueError, RuntimeError) as error:
            wanted = ", ".join(f"{self._names[at]}={'x'.join(map(str, shape))}" for at, shape in asked.items())
            raise AnalysisError(
                f"LiteRT does not accept {wanted}: {' '.join(str(error).split())}",
                where=str(self._path),
                hint="give the shapes that the model was made for",
            ) from error

    def _notes(self, graph: LayerGraph) -> Iterator[str]:
        if len(self._signatures) > 1:
            yield f"counts the first graph; the signatures are {', '.join(self._signatures)}"
        if any(tensor.sparse for tensor in graph.tensors):
            yield "counts weights that are stored sparsely as if they were not"
        if branches := sorted({_type(layer) for layer in graph.layers} & BRANCHES):
            yield f"leaves out the graphs that {', '.join(branches)} run"


def _resized(graph: LayerGraph, found: Mapping[int, Shape]) -> LayerGraph:
    tensors = (
        dataclasses.replace(tensor, shape=found.get(at, tensor.shape), open=())
        for at, tensor in enumerate(graph.tensors)
    )
    return dataclasses.replace(graph, tensors=tuple(tensors))


class Reads:
    """What the rule of an operator needs: the shapes of what it reads and writes, and its options."""

    def __init__(self, graph: LayerGraph, layer: Layer) -> None:
        self._graph, self._layer = graph, layer

    def shape(self, position: int) -> Shape:
        """Return the shape of an input.

        :raises IndexError: The operator does not have it.
        """
        at = self._layer.inputs[position]
        if at < 0:
            raise IndexError(position)
        return self._graph.tensors[at].shape

    @property
    def output(self) -> Shape:
        """The shape of the first output."""
        return self._graph.tensors[self._layer.outputs[0]].shape

    @property
    def matrices(self) -> list[Shape]:
        """The shapes of constant matrices."""
        tensors = (self._graph.tensors[at] for at in self._layer.inputs if at >= 0)
        return [tensor.shape for tensor in tensors if tensor.constant and len(tensor.shape) == 2]  # noqa: PLR2004

    def option(self, slot: int) -> int:
        """Return an option of one byte."""
        return self._layer.options.scalar(slot, "b") if self._layer.options else 0


def _batch_matmul(reads: Reads) -> int | None:
    transposed = reads.option(0)
    return costs.matrix_product(reads.output, reads.shape(0)[-2 if transposed else -1])


def _recurrent(reads: Reads) -> int | None:
    """Each step multiplies a vector by each matrix."""
    return 2 * prod(reads.shape(0)[:-1]) * sum(map(prod, reads.matrices))


RULES: Mapping[str, Rule] = {
    # weights are (out, height, width, in of one group), of depthwise convolutions (1, height, width, out)
    "CONV_2D": lambda reads: costs.convolution(reads.output, reads.shape(1)[1:3], reads.shape(1)[3]),
    "DEPTHWISE_CONV_2D": lambda reads: costs.convolution(reads.output, reads.shape(1)[1:3], 1),
    # (depth, height, width, in, out)
    "CONV_3D": lambda reads: costs.convolution(reads.output, reads.shape(1)[:3], reads.shape(1)[3]),
    # the shape of the output comes first: (out, height, width, in), and (depth, height, width, out, in)
    "TRANSPOSE_CONV": lambda reads: costs.transposed_convolution(
        reads.shape(2), reads.shape(1)[1:3], reads.shape(1)[0]
    ),
    # (out, height, width, in); an operator of MediaPipe
    "Convolution2DTransposeBias": lambda reads: costs.transposed_convolution(
        reads.shape(0), reads.shape(1)[1:3], reads.shape(1)[0]
    ),
    "CONV_3D_TRANSPOSE": lambda reads: costs.transposed_convolution(
        reads.shape(2), reads.shape(1)[:3], reads.shape(1)[3]
    ),
    "FULLY_CONNECTED": lambda reads: costs.matrix_product(reads.output, reads.shape(1)[1]),
    "BATCH_MATMUL": _batch_matmul,
    **dict.fromkeys(
        (
            *("LSTM", "RNN", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN"),
            *("BIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_RNN"),
        ),
        _recurrent,
    ),
}
"""Rules of the operators with products of matrices."""
WITHOUT = frozenset(
    {"DILATE", "MATRIX_DIAG", "MATRIX_SET_DIAG", "SEGMENT_SUM", "TFLite_Detection_PostProcess", "TOPK_V2"}
)
"""Operators without products of matrices that the shared rules do not know."""


def _type(layer: Layer) -> str:
    return layer.custom or NAMES.get(layer.code, f"operator {layer.code}")


class _Operations:
    """The operators that run at each inference; those that read constants alone are left out.

    What such an operator writes is a constant: its readers read the operator's own constants.
    """

    def __init__(self, graph: LayerGraph, names: Mapping[int, str]) -> None:
        self._graph, self._names = graph, names
        self._fixed: dict[int, tuple[Operand, ...]] = {}

    def __iter__(self) -> Iterator[Operation]:
        for layer in self._graph.layers:
            reads = [at for at in layer.inputs if at >= 0]
            if reads and all(map(self._is_fixed, reads)) and _type(layer) not in BRANCHES:
                constants = {operand.name: operand for at in reads for operand in self._operands(layer, at)}
                self._fixed |= dict.fromkeys(layer.outputs, tuple(constants.values()))
                continue
            operands = tuple(operand for at in reads for operand in self._operands(layer, at))
            writes = tuple(self._activation(at) for at in layer.outputs if at >= 0)
            yield Operation(self._graph.name(layer), _type(layer), self._flop(layer), operands, writes)

    def _flop(self, layer: Layer) -> int | None:
        kind = _type(layer)
        if kind in BRANCHES:
            return None
        if kind not in RULES:
            return 0 if kind in WITHOUT else costs.without_products(kind)
        try:
            return RULES[kind](Reads(self._graph, layer))
        except IndexError:  # it lacks an input, or that has fewer dimensions than the operator needs
            return None

    def _is_fixed(self, at: int) -> bool:
        return at in self._fixed or self._graph.tensors[at].constant

    def _operands(self, layer: Layer, at: int) -> tuple[Operand, ...]:
        if at in self._fixed:
            return self._fixed[at]
        tensor = self._graph.tensors[at]
        if not tensor.constant:
            return (self._activation(at),)
        weight = tensor.dtype in FLOATS or tensor.quantised  # or else a shape, an axis
        if not weight or (_type(layer) not in RULES and prod(tensor.shape) <= 1):
            return ()
        return (Operand(f"\0buffer {tensor.buffer}", tensor.shape, tensor.dtype, "learned"),)

    def _activation(self, at: int) -> Operand:
        tensor: Any = self._graph.tensors[at]
        return Operand(self._names.get(at, f"\0{at}"), tensor.shape, tensor.dtype)
