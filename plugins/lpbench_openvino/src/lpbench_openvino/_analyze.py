"""Counts what an inference of a model in OpenVINO's format costs; OpenVINO itself reads it and infers the shapes."""

from __future__ import annotations

import contextlib
import dataclasses
from math import prod
from typing import TYPE_CHECKING, Any

import openvino

from lpbench.errors import AnalysisError, EngineError
from lpbench.plugin.analyzer import Analysis, Analyzer
from lpbench.plugin.kit import operator_costs as costs
from lpbench.plugin.kit.operator_costs import Operand, Operation
from lpbench_openvino import _model, _ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lpbench.plugin.engine import Model, Shapes, TensorInfo

    Shape = tuple[int, ...]
    Port = tuple[str, int]
    """A node's name, unique in the network, and the number of its output."""
    Rule = Callable[["Node"], "int | None"]

TYPES = {**_ports.TYPES, "u1": "uint2", "u2": "uint2", "u4": "uint4", "i4": "int4"}
"""numpy's or ml_dtypes' names of OpenVINO's element types; single bits take two here."""
FLOATS = frozenset({"float64", "float32", "float16", "bfloat16"})
QUANTISED = frozenset({"int8", "uint8", "int4", "uint4", "uint2", "float8_e4m3fn", "float8_e5m2"})
"""Types of constants that are weights; wider integers are shapes and axes."""
ENDS = frozenset({"Parameter", "Result"})
BODIES = frozenset({"If", "Loop", "TensorIterator"})
"""Operators that run other graphs of the file."""


