"""Reads protocol buffers as spans of a file, without their schema and without loading their content.

A message consists of (field number, wire type, value) records; messages are nested.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    Span = tuple[int, int]
    """Begin and end of a field's content."""

MORE = 0x80
"""Bit of a variable-length integer's byte that announces another byte."""
SIGN = 1 << 63


class Wire(enum.IntEnum):
    """Wire types of protocol buffers."""

    VARINT = 0
    FIXED64 = 1
    SPAN = 2
    FIXED32 = 5


def fields(file: BinaryIO, span: Span) -> Iterator[tuple[int, int | Span]]:
    """Yield the number of each field of a message with its integer, unsigned, or the span of its content.

    :raises ValueError: The file is not a protocol buffer.
    """
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


def spans(file: BinaryIO, span: Span) -> Iterator[tuple[int, Span]]:
    """Yield the fields of a message that are not integers."""
    return ((number, value) for number, value in fields(file, span) if not isinstance(value, int))


def nested(file: BinaryIO, span: Span, *numbers: int) -> list[Span]:
    """Return the nested messages at a path of field numbers."""
    found = [span]
    for field in numbers:
        found = [part for message in found for number, part in spans(file, message) if number == field]
    return found


def text(file: BinaryIO, span: Span) -> str:
    """Return the content of a text field."""
    file.seek(span[0])
    return file.read(span[1] - span[0]).decode("utf-8", "replace")


def signed(value: int) -> int:
    """Return the integer of a field of type int64, which is stored as its two's complement."""
    return value - (SIGN << 1) if value >= SIGN else value


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
