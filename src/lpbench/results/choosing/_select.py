"""Choosing among measured rows by enumerating all of them: exact, and it can say why."""

from __future__ import annotations

import collections
import dataclasses
import functools
import heapq
from typing import TYPE_CHECKING

from lpbench.results.choosing._columns import Columns
from lpbench.results.choosing._comparable import borderline, comparable, not_told_apart
from lpbench.results.choosing._exclusions import Exclusions
from lpbench.results.choosing._pareto import pareto
from lpbench.results.choosing._question import Condition, Relation
from lpbench.results.choosing._relaxation import Relaxations
from lpbench.results.choosing._selection import Selection
from lpbench.results.choosing._truth import truth, verdicts
from lpbench.results.choosing._values import Candidate, Candidates, Missing
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.choosing._question import Objective, Question
    from lpbench.results.choosing._row_sets import RowSet
    from lpbench.results.choosing._truth import Truth, Verdicts
    from lpbench.results.table import Table


def select(table: Table, question: Question, *, top: int) -> Selection:
    """Return the answer to a question.

    :param top: Runners-up that it names.
    """
    columns = Columns(table)
    known = [Condition(question.best.metric, Relation.KNOWN)] if question.best else []
    truths = [truth(condition, columns) for condition in (*question.conditions, *known)]
    found = verdicts(truths, columns)
    selection = Selection(
        table,
        question.conditions,
        comparable(question.best, found.fitting, columns) if question.best else None,
        fitting=Candidates(table, list(found.fitting)),
        violating=len(found.violating),
        unknown_rows=len(found.unknown),
        set_aside={reason: len(rows) for reason, rows in columns.set_aside.items()},
        find_front=functools.partial(pareto, question, found.fitting, columns),
        unknown=_missing(truths, found.unknown, columns),
    )
    if selection.best and found.fitting:
        selection = _with_choice(selection, selection.best, columns, top)
    return _with_reasons(selection, truths, found, columns)


def _with_choice(selection: Selection, best: Objective, columns: Columns, top: int) -> Selection:
    """Return a selection with the best of the rows that fit, the next best, and those that may be as good."""
    values, sign = columns.numbers(best.column).values, best.direction.sign

    def place(row: int) -> tuple[float, int]:
        return sign * values[row], row

    rows = selection.fitting.numbers
    first, *others = heapq.nsmallest(top + 1, rows, key=place)
    rule, alike = not_told_apart(first, rows, best, columns)
    choice = Candidate(selection.table, first)
    return dataclasses.replace(
        selection,
        choice=choice,
        runners_up=Candidates(selection.table, others),
        not_told_apart=Candidates(selection.table, sorted(alike, key=place)),
        rule=rule,
        borderline=tuple(each for each in selection.conditions if borderline(each, choice)),
    )


def _with_reasons(selection: Selection, truths: Sequence[Truth], found: Verdicts, columns: Columns) -> Selection:
    """Return a selection that says what keeps platforms out, and what would let something in."""
    relaxations = Relaxations(truths, columns)
    excluded = Exclusions(truths, found, relaxations, columns).by_platform()
    if found.fitting:
        return dataclasses.replace(selection, excluded=excluded)
    nearest = relaxations.nearest(columns.candidates)
    return dataclasses.replace(selection, excluded=excluded, relaxation=nearest or _no_relaxation(columns))


def _no_relaxation(columns: Columns) -> Unavailable:
    if columns.candidates:
        return Unavailable("every row lacks a value that is asked for", "not-read")
    return Unavailable("no row was measured that may be chosen", "not-read")


def _missing(truths: Sequence[Truth], unknown: RowSet, columns: Columns) -> tuple[Missing, ...]:
    """Return by column which rows lack the value that they would have to have."""
    lacking = {each.condition.column: each.unknown & unknown for each in truths}
    return tuple(
        Missing(name, dict(collections.Counter(rows.of(columns.platforms))), _why(name, rows, columns))
        for name, rows in lacking.items()
        if rows
    )


def _why(name: str, rows: RowSet, columns: Columns) -> str:
    column = columns.table.column(name)
    return next(filter(None, map(column.why, rows)), "") if column.reasons else ""
