"""What choosing answers: values that know the table that they are about."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from lpbench.results.choosing._question import Condition, Objective
from lpbench.results.table import PLATFORM, Kind
from lpbench.util.shown import Shown
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.results.table import Table, Value
    from lpbench.util.unavailable import Unavailable


CONFIGURED = (Kind.HYPERPARAMETER, Kind.INPUT)
CONFIGURATION = "CONFIGURATION"
TELLING = frozenset({PLATFORM, CONFIGURATION})
"""Facts that say what a row is."""
SAID = frozenset({"ENGINE", "THREADS", "BATCH", "STREAMS"})
"""What the words of an app's configuration say; where they leave one out, it is the usual one."""


class Rule(enum.Enum):
    """By what candidates are not told apart from the choice."""

    RATIOS = "ratios"
    """The intervals of their ratios to the reference that all rows of a sweep share overlap."""
    INTERVALS = "intervals"
    """Their 95 % intervals overlap."""
    VALUES = "values"
    """No interval is known: their values are equal."""


@dataclass(frozen=True, repr=False)
class Candidate(Shown):
    """One row of a table.

    :param row: Its number, from 0.
    :param values: By column.
    """

    table: Table = field(compare=False)
    row: int

    @property
    def values(self) -> dict[str, Value]:
        """What stands in the row, by column."""
        (record,) = self.table.rows([self.row])
        return record

    def value(self, column: str) -> Value:
        """Return what stands in a column; None where it is not known."""
        return self.table.column(column).values[self.row]

    def interval(self, column: str) -> tuple[float, float] | None:
        """Return the ends of a value's interval; None where there is none."""
        return self.table.column(column).interval(self.row)

    @property
    def platform(self) -> str:
        """Its platform, empty where the table does not tell it."""
        known = any(column.name == PLATFORM for column in self.table.columns)
        return str(self.value(PLATFORM) or "") if known else ""

    def says(self, column: str) -> bool:
        """Say whether what a sweep calls the row says this column: ``run=8:size=1000`` says ``size``."""
        if not any(each.name == CONFIGURATION for each in self.table.columns):
            return False
        words = str(self.value(CONFIGURATION)).split(":")
        return column in SAID or f"{column}={self.value(column)}" in words

    def in_short(self) -> str:
        """Return what was configured: words, and whole numbers with their names unless the words say them."""
        columns = self.table.columns
        told = [
            value if isinstance(value, str) else f"{column.name}={value}"
            for column in columns
            if (column.kind in CONFIGURED or column.name in TELLING) and column.type != "float"
            if not self.says(column.name)
            if (value := column.values[self.row]) is not None
        ]
        return f"row {self.row}: {' '.join(told)}"


class Candidates(Sequence[Candidate]):
    """Rows of a table, each made into a ``Candidate`` when it is asked for.

    :param rows: Their numbers, from 0.
    """

    def __init__(self, table: Table, rows: Sequence[int] = ()) -> None:
        self.table = table
        self.numbers = rows

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, at: int) -> Candidate: ...
    @overload
    def __getitem__(self, at: slice) -> Candidates: ...
    def __getitem__(self, at: int | slice) -> Candidate | Candidates:
        if isinstance(at, slice):
            return Candidates(self.table, self.numbers[at])
        return Candidate(self.table, self.numbers[at])

    def __repr__(self) -> str:
        return f"<Candidates {amount(len(self), 'row')}>"


@dataclass(frozen=True)
class Change:
    """A condition with the bound that lets a row in.

    :param to: The row's value.
    :param relative: By how much the bound moves, over its size: 0.2 is 20 %; None where it is given up, as a condition
        that something be equal is.
    """

    condition: Condition
    to: float | str
    relative: float | None

    def __str__(self) -> str:
        if self.relative is None:
            return f"{self.condition.column} is {self.to}"
        return str(Condition(self.condition.column, self.condition.relation, self.to, self.condition.unit))


@dataclass(frozen=True)
class Relaxation:
    """The least change of conditions that makes a row fit.

    :param candidate: The row.
    :param changes: The fewest conditions that must change, and to what.
    """

    candidate: Candidate
    changes: tuple[Change, ...]

    @property
    def relative(self) -> float:
        """By how much the bounds move together, over their sizes."""
        return sum(change.relative or 0.0 for change in self.changes)


@dataclass(frozen=True)
class Reason:
    """How one condition keeps a platform's rows out.

    :param best: The platform's value nearest to the bound; None where none is known.
    :param violated: Rows that violate it.
    :param unknown: Rows that lack a value.
    :param alone: Whether it keeps all rows out by itself.
    """

    condition: Condition
    best: float | None
    violated: int
    unknown: int
    alone: bool


@dataclass(frozen=True)
class Exclusion:
    """Why no row of a platform can be chosen.

    :param rows: How many it has.
    :param unknown: Of how many of them that is not known: they violate nothing and lack a value.
    :param reasons: Conditions that keep all its rows out, the tightest first; of several that do so only together
        those that its nearest row violates.
    :param relaxation: What would let its nearest row in.
    """

    rows: int
    unknown: int
    reasons: tuple[Reason, ...]
    relaxation: Relaxation | None


@dataclass(frozen=True)
class Missing:
    """A column without whose value rows could neither be chosen nor ruled out.

    :param rows: How many of them lack it, by platform.
    :param reason: Why, of the first of them; empty where nobody said why.
    """

    column: str
    rows: Mapping[str, int]
    reason: str = ""


@dataclass(frozen=True)
class Front:
    """Rows than which no other one is at least as good by every metric and better by one.

    :param metrics: What they are compared by.
    :param candidates: The best by the first metric first.
    :param unknown: Rows that fit and lack one of the metrics.
    :param left_out: Usual metrics that are left out as not every row has them, and why.
    """

    metrics: tuple[Objective, ...]
    candidates: Candidates
    unknown: int = 0
    left_out: Mapping[str, Unavailable] = field(default_factory=dict)
