"""The anchor table of the published tool: one row for each stage, wall and CPU time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.render._numbers import ABSENT
from lpbench.render._table import Column, fit, table, unstyled
from lpbench.render._units import Unit, half, metric_of, unit_for
from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration, Stage
    from lpbench.results.stats import Summary

Part = tuple[list[Column], list[list[str]]]
"""Columns and the rows under them."""
STAGE, REAL, CPU, TYPE, PLUGIN = slice(0, 1), slice(1, 7), slice(7, 12), slice(12, 13), slice(13, 14)
"""Where the parts of a row stand."""


def stage_table(each: Configuration, *, width: int, paint: Paint = unstyled) -> list[str]:
    """Return the lines of the table: one block where it fits, wall time above CPU time where it does not."""
    unit = unit_for([each])
    columns, rows = stage_columns(unit), stage_rows(each, unit)
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
        *(Column(title, left=title == "±", group=real) for title in ("calls", "mean", "median", "±", "std", square)),
        *(Column(title, group=cpu) for title in ("calls", "mean", "median", "std", square)),
        Column("type", left=True),
        Column("plugin", left=True),
    ]


def stage_rows(each: Configuration, unit: Unit) -> list[list[str]]:
    """Return the cells of the whole table, a row for each stage and one for the whole app."""
    return [_row(each, stage, unit) for stage in each.stages]


def _row(each: Configuration, stage: Stage, unit: Unit) -> list[str]:
    calls, mean, median, *rest = _figures(each.statistics, stage.name, unit)
    interval = half(metric_of(each, stage.name), unit) or ABSENT
    cpu = _figures(each.cpu, stage.name, unit)
    ends = [clean(stage.data_type), clean(stage.plugin)]
    return [clean(stage.label), calls, mean, median, interval, *rest, *cpu, *ends]


def _figures(statistics: Mapping[str, Summary], stage: str, unit: Unit) -> list[str]:
    found = statistics.get(stage)
    if found is None:
        return [ABSENT] * 5
    times = [unit.show(each) for each in (found.mean, found.median, found.std)]
    return [str(found.n), *times, unit.square(found.variance)]


def _part(columns: list[Column], rows: list[list[str]], parts: tuple[slice, ...]) -> Part:
    kept = [Column(each.title, each.left) for part in parts for each in columns[part]]
    return kept, [[*row[STAGE], *(cell for part in parts for cell in row[part])] for row in rows]


def _block(title: str, part: Part, width: int, paint: Paint) -> list[str]:
    """Return some columns as a table of its own, its unit in the corner."""
    columns, rows = [Column(title, left=True), *part[0]], part[1]
    header, *lines = fit(columns, rows, width) or table(columns, rows, gap=1)
    return [paint(header, "dim"), *lines]
