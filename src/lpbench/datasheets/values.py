"""The values of data sheets: ranges, prices, memories and stated figures."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import DataSheetError
from lpbench.util.text import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = Any
"""Of a row: a text, a number, a class of this module, a tuple of those, or None."""
MANY = 10_000
"""From here on digits are grouped; years are not."""


@dataclass(frozen=True)
class Span:
    """A range; both ends are equal where the source states one number."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"

    def holds(self, number: float) -> bool:
        """Say whether a number lies in the range."""
        return self.low <= number <= self.high


@dataclass(frozen=True)
class Price(Span):
    """What something costs.

    :param currency: ISO 4217; None where the source names none.
    :param date: Day of the price, or of the document that states it.
    """

    currency: str | None = None
    date: str | None = None

    @property
    def figure(self) -> float:
        """The one amount for a table that has no ranges: the highest, with which it can be bought in any case."""
        return self.high

    @property
    def short(self) -> str:
        """The amount with its currency, where that is known."""
        return " ".join(filter(None, (super().__str__(), self.currency)))

    def __str__(self) -> str:
        date = f" ({self.date})" if self.date else ""
        return f"{self.short}{'' if self.currency else ', currency not told'}{date}"


@dataclass(frozen=True)
class Memory:
    """A memory, of which the size, the kind or both are known."""

    gigabytes: float | None = None
    kind: str | None = None

    def __str__(self) -> str:
        size = None if self.gigabytes is None else _size(self.gigabytes)
        return " ".join(filter(None, (size, self.kind)))


@dataclass(frozen=True)
class Figure:
    """A figure as its source states it.

    :param of: What it is of: a processing unit, a metric of quality; None where the source does not say.
    """

    value: float
    unit: str
    of: str | None = None

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}{f' ({self.of})' if self.of else ''}"


def _size(gigabytes: float) -> str:
    """Return a size in the unit in which it is a readable number."""
    for unit, factor in (("GB", 1), ("MB", 1e3), ("kB", 1e6)):
        if gigabytes * factor >= 1:
            return f"{gigabytes * factor:g} {unit}"
    return f"{gigabytes * 1e9:g} B"


def of_json(kind: str, value: Any, where: str) -> Value:
    """Return a value that the schema accepts as its class.

    :param kind: The definition of the schema that describes it.
    :raises DataSheetError: The ends of a range are in the wrong order.
    """
    make = _MAKERS.get(kind)
    return value if value is None or make is None else make(value, where)


def _span(value: float | list[float], where: str) -> Span:
    return Span(*_ends(value, where))


def _price(value: Mapping[str, Any], where: str) -> Price:
    date = value.get("date")
    _refuse_wrong_date(date, f"{where}.date")
    return Price(*_ends(value["amount"], f"{where}.amount"), value.get("currency"), date)


def _memories(value: list[Mapping[str, Any]], _: str) -> tuple[Memory, ...]:
    return tuple(Memory(each.get("gigabytes"), each.get("kind")) for each in value)


def _figures(value: list[Mapping[str, Any]], _: str) -> tuple[Figure, ...]:
    return tuple(Figure(each["value"], each["unit"], each.get("of")) for each in value)


def _refuse_wrong_date(date: str | None, where: str) -> None:
    try:
        dt.date.fromisoformat(date or "2000-01-01")
    except ValueError:
        raise DataSheetError(f"found {brief(date)}", where=where, hint="expected a day such as 2026-11-02") from None


def _ends(value: float | list[float], where: str) -> tuple[float, float]:
    low, high = value if isinstance(value, list) else (value, value)
    if low > high:
        raise DataSheetError(f"found {brief(value)}", where=where, hint="the low end of a range comes first")
    return low, high


_MAKERS: dict[str, Callable[[Any, str], Value]] = {
    "watts": _span,
    "celsius": _span,
    "price": _price,
    "memories": _memories,
    "figures": _figures,
    "texts": lambda value, _: tuple(value),
    "year": lambda value, _: int(value),  # 2022.0 is a whole number of JSON
    "count": lambda value, _: int(value),
}


def words(value: Value) -> str:
    """Return a value as people read it: ``none`` where there is none, and nothing where nobody tells."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        parts = list(map(str, value))
        return ("; " if any("," in part for part in parts) else ", ").join(parts) or "none"
    if isinstance(value, int):
        return f"{value:,}" if value >= MANY else str(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def fits(value: Value, wanted: str) -> bool:
    """Say whether a value is what a word asks for: a number in the range, or a part of the text in any case."""
    if isinstance(value, tuple):
        return any(fits(each, wanted) for each in value) or (not value and wanted.lower() == words(value))
    if isinstance(value, Memory):
        return fits(value.gigabytes, wanted) or fits(value.kind, wanted)
    if isinstance(value, Figure):
        return fits(value.value, wanted) or fits(value.unit, wanted) or fits(value.of, wanted)
    if isinstance(value, str):
        return wanted.lower() in value.lower()
    number = _number(wanted)
    if value is None or number is None:
        return isinstance(value, Price) and wanted.upper() == value.currency
    return value.holds(number) if isinstance(value, Span) else bool(value == number)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
