"""Sets of a table's rows with the operations of sets at the speed of whole numbers: one byte for each row."""

from __future__ import annotations

from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")
ORDER: Literal["little"] = "little"
BYTE = 256


class RowSet:
    """Some rows of a table.

    :param number: Byte ``n`` of it is 1 if row ``n`` is in the set, else 0.
    :param rows: How many the table has.
    """

    def __init__(self, number: int, rows: int) -> None:
        self._number = number
        self._rows = rows

    @classmethod
    def none(cls, rows: int) -> RowSet:
        """Return the empty set of a table of so many rows."""
        return cls(0, rows)

    @classmethod
    def all(cls, rows: int) -> RowSet:
        """Return all rows of a table of so many."""
        return cls(int.from_bytes(b"\x01" * rows, ORDER), rows)

    @classmethod
    def where(cls, flags: Iterable[bool | int]) -> RowSet:
        """Return the rows whose flag is true."""
        found = flags if isinstance(flags, bytes) else bytes(flags)
        return cls(int.from_bytes(found, ORDER), len(found))

    @cached_property
    def flags(self) -> bytes:
        """A byte for each row of the table, 1 or 0."""
        return self._number.to_bytes(self._rows, ORDER)

    def __len__(self) -> int:
        return self._number.bit_count()

    def __bool__(self) -> bool:
        return self._number > 0

    def __iter__(self) -> Iterator[int]:
        """Yield the numbers of the rows, in order."""
        return compress(range(self._rows), self.flags)

    def __and__(self, other: RowSet) -> RowSet:
        return RowSet(self._number & other._number, self._rows)

    def __or__(self, other: RowSet) -> RowSet:
        return RowSet(self._number | other._number, self._rows)

    def __sub__(self, other: RowSet) -> RowSet:
        return RowSet(self._number & ~other._number, self._rows)

    def of(self, values: Iterable[T]) -> Iterator[T]:
        """Return the values of these rows, from those of all rows."""
        return compress(values, self.flags)


def by_value(values: bytes) -> dict[int, RowSet]:
    """Return the rows that have each value, the least value first."""
    present = sorted(set(values))
    return {value: RowSet.where(values.translate(bytes(at == value for at in range(BYTE)))) for value in present}


def by_count(sets: Iterable[RowSet], rows: int) -> dict[int, RowSet]:
    """Return the rows that are in each number of some sets, at most 255 of them, the fewest first."""
    total = sum(each._number for each in sets)  # noqa: SLF001 - a sum of its bytes, none of which overflows
    return by_value(total.to_bytes(rows, ORDER))
