"""Sets of a table's rows with the operations of sets at the speed of whole numbers: one byte for each row."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")
ORDER: Literal["little"] = "little"


@dataclass(frozen=True, eq=False)
class RowSet:
    """Some rows of a table.

    :param flags: A byte for each row of the table, 1 or 0.
    """

    flags: bytes

    @classmethod
    def none(cls, rows: int) -> RowSet:
        """Return the empty set of a table of so many rows."""
        return cls(bytes(rows))

    @classmethod
    def where(cls, flags: Iterable[bool]) -> RowSet:
        """Return the rows whose flag is true."""
        return cls(bytes(flags))

    def __len__(self) -> int:
        return self.flags.count(1)

    def __bool__(self) -> bool:
        return 1 in self.flags

    def __iter__(self) -> Iterator[int]:
        """Yield the numbers of the rows, in order."""
        return compress(range(len(self.flags)), self.flags)

    def __and__(self, other: RowSet) -> RowSet:
        return self._of(self._number & other._number)

    def __or__(self, other: RowSet) -> RowSet:
        return self._of(self._number | other._number)

    def __sub__(self, other: RowSet) -> RowSet:
        return self._of(self._number & ~other._number)

    def of(self, values: Iterable[T]) -> Iterator[T]:
        """Return the values of these rows, from those of all rows."""
        return compress(values, self.flags)

    @property
    def _number(self) -> int:
        return int.from_bytes(self.flags, ORDER)

    def _of(self, number: int) -> RowSet:
        return RowSet(number.to_bytes(len(self.flags), ORDER))


def counts(sets: Iterable[RowSet], rows: int) -> bytes:
    """Return for each row how many of some sets, at most 255, it is in."""
    return sum(each._number for each in sets).to_bytes(rows, ORDER)  # noqa: SLF001 - bytes do not overflow into each other
