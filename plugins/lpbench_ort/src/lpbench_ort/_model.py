"""Reads an ONNX file's structure without its weights and without the onnx package.

The field numbers are those of onnx.proto.  Weights are skipped, so the cost depends
on the graph's size only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from lpbench.plugin.kit.protobuf import fields, nested, spans, text

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.kit.protobuf import Span

# Field numbers of onnx.proto: message, then field.
MODEL_GRAPH, MODEL_FUNCTION = 7, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 5, 11, 12
FUNCTION_NODE = 7
NODE_OUTPUT, NODE_NAME, NODE_OPERATOR, NODE_ATTRIBUTE = 2, 3, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_INTEGER = 1, 3
ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = frozenset({5, 10}), frozenset({6, 11})  # single and repeated
TENSOR_TYPE = 2
VALUE_NAME, VALUE_TYPE = 1, 2
TYPE_TENSOR, TYPE_ELEMENT = 1, 1

ELEMENT_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "str", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
    17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4",
    23: "float4_e2m1",
}  # fmt: skip
"""Numpy's name for each TensorProto.DataType."""

TYPE_ATTRIBUTES = frozenset({"to", "dtype", "output_dtype", "stash_type"})
"""Attributes with which an operator sets a type."""


class Structure:
    """The operators and element types that occur in a model file.

    :param path: An ONNX file.
    :raises OSError: The file cannot be read.
    :raises ValueError: The file is not a protocol buffer.
    """

    def __init__(self, path: Path) -> None:
        self.operators: set[str] = set()
        self.types: set[str] = set()
        with path.open("rb") as file:
            self._file = file
            for number, span in spans(file, (0, path.stat().st_size)):
                if number == MODEL_GRAPH:
                    self._graph(span)
                elif number == MODEL_FUNCTION:
                    self._function(span)

    def _graph(self, span: Span) -> None:
        readers = {
            GRAPH_NODE: self._node,
            GRAPH_INITIALIZER: self._tensor,
            GRAPH_INPUT: self._value,
            GRAPH_OUTPUT: self._value,
        }
        for number, part in spans(self._file, span):
            if number in readers:
                readers[number](part)

    def _function(self, span: Span) -> None:
        for number, part in spans(self._file, span):
            if number == FUNCTION_NODE:
                self._node(part)

    def _node(self, span: Span) -> None:
        for number, part in spans(self._file, span):
            if number == NODE_OPERATOR:
                self.operators.add(text(self._file, part))
            elif number == NODE_ATTRIBUTE:
                self._attribute(part)

    def _attribute(self, span: Span) -> None:
        name, number = "", 0
        for field, value in fields(self._file, span):
            if isinstance(value, int):
                number = value if field == ATTRIBUTE_INTEGER else number
            elif field == ATTRIBUTE_NAME:
                name = text(self._file, value)
            elif field in ATTRIBUTE_TENSORS:
                self._tensor(value)
            elif field in ATTRIBUTE_GRAPHS:
                self._graph(value)
        if name in TYPE_ATTRIBUTES and number:
            self._add(number)

    def _tensor(self, span: Span) -> None:
        for number, value in fields(self._file, span):
            if number == TENSOR_TYPE and isinstance(value, int):
                self._add(value)

    def _value(self, span: Span) -> None:
        for part in nested(self._file, span, VALUE_TYPE, TYPE_TENSOR):
            for number, value in fields(self._file, part):
                if number == TYPE_ELEMENT and isinstance(value, int):
                    self._add(value)

    def _add(self, number: int) -> None:
        self.types.add(ELEMENT_TYPES.get(number, f"type {number}"))


class Made(NamedTuple):
    """A tensor that a node of the graph computes.

    :param operator: The node's operator, for example ``Conv``.
    :param node: The node's name; may be empty.
    :param ends: Whether the tensor is an output of the model.
    """

    tensor: str
    operator: str
    node: str
    ends: bool


def made_tensors(path: Path) -> list[Made]:
    """Return the tensors that the nodes of a model compute, in the file's order, which is a computing order.

    :raises OSError: The file cannot be read.
    :raises ValueError: The file is not a protocol buffer.
    """
    with path.open("rb") as file:
        graphs = nested(file, (0, path.stat().st_size), MODEL_GRAPH)
        ends = {text(file, name) for graph in graphs for name in nested(file, graph, GRAPH_OUTPUT, VALUE_NAME)}
        nodes = [span for graph in graphs for span in nested(file, graph, GRAPH_NODE)]
        return [tensor for span in nodes for tensor in _made(file, span, ends)]


def _made(file: BinaryIO, span: Span, ends: set[str]) -> list[Made]:
    parts = [(number, text(file, part)) for number, part in spans(file, span) if number != NODE_ATTRIBUTE]
    by_number = dict(parts)
    operator, node = by_number.get(NODE_OPERATOR, ""), by_number.get(NODE_NAME, "")
    tensors = [name for number, name in parts if number == NODE_OUTPUT and name]  # "" is an omitted optional output
    return [Made(tensor, operator, node, tensor in ends) for tensor in tensors]
