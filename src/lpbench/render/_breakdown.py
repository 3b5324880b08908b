"""Breakdown of the time of a sample: the parts that ``--explain`` measured, which add up to the whole."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.render._numbers import percent, spread
from lpbench.render._table import Column, narrow, unstyled, wrapped
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
WHOLE = "whole sample"
APART = 0.05
"""Relative difference of the whole and the latency from which a note points it out."""
LITTLE = 0.01
"""Share of the whole below which a part is not worth naming."""


@dataclass(frozen=True)
class Part:
    """One part of the time, over all runs.

    :param ns: Mean over the runs in nanoseconds: means of parts that add up within a run add up, too; medians do not.
    :param share: Share of the whole.
    """

    name: str
    ns: float
    interval: Interval | Unavailable
    share: float


def parts_of(configuration: Configuration) -> list[Part]:
    """Return the parts in the order of measuring, the whole last; empty without ``--explain``."""
    runs = [run.breakdown for run in configuration.counted if run.breakdown]
    if not runs:
        return []
    names = dict.fromkeys(name for run in runs for name in run)
    values = {name: [run.get(name, 0.0) for run in runs] for name in names}
    values[WHOLE] = [sum(run.values()) for run in runs]
    whole = statistics.fmean(values[WHOLE])
    return [_part(name, times, whole) for name, times in values.items()]


def parts(configuration: Configuration, *, width: int, paint: Paint = unstyled) -> list[str]:
    """Return the lines of the table and of the notes below it."""
    columns, rows = parts_table(configuration)
    if not rows:
        return []
    header, *lines = narrow(columns, rows, width)
    notes = [line for note in parts_notes(configuration) for line in wrapped(note, width)]
    return [paint(header, "dim"), *lines, *notes]


def parts_table(configuration: Configuration) -> tuple[list[Column], list[list[str]]]:
    """Return the columns and a row for each part."""
    unit = unit_for([configuration])
    columns = [Column(TITLE, left=True), Column(unit.name), Column("±", left=True, whole=True), Column("share")]
    return columns, [_row(part, unit) for part in parts_of(configuration)]


def parts_notes(configuration: Configuration) -> list[str]:
    """Return notes on the largest part after the engine, and on a difference of the whole from the latency."""
    *components, whole = parts_of(configuration)
    unit = unit_for([configuration])
    largest = max((part for part in components if part.name != ALONE), key=lambda part: part.ns, default=whole)
    if largest.share < LITTLE:
        notes = [f"no part but the engine itself takes {percent(LITTLE)} of the time"]
    else:
        time = f"{unit.show(largest.ns)} {unit.name}"
        notes = [f"largest part after the engine itself: {clean(largest.name)}, {time} ({percent(largest.share)})"]
    python = sum(part.ns for part in components if part.name == PYTHON)
    latency = metric_of(configuration, TOTAL)
    latency_ns = latency.value * MILLISECOND if latency is not None and latency.value is not None else None
    if latency_ns and abs(whole.ns - python - latency_ns) > APART * latency_ns:
        times = f"{unit.show(whole.ns - python)} {unit.name} here, {unit.show(latency_ns)} {unit.name} above"
        notes.append(f"the latency differed while its parts were measured: {times}")
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
