"""Reads an ONNX file's structure without its weights and without the onnx package.

Protocol buffers consist of nested (field number, wire type, value) records; the
field numbers are those of onnx.proto.  Weights are skipped, so the cost depends on
the graph's size only.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Span = tuple[int, int]
    """Begin and end of a field's content."""

# Field numbers of onnx.proto: message, then field.
MODEL_GRAPH, MODEL_FUNCTION = 7, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 5, 11, 12
FUNCTION_NODE = 7
NODE_OUTPUT, NODE_NAME, NODE_OPERATOR, NODE_ATTRIBUTE = 2, 3, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_INTEGER = 1, 3
ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = frozenset({5, 10}), frozenset({6, 11})  # single and repeated
TENSOR_TYPE = 2
VALUE_NAME, VALUE_TYPE = 1, 2
TYPE_TENSOR, TYPE_ELEMENT, TYPE_SHAPE = 1, 1, 2
SHAPE_DIMENSION = 1
DIMENSION_SIZE, DIMENSION_NAME = 1, 2

MORE = 0x80
"""Bit of a variable-length integer's byte that announces another byte."""

ELEMENT_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "str", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
    17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4",
    23: "float4_e2m1",
}  # fmt: skip
"""Numpy's name for each TensorProto.DataType."""

TYPE_ATTRIBUTES = frozenset({"to", "dtype", "output_dtype", "stash_type"})
"""Attributes with which an operator sets a type."""


class Wire(enum.IntEnum):
    """Wire types of protocol buffers."""

    VARINT = 0
    FIXED64 = 1
    SPAN = 2
    FIXED32 = 5


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
            for number, span in _spans(file, (0, path.stat().st_size)):
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
        for number, part in _spans(self._file, span):
            if number in readers:
                readers[number](part)

    def _function(self, span: Span) -> None:
        for number, part in _spans(self._file, span):
            if number == FUNCTION_NODE:
                self._node(part)

    def _node(self, span: Span) -> None:
        for number, part in _spans(self._file, span):
            if number == NODE_OPERATOR:
                self.operators.add(_text(self._file, part))
            elif number == NODE_ATTRIBUTE:
                self._attribute(part)

    def _attribute(self, span: Span) -> None:
        name, number = "", 0
        for field, value in _fields(self._file, span):
            if isinstance(value, int):
                number = value if field == ATTRIBUTE_INTEGER else number
            elif field == ATTRIBUTE_NAME:
                name = _text(self._file, value)
            elif field in ATTRIBUTE_TENSORS:
                self._tensor(value)
            elif field in ATTRIBUTE_GRAPHS:
                self._graph(value)
        if name in TYPE_ATTRIBUTES and number:
            self._add(number)

    def _tensor(self, span: Span) -> None:
        for number, value in _fields(self._file, span):
            if number == TENSOR_TYPE and isinstance(value, int):
                self._add(value)

    def _value(self, span: Span) -> None:
        for part in _path(self._file, span, VALUE_TYPE, TYPE_TENSOR):
            for number, value in _fields(self._file, part):
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
        graphs = _path(file, (0, path.stat().st_size), MODEL_GRAPH)
        ends = {_name(file, span) for graph in graphs for span in _path(file, graph, GRAPH_OUTPUT)}
        nodes = [span for graph in graphs for span in _path(file, graph, GRAPH_NODE)]
        return [tensor for span in nodes for tensor in _made(file, span, ends)]


def _made(file: BinaryIO, span: Span, ends: set[str]) -> list[Made]:
    parts = [(number, _text(file, part)) for number, part in _spans(file, span) if number != NODE_ATTRIBUTE]
    fields = dict(parts)
    operator, node = fields.get(NODE_OPERATOR, ""), fields.get(NODE_NAME, "")
    tensors = [text for number, text in parts if number == NODE_OUTPUT and text]  # "" is an omitted optional output
    return [Made(tensor, operator, node, tensor in ends) for tensor in tensors]


def input_shapes(path: Path) -> dict[str, tuple[int | str | None, ...]]:
    """Return the shapes of a model's inputs as given in the file; open dimensions are names or None.

    :raises OSError: The file cannot be read.
    :raises ValueError: The file is not a protocol buffer.
    """
    with path.open("rb") as file:
        values = _path(file, (0, path.stat().st_size), MODEL_GRAPH, GRAPH_INPUT)
        return {_name(file, span): _shape(file, span) for span in values}


def _name(file: BinaryIO, span: Span) -> str:
    return next((_text(file, part) for part in _path(file, span, VALUE_NAME)), "")


def _shape(file: BinaryIO, span: Span) -> tuple[int | str | None, ...]:
    dimensions = _path(file, span, VALUE_TYPE, TYPE_TENSOR, TYPE_SHAPE, SHAPE_DIMENSION)
    return tuple(_dimension(file, part) for part in dimensions)


def _dimension(file: BinaryIO, span: Span) -> int | str | None:
    for number, value in _fields(file, span):
        if number == DIMENSION_SIZE and isinstance(value, int):
            return value
        if number == DIMENSION_NAME and not isinstance(value, int):
            return _text(file, value) or None
    return None


def _path(file: BinaryIO, span: Span, *numbers: int) -> list[Span]:
    """Return the nested messages at a path of field numbers."""
    spans = [span]
    for field in numbers:
        spans = [part for message in spans for number, part in _spans(file, message) if number == field]
    return spans


def _spans(file: BinaryIO, span: Span) -> Iterator[tuple[int, Span]]:
    return ((number, value) for number, value in _fields(file, span) if not isinstance(value, int))


def _fields(file: BinaryIO, span: Span) -> Iterator[tuple[int, int | Span]]:
    """Yield each field's number with its integer or the span of its content, which is not read."""
    at, end = span
    while at < end:
        file.seek(at)
        key = _varint(file)
        if key & 7 == Wire.VARINT:
            value: int | Span = _varint(file)
            at = file.tell()
        else:
            size = _size(file, key & 7)
            begin = file.tell()
            at = begin + size
            value = (begin, at)
        if at > end:
            raise ValueError(f"field {key >> 3} ends after its message")
        yield key >> 3, value


def _size(file: BinaryIO, wire: int) -> int:
    sizes = {Wire.FIXED64: 8, Wire.FIXED32: 4}
    if wire == Wire.SPAN:
        return _varint(file)
    if wire not in sizes:
        raise ValueError(f"unknown wire type {wire}")
    return sizes[Wire(wire)]


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            break
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < MORE:
            return value
    raise ValueError("an integer is truncated")


def _text(file: BinaryIO, span: Span) -> str:
    file.seek(span[0])
    return file.read(span[1] - span[0]).decode("utf-8", "replace")
