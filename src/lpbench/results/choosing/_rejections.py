"""Why each row of a table but the choice was not chosen."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.results.choosing._columns import BARRED, MEASURED, Columns
from lpbench.results.choosing._document import candidate_document, condition_document
from lpbench.results.choosing._question import Condition, Relation
from lpbench.results.choosing._truth import truth
from lpbench.results.choosing._values import Candidate
from lpbench.results.table import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.results.choosing._selection import Selection

REASON = "REASON"


class Cause(enum.Enum):
    """What kept a row from being chosen."""

    NOT_MEASURED = "not measured"
    BARRED = "barred"
    """It was measured and may not win: it misses the app's quality gate, or nobody checked its model."""
    VIOLATES = "violates"
    UNKNOWN = "not known"
    """It violates nothing and lacks a value that was asked for."""
    WORSE = "worse"
    ALIKE = "not told apart"
    """It fits, and is not told apart from the choice."""


@dataclass(frozen=True)
class Rejection:
    """A row that was not chosen.

    :param conditions: Those that it violates, or whose value it lacks.
    :param reason: Why it was not measured, is barred or lacks a value; empty where the conditions and values say it.
    """

    candidate: Candidate
    cause: Cause
    conditions: tuple[Condition, ...] = ()
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            **candidate_document(self.candidate),
            "cause": self.cause.value,
            "conditions": list(map(condition_document, self.conditions)),
            "reason": self.reason or None,
        }


def rejections(selection: Selection) -> tuple[Rejection, ...]:
    """Return the rows that were not chosen, in the order of the table, each with the reason."""
    found = _Rejections(selection)
    chosen = selection.choice.row if selection.choice else None
    return tuple(found.of(row) for row in range(len(selection.table)) if row != chosen)


class _Rejections:
    """Finds the reason of each row."""

    def __init__(self, selection: Selection) -> None:
        self._table = selection.table
        columns = Columns(selection.table)
        known = [Condition(selection.best.metric, Relation.KNOWN)] if selection.best else []
        truths = [truth(each, columns) for each in (*selection.conditions, *known)]
        self._violated = [(each.condition, set(each.violated)) for each in truths]
        self._unknown = [(each.condition, set(each.unknown)) for each in truths]
        self._alike = {each.row for each in selection.not_told_apart}
        self._names = {column.name for column in selection.table.columns}

    def of(self, row: int) -> Rejection:
        """Return why a row was not chosen."""
        candidate = Candidate(self._table, row)
        return next(self._reasons(candidate))

    def _reasons(self, candidate: Candidate) -> Iterator[Rejection]:
        """Yield reasons, the one that weighs most first."""
        row = candidate.row
        if self._word(candidate, STATE) not in {"", MEASURED}:
            yield Rejection(candidate, Cause.NOT_MEASURED, reason=self._word(candidate, REASON))
        if barred := self._word(candidate, BARRED):
            yield Rejection(candidate, Cause.BARRED, reason=barred)
        if violated := tuple(condition for condition, rows in self._violated if row in rows):
            yield Rejection(candidate, Cause.VIOLATES, violated)
        if unknown := tuple(condition for condition, rows in self._unknown if row in rows):
            yield Rejection(candidate, Cause.UNKNOWN, unknown, self._table.column(unknown[0].column).why(row))
        yield Rejection(candidate, Cause.ALIKE if row in self._alike else Cause.WORSE)

    def _word(self, candidate: Candidate, column: str) -> str:
        value = candidate.value(column) if column in self._names else None
        return "" if value is None else str(value)
