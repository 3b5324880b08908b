"""Where the time of a sample goes: the parts that ``--explain`` measured, which add up."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.render._numbers import percent, spread
from lpbench.render._table import Column, fit, table, unstyled
from lpbench.render._units import Unit, metric_of, unit_for
from lpbench.results.metrics import MILLISECOND
from lpbench.results.stages import ALONE, PYTHON, TOTAL
from lpbench.results.stats import Interval, difference_interval
from lpbench.util.text import clean

if TYPE_CHECKING:
    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration
    from lpbench.util.unavailable import Unavailable

TITLE = "where the time goes"
WHOLE = "a sample, all in all"
APART = 0.05
"""The whole may differ from the latency by this share before the screen says so."""
LITTLE = 0.01
"""A part below this share of the whole is not worth naming."""


@dataclass(frozen=True)
class Part:
    """One part over the runs.

    :param ns: Mean over the runs, nanoseconds: only means of what adds up within a run add up themselves.
    :param share: Of the whole.
    """

    name: str
    ns: float
    interval: Interval | Unavailable
    share: float


def parts_of(each: Configuration) -> list[Part]:
    """Return the parts in the order of measuring, the whole last; none where nobody asked for them."""
    runs = [run.parts for run in each.counted if run.parts]
    if not runs:
        return []
    names = dict.fromkeys(name for run in runs for name in run)
    values = {name: [run.get(name, 0.0) for run in runs] for name in names}
    values[WHOLE] = [sum(run.values()) for run in runs]
    whole = statistics.fmean(values[WHOLE])
    return [_part(name, found, whole) for name, found in values.items()]


def parts(each: Configuration, *, width: int, paint: Paint = unstyled) -> list[str]:
    """Return the lines of the table and what stands out in it."""
    columns, rows = parts_table(each)
    if not rows:
        return []
    header, *lines = fit(columns, rows, width) or table(columns, rows, gap=1)
    return [paint(header, "dim"), *lines, *parts_notes(each)]


def parts_table(each: Configuration) -> tuple[list[Column], list[list[str]]]:
    """Return the columns and a row for each part."""
    unit = unit_for([each])
    columns = [Column(TITLE, left=True), Column(unit.name), Column("±", left=True), Column("share")]
    return columns, [_row(part, unit) for part in parts_of(each)]


def parts_notes(each: Configuration) -> list[str]:
    """Return what takes most after the engine itself, and whether the parts are those of the latency."""
    *found, whole = parts_of(each)
    unit = unit_for([each])
    largest = max((part for part in found if part.name != ALONE), key=lambda part: part.ns, default=whole)
    if largest.share < LITTLE:
        notes = [f"nothing but the engine itself takes {percent(LITTLE)} of it"]
    else:
        time = f"{unit.show(largest.ns)} {unit.name}"
        notes = [f"most after the engine itself: {clean(largest.name)}, {time} ({percent(largest.share)})"]
    python = sum(part.ns for part in found if part.name == PYTHON)
    latency = metric_of(each, TOTAL)
    alone = latency.value * MILLISECOND if latency is not None and latency.value is not None else None
    if alone and abs(whole.ns - python - alone) > APART * alone:
        apart = f"{unit.show(whole.ns - python)} {unit.name} here, {unit.show(alone)} {unit.name} above"
        notes.append(f"the latency was another when it was taken apart: {apart}")
    return notes


def _part(name: str, values: list[float], whole: float) -> Part:
    mean = statistics.fmean(values)
    return Part(name, mean, difference_interval(values), mean / whole if whole else 0.0)


def _row(part: Part, unit: Unit) -> list[str]:
    reach = ""
    if isinstance(part.interval, Interval):
        half = (part.interval.upper - part.interval.lower) / 2
        reach = spread(part.ns / unit.ns, half / unit.ns)
    return [clean(part.name), unit.show(part.ns), reach, percent(part.share)]
