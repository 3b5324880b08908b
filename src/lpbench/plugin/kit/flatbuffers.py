"""Reads FlatBuffers, checking that every offset lies inside the file before it is used.

A table begins with the distance back to its vtable, which lists the positions of the
fields; a field that is not a number holds the distance forward to its content.
Source: flatbuffers.dev, internals.
"""

from __future__ import annotations

import struct
from typing import Any

VTABLE_HEAD = 4
"""Bytes of a vtable before its entries: its own size and the table's size."""
AGAIN, SMALL = 32, 1 << 20
"""A file is read this many times over, and a small one by these bytes more: offsets may point to the same content from
anywhere, so that a few bytes describe any amount of it."""


class Budget:
    """Counts what is read of a file, whose tables share it.

    :param size: Bytes of the file.
    """

    def __init__(self, size: int) -> None:
        self._left = AGAIN * size + SMALL

    def take(self, size: int) -> None:
        """Count bytes that are read.

        :raises ValueError: The file refers to the same bytes again and again.
        """
        self._left -= size
        if self._left < 0:
            raise ValueError("it refers to the same bytes again and again")


class Table:
    """One table of a FlatBuffer.

    :param data: The whole file, as bytes or memory-mapped.
    :param at: Position of the table.
    :param budget: Counts what is read; by default a new one, for the first table.
    :raises ValueError: The table does not lie inside the file.
    """

    def __init__(self, data: Any, at: int, budget: Budget | None = None) -> None:
        self._data = data
        self._budget = budget or Budget(len(data))
        self._at = at
        self._vtable = at - int(number(data, "i", at))
        self._size = int(number(data, "H", self._vtable))
        self._length = int(number(data, "H", self._vtable + 2))
        require(data, self._vtable, self._size)
        require(data, at, self._length)
        self._budget.take(self._size + self._length)
        if self._size < VTABLE_HEAD or self._size % 2:
            raise ValueError(f"the table at byte {at} has an invalid vtable")

    def scalar(self, slot: int, code: str, default: int = 0) -> int:
        """Return an integer field; ``code`` is the type's letter in ``struct``."""
        place = self._place(slot, struct.calcsize(f"<{code}"))
        return default if place is None else int(number(self._data, code, place))

    def table(self, slot: int) -> Table | None:
        """Return the table that a field points to, or None."""
        place = self._target(slot)
        return None if place is None else Table(self._data, place, self._budget)

    def tables(self, slot: int) -> list[Table]:
        """Return a vector of tables."""
        places, start = self._vector(slot, 4), self._start(slot)
        steps = enumerate(self._numbers("I", places, start))
        return [Table(self._data, start + 4 * at + step, self._budget) for at, step in steps]

    def numbers(self, slot: int, code: str) -> tuple[Any, ...]:
        """Return a vector of numbers; ``code`` is their type's letter in ``struct``."""
        count = self._vector(slot, struct.calcsize(f"<{code}"))
        return self._numbers(code, count, self._start(slot))

    def size(self, slot: int) -> int:
        """Return the length of a vector of bytes."""
        return self._vector(slot, 1)

    def text(self, slot: int) -> str:
        """Return a string."""
        count, start = self._vector(slot, 1), self._start(slot)
        return bytes(self._data[start : start + count]).decode("utf-8", "replace")

    def _place(self, slot: int, size: int) -> int | None:
        entry = VTABLE_HEAD + 2 * slot
        if entry + 2 > self._size:
            return None
        inside = int(number(self._data, "H", self._vtable + entry))
        if inside and inside + size > self._length:
            raise ValueError(f"field {slot} of the table at byte {self._at} lies outside it")
        return self._at + inside if inside else None

    def _target(self, slot: int) -> int | None:
        place = self._place(slot, 4)
        return None if place is None else place + int(number(self._data, "I", place))

    def _start(self, slot: int) -> int:
        return (self._target(slot) or 0) + 4

    def _vector(self, slot: int, item_size: int) -> int:
        """Return a vector's length, after checking that the vector lies inside the file."""
        place = self._target(slot)
        if place is None:
            return 0
        count = int(number(self._data, "I", place))
        require(self._data, place + 4, count * item_size)
        self._budget.take(count * item_size)
        return count

    def _numbers(self, code: str, count: int, start: int) -> tuple[Any, ...]:
        return struct.unpack_from(f"<{count}{code}", self._data, start) if count else ()


def number(data: Any, code: str, at: int) -> int | float:
    """Return one number.

    :raises ValueError: The number does not lie inside the file.
    """
    require(data, at, struct.calcsize(f"<{code}"))
    value: int | float = struct.unpack_from(f"<{code}", data, at)[0]
    return value


def require(data: Any, at: int, size: int) -> None:
    """Require that a range of bytes lies inside the file.

    :raises ValueError: It does not; the error gives the position.
    """
    if at < 0 or at + size > len(data):
        raise ValueError(f"an offset points to byte {at + size} of {len(data)}")
