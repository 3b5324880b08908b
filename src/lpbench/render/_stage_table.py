"""The table of the published tool: one row for each stage, with wall and CPU time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.render._numbers import ABSENT
from lpbench.render._table import Column, blocks, fit, unstyled
from lpbench.render._units import Unit, metric_of, uncertainty, unit_for
from lpbench.results.stats import FEWEST_RUNS
from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration
    from lpbench.results.run import Stage
    from lpbench.results.stats import Summary

Part = tuple[list[Column], list[list[str]]]
"""Columns and the rows under them."""
STAGE, REAL, CPU, TYPE, PLUGIN = slice(0, 1), slice(1, 7), slice(7, 12), slice(12, 13), slice(13, 14)
"""Positions of the parts of a row."""


def stage_table(configuration: Configuration, *, width: int, paint: Paint = unstyled) -> list[str]:
    """Return the lines of the table: one block if it fits, otherwise wall time above CPU time."""
    unit = unit_for([configuration])
    columns, rows = stage_columns(unit), stage_rows(configuration, unit)
    whole = fit(columns, rows, width)
    if whole is not None:
        return [*(paint(line, "dim") for line in whole[:2]), *whole[2:]]
    return [
        *_block(f"real {unit.name}", _part(columns, rows, (REAL, TYPE)), width, paint),
        "",
        *_block(f"CPU {unit.name}", _part(columns, rows, (CPU, PLUGIN)), width, paint),
    ]


def stage_columns(unit: Unit) -> list[Column]:
    """Return the columns of the whole table."""
    real, cpu = f"real {unit.name}", f"CPU {unit.name}"
    square = f"var {unit.name}²"
    return [
        Column("", left=True),
        *(Column(title, group=real) for title in ("calls", "mean", "median")),
        Column("±", left=True, group=real, whole=True),
        *(Column(title, group=real) for title in ("std", square)),
        *(Column(title, group=cpu) for title in ("calls", "mean", "median", "std", square)),
        Column("type", left=True),
        Column("plugin", left=True),
    ]


def stage_rows(configuration: Configuration, unit: Unit) -> list[list[str]]:
    """Return the cells of the whole table, a row for each stage and one for the whole app."""
    return [_row(configuration, stage, unit) for stage in configuration.stages]


def _row(configuration: Configuration, stage: Stage, unit: Unit) -> list[str]:
    calls, mean, median, *rest = _figures(configuration.statistics, stage.name, unit)
    runs = len(configuration.counted)
    metric = metric_of(configuration, stage.name) if runs >= FEWEST_RUNS else None  # the answer says so once
    interval = uncertainty(metric, unit, runs) or ABSENT
    cpu = _figures(configuration.cpu, stage.name, unit)
    ends = [clean(stage.data_type), clean(stage.plugin)]
    return [clean(stage.label), calls, mean, median, interval, *rest, *cpu, *ends]


def _figures(statistics: Mapping[str, Summary], stage: str, unit: Unit) -> list[str]:
    summary = statistics.get(stage)
    if summary is None:
        return [ABSENT] * 5
    times = [unit.show(time) for time in (summary.mean, summary.median, summary.std)]
    return [str(summary.n), *times, unit.square(summary.variance)]


def _part(columns: list[Column], rows: list[list[str]], parts: tuple[slice, ...]) -> Part:
    kept = [Column(column.title, column.left, whole=column.whole) for part in parts for column in columns[part]]
    return kept, [[*row[STAGE], *(cell for part in parts for cell in row[part])] for row in rows]


def _block(title: str, part: Part, width: int, paint: Paint) -> list[str]:
    """Return some columns as a separate table, with the unit in the top left corner."""
    columns, rows = [Column(title, left=True), *part[0]], part[1]
    parts = blocks(columns, rows, width)
    return [line for header, *lines in parts for line in (paint(header, "dim"), *lines)]
