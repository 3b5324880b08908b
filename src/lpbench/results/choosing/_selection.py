"""The answer to what was asked of a table."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.results.choosing._document import (
    candidate_document,
    condition_document,
    exclusion_document,
    front_document,
    objective_document,
    relaxation_document,
)
from lpbench.results.choosing._values import Rule
from lpbench.results.table import Column, Kind, Table
from lpbench.util.shown import Shown, figure
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.results.choosing._question import Condition, Objective
    from lpbench.results.choosing._values import Candidate, Candidates, Exclusion, Front, Missing, Relaxation
    from lpbench.util.unavailable import Unavailable


@dataclass(frozen=True, repr=False)
class Selection(Shown):
    """The answer to what was asked of a table.

    :param best: What was to be the best; None where only the Pareto front was asked for.
    :param fitting: Rows that satisfy every condition, in the order of the table.
    :param violating: How many rows violate one.
    :param unknown_rows: How many violate nothing and lack a value: they are never chosen.
    :param set_aside: Rows that cannot be chosen whatever is asked for, by the reason: not measured, or barred.
    :param find_front: Finds the Pareto front, which takes longer than everything else.
    :param choice: The best row that fits; None where there is none.
    :param runners_up: The next best.
    :param not_told_apart: Rows that may be as good as the choice, by ``rule``, the best first.
    :param borderline: Conditions that the choice satisfies, and the other side of which its interval reaches.
    :param excluded: Why no row of a platform fits, by platform.
    :param relaxation: Where nothing fits, the smallest change that would let a row in, or why there is none.
    :param unknown: What the ``unknown_rows`` lack.
    """

    table: Table
    conditions: tuple[Condition, ...]
    best: Objective | None
    fitting: Candidates
    violating: int
    unknown_rows: int
    set_aside: Mapping[str, int]
    find_front: Callable[[], Front]
    choice: Candidate | None = None
    runners_up: Candidates | tuple[Candidate, ...] = ()
    not_told_apart: Candidates | tuple[Candidate, ...] = ()
    rule: Rule = Rule.VALUES
    borderline: tuple[Condition, ...] = ()
    excluded: Mapping[str, Exclusion] = field(default_factory=dict)
    relaxation: Relaxation | Unavailable | None = None
    unknown: tuple[Missing, ...] = ()

    @functools.cached_property
    def pareto(self) -> Front:
        """The Pareto front of the rows that fit, found when it is first asked for."""
        return self.find_front()

    def in_short(self) -> str:
        """Return the choice and its value, or that nothing fits."""
        if self.best is None:
            return f"{self.table.name}: {amount(len(self.pareto.candidates), 'row')} on the Pareto front"
        if self.choice is None:
            return f"{self.table.name}: nothing fits"
        value = self.choice.value(self.best.column)
        shown = figure(value) if isinstance(value, (int, float)) else str(value)
        return f"{self.table.name}: {self.best} {shown} {self.best.unit}".rstrip() + f", {self.choice.in_short()}"

    def named(self) -> Table:
        """Return a table of the rows that the answer names: the choice, the runners-up, those on the Pareto front.

        PLACE is the place, none of rows that are on the front only; NOT_TOLD_APART and ON_FRONT are 1 or 0.
        """
        placed = [each.row for each in (*([self.choice] if self.choice else ()), *self.runners_up)]
        front = [each.row for each in self.pareto.candidates]
        rows = list(dict.fromkeys((*placed, *front)))
        places = {row: at for at, row in enumerate(placed, start=1)}
        alike, on_front = {each.row for each in self.not_told_apart}, set(front)
        answers = (
            Column("PLACE", Kind.FACT, [places.get(row) for row in rows], "int"),
            Column("NOT_TOLD_APART", Kind.FACT, [int(row in alike) for row in rows], "bin"),
            Column("ON_FRONT", Kind.FACT, [int(row in on_front) for row in rows], "bin"),
        )
        taken = (column for column in self.table.columns if column.name not in {each.name for each in answers})
        return Table(self.table.name, (*answers, *(_taken(column, rows) for column in taken)), self.table.source)

    def to_pandas(self) -> Any:
        """Return ``named`` as a pandas DataFrame.

        :raises ResultError: pandas is not installed.
        """
        return self.named().to_pandas()

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "format": "lpbench-choice",
            "algorithm": self.table.name,
            "source": self.table.source,
            "conditions": list(map(condition_document, self.conditions)),
            "best": objective_document(self.best) if self.best else None,
            "rows": {
                "fitting": len(self.fitting),
                "violating": self.violating,
                "unknown": self.unknown_rows,
                "set_aside": dict(self.set_aside),
            },
            "choice": candidate_document(self.choice) if self.choice else None,
            "runners_up": list(map(candidate_document, self.runners_up)),
            "not_told_apart": {"rule": self.rule.value, "rows": [each.row for each in self.not_told_apart]},
            "borderline": list(map(condition_document, self.borderline)),
            "excluded": {platform: exclusion_document(each) for platform, each in self.excluded.items()},
            "relaxation": relaxation_document(self.relaxation),
            "unknown": [
                {"column": each.column, "rows": dict(each.rows), "reason": each.reason or None} for each in self.unknown
            ],
            "pareto": front_document(self.pareto),
        }


def _taken(column: Column, rows: Sequence[int]) -> Column:
    """Return a column of some rows."""
    return dataclasses.replace(
        column,
        values=[column.values[row] for row in rows],
        lower=column.lower and [column.lower[row] for row in rows],
        upper=column.upper and [column.upper[row] for row in rows],
        reasons=column.reasons and [column.reasons[row] for row in rows],
    )
