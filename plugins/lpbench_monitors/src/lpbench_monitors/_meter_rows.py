"""Rows of a meter's file: CSV with or without a header, or line protocol (docs.influxdata.com, "Line protocol").

CSV: separated by semicolon, tab or comma, the first that the header has; unless it is the comma, a comma may be the
decimal sign.  Without a power column, volts times amperes count.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench_monitors._meter_text import WORDS, amount, moment, quantity, scale, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lpbench_monitors._meter_text import Quantity
    from lpbench_monitors.config import MeterConfig

PREAMBLE = 200
"""Lines in which the header is looked for."""
SHOWN = 60
_DATE = frozenset({"date", "datum"})
_CLOCK = WORDS["time"] - {"s", "ms", "seconds", "sekunden"}
_INFLUX = re.compile(r'((?:\\.|[^\s\\])+) ((?:[^\s"\\]|\\.|"(?:\\.|[^"\\])*")+)(?: (-?\d{1,20}))?')
_FIELD = re.compile(r'((?:\\.|[^,=\s\\])+)=("(?:\\.|[^"\\])*"|[^,\s"]+)')


@dataclass(frozen=True)
class Row:
    """What a meter said at a time of its own clock.

    :param time: Seconds since 1970, or since its own start.
    :param watts: None where it was no number, or the row has none.
    :param joules: Of a cumulative energy.
    """

    time: float
    watts: float | None
    joules: float | None


@dataclass(frozen=True)
class Column:
    """A column and what one of its units is in W, V, A or J."""

    index: int
    scale: float


@dataclass(frozen=True)
class Layout:
    """Where a CSV has what.

    :param time: The columns of the time: one, or date and time.
    :param unit: Seconds of a unit of times that count from a start of their own.
    :param power: One column, or volts and amperes; empty if there are none.
    """

    separator: str
    time: tuple[int, ...]
    unit: float
    power: tuple[Column, ...]
    energy: Column | None

    @property
    def comma(self) -> bool:
        """Whether a comma may be the decimal sign."""
        return self.separator != ","


class RowReader:
    """Makes rows of lines, once a header or a first row has told the format.

    :ivar unreadable: Lines that were none.
    :ivar others: Rows of further devices in the same file.
    """

    def __init__(self, config: MeterConfig) -> None:
        self._config = config
        self.reset()

    def reset(self) -> None:
        """Begin with another file."""
        self.layout: Layout | None = None
        self.influx = False
        self.unreadable = self.others = 0
        self.first = ""
        self._device = ""
        self._preamble = 0

    @property
    def known(self) -> bool:
        """Whether the format is known."""
        return self.influx or self.layout is not None

    @property
    def powered(self) -> bool:
        """Whether each row should have a power."""
        return self.layout is not None and bool(self.layout.power)

    @property
    def multiplied(self) -> bool:
        """Whether power is volts times amperes."""
        return self.layout is not None and len(self.layout.power) > 1

    def rows(self, lines: Iterable[str]) -> list[Row]:
        """Return the rows of some lines."""
        found = (self._row(line) for raw in lines if (line := raw.strip("\r\n \0")))
        return [row for row in found if row is not None]

    def _row(self, line: str) -> Row | None:
        if self.influx:
            return None if line.startswith("#") else self._of_influx(line)
        if self.layout is None:
            return self._learn(line)
        row = None if line.startswith("#") else self._of_csv(line, self.layout)
        if row is None and (again := titled(line, self._config)):  # the logger was started again
            self.layout = again
        elif row is None and line.lstrip('"')[:1].isdigit():  # what begins otherwise is a remark of the logger
            self.unreadable += 1
        return row

    def _learn(self, line: str) -> Row | None:
        """Take the format from a header, or from a first row, which is returned."""
        self._preamble += not line.startswith("#")
        self.first = self.first or line[:SHOWN]
        if self._preamble > PREAMBLE:
            return None
        self.influx = self._config.format != "csv" and _is_influx(line)
        if self.influx:
            return self._of_influx(line)
        if self._config.format == "influx":
            return None
        self.layout = titled(line, self._config)
        bare = None if self.layout or self._preamble != 1 else untitled(line, self._config)
        if bare is None:
            return None
        self.layout = bare
        return self._of_csv(line, bare)

    def _of_csv(self, line: str, layout: Layout) -> Row | None:
        cells = split(line, layout.separator)
        try:
            time = " ".join(cells[index] for index in layout.time)
            power = [_scaled(cells[column.index], column, comma=layout.comma) for column in layout.power]
            energy = layout.energy
            joules = None if energy is None else _scaled(cells[energy.index], energy, comma=layout.comma)
        except IndexError:
            return None
        seconds = moment(time, self._config.zone, layout.unit, comma=layout.comma)
        watts = _product(power)
        return None if seconds is None or (watts is None and joules is None) else Row(seconds, watts, joules)

    def _of_influx(self, line: str) -> Row | None:
        match = _INFLUX.fullmatch(line)
        if match is None:
            self.unreadable += 1
            return None
        fields = {_plain(name): value for name, value in _FIELD.findall(match[2])}
        name = _plain(match[1].partition(",")[0])
        row = _of_fields(fields, name, match[3], self._config)
        if row is None:
            self.unreadable += any(_kind(field, name, self._config) == "power" for field in fields)
            return None
        if not self._device and self._config.device in match[1]:
            self._device = match[1]
        if match[1] == self._device:
            return row
        self.others += 1
        return None


def split(line: str, separator: str) -> list[str]:
    """Return the cells of a line."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except (csv.Error, StopIteration):
        return []


