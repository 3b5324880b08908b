"""``lpbench.choose``: the best of measured configurations under conditions, from a sweep or from exchanged data."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import OutOfRangeError, ResultError, UnknownNameError, closest, nearest, setting
from lpbench.plugin import registry
from lpbench.results import exchange
from lpbench.results.choosing import Question, Selection, conditions, objective, objectives, select
from lpbench.results.directions import DIRECTIONS, PUBLISHED_QUALITY, QUALITY, Direction, direction_of
from lpbench.results.exchange.columns import UNITS
from lpbench.results.sweep import FILE, Sweep
from lpbench.results.table import Column, Kind, Table
from lpbench.util.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

QUALITY_METRIC = "QUALITY_METRIC"
RUNNERS_UP = 5
UNMEASURED = "was not measured"


@checked
def choose(  # noqa: PLR0913 - one keyword for each part of the question
    source: Table | Sweep | str | Path,
    *,
    max: Mapping[str, float | str] | None = None,  # noqa: A002 - the word of the command line
    min: Mapping[str, float | str] | None = None,  # noqa: A002 - likewise
    equal: Mapping[str, float | str] | None = None,
    best: str = "",
    pareto: str | Sequence[str] = (),
    top: int = RUNNERS_UP,
    algorithm: str = "",
) -> Selection:
    """Return the best of the rows that were measured, what comes next, and why other platforms are out.

    Every row is looked at.  A condition on a value that is missing is unknown: its row is never chosen, and counted.
    So it is with a metric of the glossary that no row has.

    :param source: A sweep or its folder; or exchanged data: a descriptor, its CSV, a folder of such pairs, a table.
    :param max: The greatest values that are allowed, by column and in its unit: ``{"LATENCY": 20}``; a text may end in
        that unit.
    :param min: The least ones, likewise.
    :param equal: Values that a row must have: ``{"ENGINE": "ncnn"}``.
    :param best: The metric to be as good as possible; its definition says whether that is low or high.  Of one that the
        glossary does not define say it: ``"time:min"``.  Empty asks for the Pareto front alone.
    :param pareto: Metrics of the Pareto front; by default those of latency, quality, energy, memory and price that are
        known of every row that fits.
    :param top: How many runners-up are named.
    :param algorithm: Which one, where the source holds the data of several.
    :raises LpbenchError: The source cannot be read, a name is neither that of a column nor of a metric, or conditions
        contradict each other.
    """
    if top < 0:
        raise OutOfRangeError(f"found {top}", where=setting("top"), hint="it takes 0 or more")
    metrics = [pareto] if isinstance(pareto, str) else pareto
    table = _with_unmeasured(_named(_tables(source), algorithm, source), [*(max or ()), *(min or ()), best, *metrics])
    quality = quality_direction(table)
    asked = conditions(table, max or {}, min or {}, equal or {})
    wanted = objective(table, best, quality) if best else None
    return select(table, Question(asked, wanted, objectives(table, metrics, quality), quality), top=top)


def quality_direction(table: Table) -> Direction | None:
    """Return which way ``QUALITY_VALUE`` is better in a table; None where its metric is not known, or not the same."""
    columns = {column.name: column for column in table.columns}
    if QUALITY not in columns:
        return None
    if not columns[QUALITY].known:
        return direction_of(QUALITY)
    names = {columns[QUALITY].description}
    if QUALITY_METRIC in columns:
        names = {str(value) for value in columns[QUALITY_METRIC].values if value is not None}
    ways = {metric_direction(name) for name in names}
    return ways.pop() if len(ways) == 1 else None


def metric_direction(name: str) -> Direction | None:
    """Return which way a quality metric is better, of published data or of an installed plugin."""
    if name in PUBLISHED_QUALITY:
        return PUBLISHED_QUALITY[name]
    try:
        metric = registry.current().get(registry.METRICS, name).spec
    except UnknownNameError:
        return None
    return Direction.HIGHEST if metric.higher_is_better else Direction.LOWEST


def _tables(source: Table | Sweep | str | Path) -> tuple[Table, ...]:
    if isinstance(source, Table):
        return (source,)
    if isinstance(source, Sweep):
        return (exchange.table_of(source),)
    if not (Path(source) / FILE).is_file():
        return exchange.load(source)
    from lpbench.jobs.sweep import load_sweep  # what measures takes longer to import than most tables to read

    return (exchange.table_of(load_sweep(source)),)


def _with_unmeasured(table: Table, words: Iterable[str]) -> Table:
    """Return a table that has, as not known in any row, those metrics of the glossary that are asked for too.

    What nobody measured is unknown: only a name that the glossary does not define is a mistake.

    :raises ResultError: A name is a mistake, and the nearest is one of the glossary that no row has.
    """
    there = {column.name for column in table.columns}
    names = dict.fromkeys(word.partition(":")[0].strip().upper() for word in words)
    defined = {*DIRECTIONS, *(each.upper() for each in there)}
    for name in (each for each in names if each not in defined):
        near = closest(name, sorted({*there, *DIRECTIONS}))
        if near in DIRECTIONS and near not in there:
            raise ResultError(f'there is no metric "{name}"', where=table.source, hint=f'did you mean "{near}"?')
    added = [
        Column(name, Kind.TARGET, [None] * len(table), unit=UNITS.get(name, ""), reasons=[UNMEASURED] * len(table))
        for name in names
        if name in DIRECTIONS and name not in there
    ]
    return dataclasses.replace(table, columns=(*table.columns, *added)) if added else table


def _named(tables: Sequence[Table], algorithm: str, source: Table | Sweep | str | Path) -> Table:
    """Return the table of an algorithm, or the only one."""
    names = {table.name: table for table in tables}
    where = str(source) if isinstance(source, (str, Path)) else ""
    if algorithm and algorithm not in names:
        raise ResultError(f'holds no data of "{algorithm}"', where=where, hint=nearest(algorithm, names))
    if not algorithm and len(names) > 1:
        hint = f"name one with {setting('algorithm')}: {', '.join(sorted(names))}"
        raise ResultError(f"holds the data of {len(names)} algorithms", where=where, hint=hint)
    return names[algorithm] if algorithm else tables[0]
