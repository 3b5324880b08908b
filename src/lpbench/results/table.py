"""Measured configurations as columns: what choosing, comparing and training take, a million rows of it too."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence  # noqa: TC003 - what values are made of is read by the annotations
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lpbench.errors import ResultError, closest, nearest
from lpbench.results.directions import Direction  # noqa: TC001 - likewise
from lpbench.util.frames import frame
from lpbench.util.shown import Sheet, Shown, several
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Iterable

Type = Literal["int", "float", "bin", "str"]
"""Types of the published descriptors; a ``bin`` is 0 or 1."""
Value = float | int | str | None
PLATFORM, PRICE, AI_TASK, STATE = "PLATFORM", "PRICE", "AI_TASK", "STATE"
"""Facts that tables have beside what was chosen and measured."""


class Kind(enum.Enum):
    """What a column is to a choice."""

    HYPERPARAMETER = "hyperparameter"
    """Set before a configuration is measured."""
    INPUT = "input"
    """What the algorithm was given to work on: neither chosen nor measured."""
    TARGET = "target"
    """Measured."""
    FACT = "fact"
    """Known of the row beside, such as its platform."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    :param unit: Of its numbers; empty for words and pure numbers.
    :param values: One for each row; None where it is not known.
    :param lower: Lower end of each value's interval, None where there is none; ``upper`` likewise.
    :param reasons: Why each value is not known; empty for those that are.
    :param description: In the words of who published it.
    :param direction: Which way a target is better, where the glossary does not define it.
    """

    name: str
    kind: Kind
    values: Sequence[Value]
    type: Type = "float"
    unit: str = ""
    lower: Sequence[float | None] | None = None
    upper: Sequence[float | None] | None = None
    reasons: Sequence[str] | None = None
    description: str = ""
    direction: Direction | None = None

    def why(self, row: int) -> str:
        """Return why a row's value is not known; empty if it is known, or nobody said why."""
        return self.reasons[row] if self.reasons else ""

    def interval(self, row: int) -> tuple[float, float] | None:
        """Return the ends of a value's interval; None where there is none."""
        lower = self.lower[row] if self.lower else None
        upper = self.upper[row] if self.upper else None
        return None if lower is None or upper is None else (lower, upper)

    @property
    def known(self) -> int:
        """Rows with a value."""
        return len(self.values) - self.values.count(None)


@dataclass(frozen=True, repr=False)
class Table(Shown):
    """Measured configurations of one algorithm, a column for each hyper-parameter, input, target and fact.

    :param name: The algorithm, such as ``imagenet``.
    :param source: The folder or file it is from.
    """

    name: str
    columns: tuple[Column, ...]
    source: str = ""
    _by_name: Mapping[str, Column] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {column.name: column for column in self.columns}
        if len(by_name) < len(self.columns) or len({len(column.values) for column in self.columns}) > 1:
            raise ResultError("columns have the same name, or not the same rows", where=self.source or self.name)
        object.__setattr__(self, "_by_name", by_name)

    def __len__(self) -> int:
        return len(self.columns[0].values) if self.columns else 0

    def column(self, name: str) -> Column:
        """Return a column by its name; a name in lower case will do.

        :raises ResultError: There is none, with the nearest name.
        """
        found = self._by_name.get(name) or self._by_name.get(name.upper())
        if found is None:
            near = name if closest(name, self._by_name) else name.upper()
            hint = nearest(near, self._by_name)
            raise ResultError(f'there is no column "{name}"', where=self.source or self.name, hint=hint)
        return found

    def of_kind(self, *kinds: Kind) -> tuple[Column, ...]:
        """Return the columns of some kinds, in their order."""
        return tuple(column for column in self.columns if column.kind in kinds)

    def rows(self, indices: Iterable[int] | None = None) -> list[dict[str, Value]]:
        """Return rows as records.

        :param indices: Of the rows, from 0; None takes all.
        """
        taken = range(len(self)) if indices is None else indices
        return [{column.name: column.values[row] for column in self.columns} for row in taken]

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame with these columns; a number that is not known is NaN.

        :raises ResultError: pandas is not installed.
        """
        return frame({column.name: _for_frame(column) for column in self.columns})

    def in_short(self) -> str:
        """Return its name and how much there is of it."""
        count = {kind: len(self.of_kind(kind)) for kind in Kind}
        kinds = [amount(number, kind.value) for kind, number in count.items() if number]
        return f"{self.name}: {amount(len(self), 'row')}; {', '.join(kinds)}"

    def sheet(self) -> Sheet:
        """Return a row for each column: what it is, how many values are known, and which there are."""
        rows = [(each.name, each.kind.value, each.unit, f"{each.known}", _extent(each.values)) for each in self.columns]
        return Sheet((self.in_short(),), ("column", "", "unit", "known", "values"), rows)


def _for_frame(column: Column) -> Sequence[Value]:
    """Return the values of a column as pandas takes them: numbers of which none is known are numbers still."""
    return column.values if column.known or column.type == "str" else [math.nan] * len(column.values)


def _extent(values: Sequence[Value]) -> str:
    """Return the first few words of a column, or its least and its greatest number."""
    numbers = [value for value in values if isinstance(value, (int, float))]
    if numbers:
        least, greatest = min(numbers), max(numbers)
        return f"{least:g}" if least == greatest else f"{least:g} to {greatest:g}"
    return several([str(value) for value in dict.fromkeys(values) if value is not None])
