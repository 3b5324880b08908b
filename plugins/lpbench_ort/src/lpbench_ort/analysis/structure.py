"""Reads the structure of an ONNX file: its graph with every tensor's type and sizes, and without large contents.

Weights of gigabytes are neither loaded nor parsed: their messages are copied without the fields that hold numbers.
The format is onnx.proto3 of https://github.com/onnx/onnx.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, BinaryIO

from lpbench.errors import AnalysisError
from lpbench.plugin.kit.protobuf import MORE, Wire, fields
from lpbench.plugin.kit.untrusted import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lpbench.plugin.kit.protobuf import Span

SMALL = 4096
"""Messages up to this size in bytes are copied whole; shapes may be computed from what they hold."""
LARGEST = 256 << 20
"""Bytes of a structure: some million operators."""
MOST = 1_000_000
"""Fields of all messages that are looked into: operators, weights and tensors."""
DEEPEST = 50
"""Graphs inside each other: the bodies of loops and branches."""
ONNX_FLATBUFFER = b"ORTM"
"""Identifier, at the fifth byte, of ONNX Runtime's own format."""

MODEL, GRAPH, FUNCTION = "ModelProto", "GraphProto", "FunctionProto"
NODE, ATTRIBUTE, TENSOR, SPARSE = "NodeProto", "AttributeProto", "TensorProto", "SparseTensorProto"
NESTED: Mapping[str, Mapping[int, str]] = {
    MODEL: {7: GRAPH, 25: FUNCTION},
    GRAPH: {1: NODE, 5: TENSOR, 15: SPARSE},
    FUNCTION: {7: NODE},
    NODE: {5: ATTRIBUTE},
    ATTRIBUTE: {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH, 22: SPARSE, 23: SPARSE},
    SPARSE: {1: TENSOR, 2: TENSOR},
    TENSOR: {},
}
"""Fields that may lead to a tensor, by message."""
CONTENT = frozenset({4, 5, 6, 7, 9, 10, 11})
"""Fields of a tensor that hold its numbers."""


def read(path: Path) -> Any:
    """Return an ``onnx.ModelProto`` whose large tensors have names, types and sizes only.

    :raises AnalysisError: The file is not an ONNX model or is damaged, or its structure alone is too large.
    """
    import onnx

    try:
        model = onnx.ModelProto.FromString(_structure(path))
    except AnalysisError:
        raise
    except OSError as error:
        raise AnalysisError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    except Exception as error:  # protobuf raises types of its own
        reason = " ".join(str(error).split())[:200]
        raise AnalysisError(f"cannot be read as ONNX: {reason}", where=str(path), hint="export it again") from error
    if not model.graph.output:
        raise AnalysisError("is not an ONNX model: it has no outputs", where=str(path), hint="export it again")
    return model


def _structure(path: Path) -> bytes:
    """Return a file's message without the numbers of large tensors."""
    with open_regular(path, error=AnalysisError) as file:
        if file.read(8)[4:] == ONNX_FLATBUFFER:
            what = "is in ONNX Runtime's own format, which is not analysed"
            raise AnalysisError(what, where=str(path), hint="analyse the .onnx file that it was made from")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _Copy(content).message(MODEL, (0, len(content)))  # type: ignore[arg-type] # it reads and seeks as a file does


class _Copy:
    """Copies messages of a file without the numbers of large tensors."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = LARGEST
        self._fields = 0

    def message(self, kind: str, span: Span, depth: int = 0) -> bytes:
        """Return a message of a kind, copied; levels of messages count as depth.

        :raises ValueError: It is damaged, too large or too deep.
        """
        if depth > DEEPEST * 3:  # a graph, a node and an attribute for each level
            raise ValueError(f"more than {DEEPEST} graphs lie inside each other")
        return b"".join(self._parts(kind, span, depth))

    def _parts(self, kind: str, span: Span, depth: int) -> Iterator[bytes]:
        begin, end = span
        if end - begin <= SMALL:
            yield self._taken(begin, end)
            return
        for number, value, whole in _records(self._file, span):
            self._fields += 1
            if self._fields > MOST or not number:
                raise ValueError(
                    "it has a field 0, which no message has" if not number else f"it has over {MOST} fields"
                )
            if kind == TENSOR and number in CONTENT:
                continue
            inner = NESTED[kind].get(number) if not isinstance(value, int) else None
            if inner is None or isinstance(value, int):
                yield self._taken(*whole)
            else:
                content = self.message(inner, value, depth + 1)
                yield _varint(number << 3 | Wire.SPAN) + _varint(len(content)) + content

    def _taken(self, begin: int, end: int) -> bytes:
        self._left -= end - begin
        if self._left < 0:
            raise ValueError(f"its structure without weights is larger than {LARGEST >> 20} MiB")
        self._file.seek(begin)
        return self._file.read(end - begin)


def _records(file: BinaryIO, span: Span) -> Iterator[tuple[int, int | Span, Span]]:
    """Yield number, value and the bytes, key included, of each field of a message."""
    begin = span[0]
    for number, value in fields(file, span):
        end = value[1] if not isinstance(value, int) else file.tell()
        yield number, value, (begin, end)
        begin = end


def _varint(value: int) -> bytes:
    parts = []
    while value >= MORE:
        parts.append(value & (MORE - 1) | MORE)
        value >>= 7
    return bytes([*parts, value])
