"""The shapes that an ONNX file states, with the names of open dimensions; read without the onnx package.

Some engines drop the names, which say that a dimension of one input is a dimension of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from lpbench.plugin.kit.protobuf import fields, nested, signed, text

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.kit.protobuf import Span

    Sizes = tuple[int | str | None, ...]

# Field numbers of onnx.proto: message, then field.
MODEL_GRAPH = 7
GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 5, 11, 12
TENSOR_NAME = 8
VALUE_NAME, VALUE_TYPE = 1, 2
TYPE_TENSOR, TYPE_OPTIONAL, OPTIONAL_ELEMENT = 1, 9, 1
TENSOR_SHAPE, SHAPE_DIMENSION = 2, 1
DIMENSION_SIZE, DIMENSION_NAME = 1, 2


def input_shapes(path: Path) -> dict[str, Sizes]:
    """Return the shapes of a model's inputs as its file states them; see ``output_shapes``."""
    return _shapes(path, GRAPH_INPUT)


def output_shapes(path: Path) -> dict[str, Sizes]:
    """Return the shapes of a model's outputs as its file states them; open dimensions are names or None.

    A negative size is an open dimension without a name, as engines read it.  A tensor of unknown rank has the
    shape ``()``, like a scalar.

    :raises OSError: The file cannot be read.
    :raises ValueError: The file is not a protocol buffer.
    """
    return _shapes(path, GRAPH_OUTPUT)


def unranked_inputs(path: Path) -> list[str]:
    """Return the names of the inputs whose shape a model does not state, not even the number of dimensions.

    Weights that a file lists among its inputs, and inputs of an optional type, need no shape.

    :raises OSError: The file cannot be read.
    :raises ValueError: The file is not a protocol buffer.
    """
    with path.open("rb") as file:
        whole = 0, path.stat().st_size
        weights = nested(file, whole, MODEL_GRAPH, GRAPH_INITIALIZER, TENSOR_NAME)
        known = {text(file, name) for name in weights}
        values = nested(file, whole, MODEL_GRAPH, GRAPH_INPUT)
        unranked = (span for span in values if any(_unranked(file, kind) for kind in nested(file, span, VALUE_TYPE)))
        return [name for span in unranked if (name := _name(file, span)) not in known]


def _unranked(file: BinaryIO, kind: Span) -> bool:
    tensors = nested(file, kind, TYPE_TENSOR)
    return bool(tensors) and not any(nested(file, tensor, TENSOR_SHAPE) for tensor in tensors)


def _shapes(path: Path, side: int) -> dict[str, Sizes]:
    with path.open("rb") as file:
        values = nested(file, (0, path.stat().st_size), MODEL_GRAPH, side)
        return {_name(file, span): _shape(file, span) for span in values}


def _name(file: BinaryIO, span: Span) -> str:
    return next((text(file, part) for part in nested(file, span, VALUE_NAME)), "")


def _shape(file: BinaryIO, span: Span) -> Sizes:
    path = TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIMENSION
    return tuple(_dimension(file, part) for kind in _kinds(file, span) for part in nested(file, kind, *path))


def _kinds(file: BinaryIO, span: Span) -> list[Span]:
    """Return the types of a value: its own, and that of an optional one's element."""
    return [
        *nested(file, span, VALUE_TYPE),
        *nested(file, span, VALUE_TYPE, TYPE_OPTIONAL, OPTIONAL_ELEMENT),
    ]


def _dimension(file: BinaryIO, span: Span) -> int | str | None:
    for number, value in fields(file, span):
        if number == DIMENSION_SIZE and isinstance(value, int):
            size = signed(value)
            return size if size >= 0 else None
        if number == DIMENSION_NAME and not isinstance(value, int):
            return text(file, value) or None
    return None