def titled(line: str, config: MeterConfig) -> Layout | None:
    """Return the layout that a header tells, or None if the line is none."""
    separator = _separator(line)
    titles = split(line.lstrip("# "), separator)
    kinds = [quantity(title) if amount(title) is None else None for title in titles]
    time = _named(titles, config.time) if config.time else _times(titles, kinds)
    energies = _named(titles, config.energy) if config.energy else _of(kinds, "energy")
    powers = _named(titles, config.power) if config.power else _of(kinds, "power")[:1] or _both(kinds)
    units = [scale(titles[index], "energy") for index in energies[:1]]
    energy = next((Column(index, unit) for index, unit in zip(energies, units, strict=False) if unit), None)
    if not time or not (powers or energy):
        return None
    columns = [Column(index, _unit(titles[index], kinds[index])) for index in powers]
    return Layout(separator, time, scale(titles[time[0]], "time") or 1.0, tuple(columns), energy)


def untitled(line: str, config: MeterConfig) -> Layout | None:
    """Return the layout of a file without header, times first and watts next; None if the line is no row of one."""
    separator = _separator(line)
    cells = split(line, separator)
    if len(cells) < 2 or config.time or config.power or config.energy:  # noqa: PLR2004 - time and watts
        return None
    layout = Layout(separator, (0,), 1.0, (Column(1, 1.0),), None)
    readable = moment(cells[0], config.zone, comma=layout.comma), amount(cells[1], comma=layout.comma)
    return None if None in readable else layout


def _separator(line: str) -> str:
    return next((each for each in ";\t" if each in line), ",")


def _named(titles: list[str], name: str) -> tuple[int, ...]:
    return tuple(index for index, title in enumerate(titles) if title.casefold() == name.casefold())[:1]


def _of(kinds: list[Quantity | None], kind: Quantity) -> tuple[int, ...]:
    return tuple(index for index, each in enumerate(kinds) if each == kind)


def _both(kinds: list[Quantity | None]) -> tuple[int, ...]:
    """Return the columns of volts and amperes; none where one of them is missing."""
    volts, amperes = _of(kinds, "voltage")[:1], _of(kinds, "current")[:1]
    return volts + amperes if volts and amperes else ()


def _times(titles: list[str], kinds: list[Quantity | None]) -> tuple[int, ...]:
    """Return the columns of the time: date and time, or the first that says so by more than a unit."""
    found = sorted(_of(kinds, "time"), key=lambda index: (not words(titles[index]) & _CLOCK, index))
    dates = tuple(index for index in found if words(titles[index]) <= _DATE)
    clocks = tuple(index for index in found if index not in dates and words(titles[index]) & _CLOCK)
    return dates[:1] + clocks[:1] if dates else tuple(found[:1])


def _unit(title: str, kind: Quantity | None) -> float:
    unit = scale(title, kind if kind in {"voltage", "current"} else "power")
    return 1.0 if unit is None else unit


def _scaled(cell: str, column: Column, *, comma: bool) -> float | None:
    """Return a cell in W, V, A or J; a unit that stands in it counts more than the title's."""
    found = amount(cell, comma=comma)
    if found is None or not found.unit:
        return None if found is None else found.value * column.scale
    kind = quantity(found.unit)
    unit = scale(found.unit, kind) if kind else None
    return None if unit is None else found.value * unit


def _product(factors: list[float | None]) -> float | None:
    known = [factor for factor in factors if factor is not None]
    if not known or len(known) < len(factors):
        return None
    return known[0] if len(known) == 1 else known[0] * known[1]


def _is_influx(line: str) -> bool:
    match = _INFLUX.fullmatch(line)
    return match is not None and bool(_FIELD.match(match[2]))


def _plain(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name)


def _kind(field: str, measurement: str, config: MeterConfig) -> Quantity | None:
    """Return what a field holds; one that is called value is named by its measurement."""
    if field.casefold() in {name.casefold() for name in (config.power, config.energy) if name}:
        return "power" if field.casefold() == config.power.casefold() else "energy"
    found = quantity(measurement if field == "value" else field)
    given = config.energy if found == "energy" else config.power
    return None if given and found != "time" else found


def _of_fields(fields: Mapping[str, str], measurement: str, time: str | None, config: MeterConfig) -> Row | None:
    """Return the row of a point; None if it has no time, or neither power nor energy."""
    values: dict[Quantity, float] = {}
    for field, text in fields.items():
        kind, found = _kind(field, measurement, config), amount(text.rstrip("iu"))
        if kind and kind != "time" and found and not found.unit:
            title = measurement if field == "value" else field
            unit = scale(title, kind)
            if unit or kind != "energy":
                values.setdefault(kind, found.value * (unit or 1.0))
    watts = values.get("power", _product([values.get("voltage"), values.get("current")]))
    seconds = moment(time or "", config.zone)
    joules = values.get("energy")
    return None if seconds is None or (watts is None and joules is None) else Row(seconds, watts, joules)
