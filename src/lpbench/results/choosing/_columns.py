"""Columns of a table, ready to be compared a million values at a time."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, cast

from lpbench.results.choosing._row_sets import BYTE, RowSet, by_value
from lpbench.results.table import PLATFORM, STATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.results.table import Table

MEASURED, BARRED = "OK", "BARRED"
TEXT = "str"


@dataclass(frozen=True, eq=False)
class Numbers:
    """Values of a column.

    :param values: Some number, NaN say, where a value is missing.
    :param missing: The rows without a value.
    """

    values: Sequence[float]
    missing: RowSet


class Columns:
    """The columns of a table, each prepared once.

    :param table: Its rows are numbered from 0.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.rows = len(table)
        self._numbers: dict[str, Numbers] = {}
        self._names = {column.name: column for column in table.columns}

    def has(self, name: str) -> bool:
        """Say whether there is a column of this name."""
        return name in self._names

    def numbers(self, name: str) -> Numbers:
        """Return a column of numbers."""
        if name not in self._numbers:
            self._numbers[name] = numbers(cast("Sequence[float | None]", self._names[name].values))
        return self._numbers[name]

    def ends(self, name: str) -> tuple[Sequence[float], Sequence[float]] | None:
        """Return the ends of a column's intervals, the value itself where there is none; None without any interval."""
        column = self._names[name]
        if column.lower is None or column.upper is None:
            return None
        values = self.numbers(name).values
        return _filled(column.lower, values), _filled(column.upper, values)

    def missing(self, name: str) -> RowSet:
        """Return the rows that lack a value of a column."""
        column = self._names[name]
        if column.type != TEXT:
            return self.numbers(name).missing
        return RowSet.where(map(operator.is_, column.values, repeat(None)))

    @cached_property
    def platforms(self) -> Sequence[str]:
        """The platform of each row, empty where the table does not tell it."""
        if PLATFORM not in self._names:
            return [""] * self.rows
        return ["" if value is None else str(value) for value in self._names[PLATFORM].values]

    def of_platform(self, name: str) -> RowSet:
        """Return the rows of a platform."""
        if self._rows_by_platform is None:
            return RowSet.where(map(operator.eq, self.platforms, repeat(name)))
        return self._rows_by_platform[name]

    @cached_property
    def _rows_by_platform(self) -> Mapping[str, RowSet] | None:
        """The rows by platform, of as many platforms as a byte can number; None of more."""
        names = list(dict.fromkeys(self.platforms))
        if len(names) > BYTE:
            return None
        numbers = {name: at for at, name in enumerate(names)}
        rows = by_value(bytes(map(numbers.__getitem__, self.platforms)))
        return {names[at]: those for at, those in rows.items()}

    @cached_property
    def set_aside(self) -> Mapping[str, RowSet]:
        """Rows that cannot be chosen whatever is asked for, by the reason: not measured, or barred."""
        found: dict[str, RowSet] = {}
        for name, chosen in ((STATE, MEASURED), (BARRED, None)):
            values = self._names[name].values if name in self._names else ()
            for value in sorted({str(value) for value in values if value is not None and value != chosen}):
                found[value] = RowSet.where(map(operator.eq, values, repeat(value)))
        return found

    @cached_property
    def candidates(self) -> RowSet:
        """The rows that are not set aside."""
        every = RowSet.all(self.rows)
        for rows in self.set_aside.values():
            every -= rows
        return every


def numbers(values: Sequence[float | None]) -> Numbers:
    """Return values ready to be compared; None, NaN and infinities are missing."""
    if True in map(operator.is_, values, repeat(None)):
        values = [math.nan if value is None else value for value in values]
    known = cast("Sequence[float]", values)
    try:
        return Numbers(known, RowSet.where(map(operator.not_, map(math.isfinite, known))))
    except OverflowError:  # a whole number of hundreds of digits
        return numbers([_float(value) for value in known])


def _float(value: float) -> float:
    """Return a number as a float, of one beyond all floats infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _filled(ends: Sequence[float | None], values: Sequence[float]) -> list[float]:
    return [value if end is None or end != end else end for end, value in zip(ends, values, strict=True)]  # noqa: PLR0124 - NaN