class OpenvinoAnalyzer(Analyzer):
    """Reads the network with OpenVINO."""

    def __init__(self, model: Model) -> None:
        """Read the files.

        :raises AnalysisError: OpenVINO cannot read them.
        """
        self._model = model
        with self._naming():
            self._network, self._stated = _model.read(openvino.Core(), model)
            self._inputs = _ports.inputs(self._network, self._stated)

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        """Make errors of the engine's, and names that are not UTF-8, errors that name the file."""
        try:
            yield
        except EngineError as error:
            raise AnalysisError(error.what, where=error.where or str(self._model.path), hint=error.hint) from error
        except UnicodeDecodeError as error:  # the library hands out names as they are
            what = f"a text in it is not UTF-8: {error}"
            raise AnalysisError(what, where=str(self._model.path), hint="fetch or convert it again") from error

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The inputs; open dimensions are None."""
        return self._inputs

    def analyze(self, shapes: Shapes) -> Analysis:
        """Return what one inference costs.

        :raises AnalysisError: OpenVINO refuses the shapes.
        """
        network = self._network
        ports = zip(network.inputs, self._inputs, strict=True)
        wanted = {port: list(shapes[info.name]) for port, info in ports if shapes.get(info.name)}
        with self._naming():
            try:
                network.reshape(wanted)
            except RuntimeError as error:
                raise _ports.unfit(shapes, error) from error
            inputs, outputs = _ports.inputs(network, self._stated), _ports.outputs(network, self._stated)
            operations = tuple(_Graph(network, [info.name for info in inputs], [info.name for info in outputs]))
        return costs.analysis_of(inputs, outputs, operations, _notes(network))


def _notes(network: Any) -> Iterator[str]:
    if bodies := sorted({str(node.get_type_name()) for node in network.get_ops()} & BODIES):
        yield f"leaves out the graphs that {', '.join(bodies)} run"


class Node:
    """An operator with the shapes of what it reads and writes."""

    def __init__(self, node: Any) -> None:
        self.type, self.name = str(node.get_type_name()), str(node.get_friendly_name())
        self._node = node

    def shape(self, position: int) -> Shape:
        """Return the shape of an input.

        :raises LookupError: The operator does not have it, or a size is not known.
        """
        if position >= self._node.get_input_size():
            raise IndexError(position)
        found = _shape(self._node.input(position))
        if found is None:
            raise LookupError(position)
        return found

    @property
    def output(self) -> Shape:
        """The shape of the first output.

        :raises LookupError: A size is not known.
        """
        found = _shape(self._node.output(0))
        if found is None:
            raise LookupError(0)
        return found

    def attribute(self, name: str) -> Any:
        """Return an attribute; None if the operator does not have it."""
        return self._node.get_attributes().get(name)


def _shape(port: Any) -> Shape | None:
    partial = port.get_partial_shape()
    return tuple(map(int, partial.to_shape())) if partial.is_static else None


def _matmul(node: Node) -> int | None:
    left = node.shape(0)
    inner = left[-2] if node.attribute("transpose_a") and len(left) > 1 else left[-1]
    return costs.matrix_product(node.output, inner)


def _recurrent(gates: int) -> Rule:
    """Return the rule of a recurrent layer or cell, whose input is (batch, steps, size) or (batch, size)."""

    def rule(node: Node) -> int | None:
        *rows, size = node.shape(0)
        directions = 2 if node.attribute("direction") == "bidirectional" else 1
        hidden = int(node.attribute("hidden_size"))
        return costs.recurrent(gates, prod(rows) * directions * hidden, size, hidden)

    return rule


def _attention(node: Node) -> int | None:
    """Return the operations of queries with keys, and of the result with values."""
    return 2 * (prod(node.shape(0)) + prod(node.output)) * node.shape(1)[-2]


RULES: Mapping[str, Rule] = {
    # weights are (out, in, ...), of groups (groups, out, in, ...)
    "Convolution": lambda node: costs.convolution(node.output, node.shape(1)[2:], node.shape(1)[1]),
    "BinaryConvolution": lambda node: costs.convolution(node.output, node.shape(1)[2:], node.shape(1)[1]),
    "DeformableConvolution": lambda node: costs.convolution(node.output, node.shape(2)[2:], node.shape(2)[1]),
    "GroupConvolution": lambda node: costs.convolution(node.output, node.shape(1)[3:], node.shape(1)[2]),
    # (in, out, ...), of groups (groups, in, out, ...)
    "ConvolutionBackpropData": lambda node: costs.transposed_convolution(
        node.shape(0), node.shape(1)[2:], node.shape(1)[1]
    ),
    "GroupConvolutionBackpropData": lambda node: costs.transposed_convolution(
        node.shape(0), node.shape(1)[3:], node.shape(1)[2]
    ),
    "MatMul": _matmul,
    "ScaledDotProductAttention": _attention,
    **{f"LSTM{kind}": _recurrent(4) for kind in ("Cell", "Sequence")},
    **{f"GRU{kind}": _recurrent(3) for kind in ("Cell", "Sequence")},
    **{f"RNN{kind}": _recurrent(1) for kind in ("Cell", "Sequence")},
}
"""Rules of the operators with products of matrices."""
STATISTICS = {"BatchNormInference": (3, 4)}
"""Inputs that training does not fit: mean and variance."""
WITHOUT = frozenset(
    (
        *(
            "Bucketize",
            "CTCGreedyDecoder",
            "DetectionOutput",
            "EmbeddingBagOffsetsSum",
            "Eye",
            "GridSample",
            "HSigmoid",
        ),
        *("HSwish", "PriorBoxClustered", "RegionYolo", "ReorgYolo", "RMS"),
    )
)
"""Operators without products of matrices that the shared rules do not know."""


class _Graph:
    """The operators that run at each inference; those that read constants alone are left out.

    What such an operator writes is a constant: its readers read the operator's own constants.  Of the constants behind
    one weight, the largest is what was learned; others are scales and zero points.

    :param inputs: Names of the inputs, as the analysis has them; likewise the outputs.
    """

    def __init__(self, network: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self._nodes = network.get_ordered_ops()
        self._fixed: dict[Port, tuple[Operand, ...]] = {}
        self._names: dict[Port, str] = {}
        for port, name in zip(network.inputs, inputs, strict=True):
            self._names[_port(port)] = name
        for port, name in zip(network.outputs, outputs, strict=True):
            self._names.setdefault(_port(port.get_node().input_value(0)), name)

    def __iter__(self) -> Iterator[Operation]:
        for node in self._nodes:
            kind, sources = str(node.get_type_name()), node.input_values()
            if kind in ENDS:
                continue
            if kind == "Constant":
                self._fixed[_port(node.output(0))] = _constant(node)
            elif kind == "ShapeOf" and _shape(sources[0]) is not None:
                self._fixed[_port(node.output(0))] = ()
            elif sources and all(_port(source) in self._fixed for source in sources):
                folded = {operand.name: operand for source in sources for operand in self._fixed[_port(source)]}
                self._fixed |= {_port(output): tuple(folded.values()) for output in node.outputs()}
            else:
                reads = (operand for at, source in enumerate(sources) for operand in self._operands(kind, at, source))
                writes = tuple(map(self._activation, node.outputs()))
                yield Operation(str(node.get_friendly_name()), kind, _flop(node), tuple(reads), writes)

    def _operands(self, kind: str, at: int, source: Any) -> tuple[Operand, ...]:
        found = self._fixed.get(_port(source))
        if found is None:
            return (self._activation(source),)
        if len(found) == 1 and prod(found[0].shape or ()) <= 1:
            return ()  # a setting: a bound, a factor
        if at in STATISTICS.get(kind, ()):
            return found
        largest = max((prod(operand.shape or ()) for operand in found), default=0)
        return tuple(_weight(operand, largest) for operand in found)

    def _activation(self, port: Any) -> Operand:
        name = self._names.get(_port(port), "\0{} {}".format(*_port(port)))
        return Operand(name, _shape(port), _dtype(port))


def _weight(operand: Operand, largest: int) -> Operand:
    size = prod(operand.shape or ())
    return dataclasses.replace(operand, role="learned" if size == largest and size > 1 else "stored")


def _port(output: Any) -> Port:
    return str(output.get_node().get_name()), int(output.get_index())


def _dtype(port: Any) -> str:
    name = str(port.get_element_type().get_type_name())
    return TYPES.get(name, name)


def _constant(node: Any) -> tuple[Operand, ...]:
    """Return a constant that holds weights; none for a shape, an axis or a text."""
    output = node.output(0)
    dtype = _dtype(output)
    if dtype not in FLOATS | QUANTISED:
        return ()
    return (Operand(f"\0{node.get_name()}", _shape(output), dtype, "stored"),)


def _flop(node: Any) -> int | None:
    kind = str(node.get_type_name())
    if kind in BODIES:
        return None
    if kind not in RULES:
        return 0 if kind in WITHOUT else costs.without_products(kind)
    try:
        return RULES[kind](Node(node))
    except (LookupError, ValueError):  # it reads less than the rule needs, or a size is not known
        return None
