"""What is asked of a table: conditions on its columns, and what is to be the best."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import ConfigError, nearest, setting
from lpbench.results.choosing._columns import TEXT
from lpbench.results.directions import QUALITY, Direction, direction_of
from lpbench.util.text import brief

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.results.table import Column, Table

    Bound = float | str


class Relation(enum.Enum):
    """How a value is to be to the bound of a condition; the word is that of the command line."""

    AT_MOST = "max"
    AT_LEAST = "min"
    EQUAL = "equal"
    KNOWN = "known"
    """Any value: what is to be the best must be known."""


MOST = 100
"""Conditions of a question."""
WAYS = {"min": Direction.LOWEST, "max": Direction.HIGHEST}
WORDS = {Relation.AT_MOST: "at most", Relation.AT_LEAST: "at least", Relation.EQUAL: "is"}


@dataclass(frozen=True)
class Condition:
    """A condition on one column.

    :param bound: In the column's unit; a text for columns of words.
    """

    column: str
    relation: Relation
    bound: float | str = ""
    unit: str = ""

    def __str__(self) -> str:
        if self.relation is Relation.KNOWN:
            return f"{self.column} is known"
        bound = self.bound if isinstance(self.bound, str) else f"{self.bound:g}"
        return f"{self.column} {WORDS[self.relation]} {bound} {self.unit}".rstrip()

    @property
    def asked(self) -> str:
        """The condition as it was asked for: ``--max LATENCY=20``."""
        bound = self.bound if isinstance(self.bound, str) else f"{self.bound:g}"
        return f"{setting(self.relation.value)} {self.column}={bound}"


@dataclass(frozen=True)
class Objective:
    """A metric that is to be as good as possible.

    :param column: By which rows are compared: where rows of different hours have their latency beside a shared
        reference, that takes the place of the latency of each row's own minutes.
    """

    metric: str
    direction: Direction
    column: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.direction.value} {self.metric}"


@dataclass(frozen=True)
class Question:
    """What is asked of a table.

    :param best: None where only the Pareto front is asked for.
    :param pareto: Metrics of that front; empty for the usual ones.
    :param quality: Which way ``QUALITY_VALUE`` is better here; None where its metric is not known.
    """

    conditions: tuple[Condition, ...] = ()
    best: Objective | None = None
    pareto: tuple[Objective, ...] = ()
    quality: Direction | None = None


def conditions(
    table: Table, most: Mapping[str, Bound], least: Mapping[str, Bound], equal: Mapping[str, Bound]
) -> tuple[Condition, ...]:
    """Return the conditions that are asked for.

    :raises ResultError: There is no such column, with the nearest.
    :raises ConfigError: A bound is no number in the column's unit or a value that no row has; or two contradict.
    """
    given = ((Relation.AT_MOST, most), (Relation.AT_LEAST, least), (Relation.EQUAL, equal))
    found = tuple(
        _condition(table.column(word), relation, bound) for relation, bounds in given for word, bound in bounds.items()
    )
    if len(found) > MOST:
        raise ConfigError(f"found {len(found)} conditions", hint=f"a question takes at most {MOST}")
    _refuse_contradictions(found)
    return found


def objective(table: Table, word: str, quality: Direction | None = None) -> Objective:
    """Return what a word such as ``POWER_CONSUMPTION``, or ``quality:max``, asks to be the best.

    :param quality: Which way ``QUALITY_VALUE`` is better in this table, where its metric is known.
    :raises ConfigError: The column has words, or nothing defines which way it is better.
    """
    name, _, stated = word.rpartition(":")
    if stated not in WAYS:
        name, stated = word, ""
    column, where = table.column(name), setting("best")
    if column.type == TEXT:
        raise ConfigError(f"{column.name} has words, and none of them is the best", where=where)
    asked = WAYS.get(stated)
    known = direction_in(column, quality)
    if asked and known and asked is not known:
        raise ConfigError(
            f"the best {column.name} is the {known.value} one", where=where, hint=f'leave ":{stated}" out'
        )
    chosen = asked or known
    if chosen is None:
        described = f" ({brief(column.description)})" if column.description else ""
        raise ConfigError(
            f"nothing defines whether a low or a high {column.name}{described} is better",
            where=where,
            hint=f"say it: {column.name}:min or {column.name}:max",
        )
    return Objective(column.name, chosen, column.name, column.unit)


def direction_in(column: Column, quality: Direction | None) -> Direction | None:
    """Return which way a column is better; None where nothing defines it.

    :param quality: Of ``QUALITY_VALUE`` in this table.
    """
    return column.direction or (quality if column.name == QUALITY else direction_of(column.name))


def _condition(column: Column, relation: Relation, bound: Bound) -> Condition:
    where = setting(relation.value)
    if column.type != TEXT:
        number = _number(column, bound, where)
        if relation is Relation.EQUAL and number not in column.values:
            _refuse_value(column, number, where)
        return Condition(column.name, relation, number, column.unit)
    if relation is not Relation.EQUAL:
        hint = f"{setting('equal')} takes a value that it has"
        raise ConfigError(f"{column.name} has words, which are neither more nor less", where=where, hint=hint)
    alike = {str(value).casefold(): str(value) for value in set(column.values) if value is not None}
    if str(bound).casefold() not in alike:
        _refuse_value(column, str(bound), where)
    return Condition(column.name, relation, alike[str(bound).casefold()])


def _number(column: Column, bound: Bound, where: str) -> float:
    """Return a bound as a number; a text may end in the column's unit."""
    text = str(bound).strip()
    bare = text.removesuffix(column.unit).strip() if column.unit else text
    try:
        number = float(bare)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        unit = f" in {column.unit}" if column.unit else ""
        raise ConfigError(f"{column.name}: found {brief(bound)}; expected a finite number{unit}", where=where)
    return number


def _refuse_value(column: Column, value: Bound, where: str) -> None:
    known = {each for each in column.values if each is not None}
    if isinstance(value, str):
        said, hint = brief(value), nearest(value, map(str, known))
    else:
        near = min(known, key=lambda each: abs(float(each) - value), default=None)
        said, hint = f"{value:.12g}", "none are known" if near is None else f"the nearest is {near:.12g}"
    raise ConfigError(f"no row has {said} as its {column.name}", where=where, hint=hint)


def _refuse_contradictions(found: Sequence[Condition]) -> None:
    by_column: dict[str, list[Condition]] = {}
    for each in found:
        by_column.setdefault(each.column, []).append(each)
    for column, those in by_column.items():
        relations = [each.relation for each in those]
        if len(set(relations)) < len(relations):
            raise ConfigError(f"{column} has two such conditions", where=those[-1].asked, hint="leave one of them out")
        bounds = {each.relation: each.bound for each in those}
        exact = bounds.get(Relation.EQUAL)
        lows, highs = _numbers(bounds.get(Relation.AT_LEAST), exact), _numbers(bounds.get(Relation.AT_MOST), exact)
        if lows and highs and max(lows) > min(highs):
            both = " and ".join(str(each) for each in those)
            raise ConfigError(f"no value can be both: {both}", where=column, hint="leave one of them out")


def _numbers(*bounds: Bound | None) -> list[float]:
    return [bound for bound in bounds if isinstance(bound, float)]


def objectives(table: Table, words: Iterable[str], quality: Direction | None) -> tuple[Objective, ...]:
    """Return what several words ask to be good at once, each once.

    :raises ConfigError: As ``objective``.
    """
    return tuple(dict.fromkeys(objective(table, word, quality) for word in words))
