"""Several engines beside each other, the fastest first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lpbench.render._numbers import ABSENT, clean
from lpbench.render._table import Column, fit, plain, table
from lpbench.render._units import Unit, half, metric_of, unit_for, value
from lpbench.timing import STAGES, TOTAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.render._table import Paint
    from lpbench.result import Configuration

SHORT = {"preprocessing": "pre", "inference": "infer", "postprocessing": "post"}
"""Words of the summary for the stages."""


def summary(configurations: Sequence[Configuration], *, width: int, paint: Paint = plain) -> list[str]:
    """Return a row for each measured configuration, and the others under it with the reason."""
    measured = sorted((each for each in configurations if each.measured), key=_latency)
    lines: list[str] = []
    if measured:
        unit = unit_for(measured)
        rows = [summary_row(each, unit) for each in measured]
        columns = summary_columns(unit)
        header, *rest = fit(columns, rows, width) or table(columns, rows, gap=1)
        lines = [paint(header, "dim"), *rest]
    return [*lines, *unmeasured(configurations, paint)]


def unmeasured(configurations: Sequence[Configuration], paint: Paint = plain) -> list[str]:
    """Return the configurations that have no number, each with the reason."""
    others = [each for each in configurations if not each.measured]
    if not others:
        return []
    widest = max(len(clean(each.engine)) for each in others)
    return [
        paint("not measured", "dim"),
        *(f"  {clean(each.engine):{widest}}  {_reason(each, widest + 4)}" for each in others),
    ]


def summary_columns(unit: Unit) -> list[Column]:
    """Return the columns of the summary."""
    return [
        Column("engine", left=True),
        Column(f"latency {unit.name}"),
        Column("", left=True),
        Column("p99"),
        *(Column(SHORT[stage]) for stage in STAGES),
        Column("precision", left=True),
        Column("device", left=True),
    ]


def summary_row(each: Configuration, unit: Unit) -> list[str]:
    """Return the cells of one measured configuration."""
    total = metric_of(each, TOTAL)
    facts = each.facts
    return [
        clean(each.engine),
        value(total, unit),
        half(total, unit),
        p99(each, unit),
        *(value(metric_of(each, stage), unit) for stage in STAGES),
        clean(facts.get("precision", ABSENT)),
        clean(facts.get("device", facts.get("processor", ABSENT))),
    ]


def p99(each: Configuration, unit: Unit) -> str:
    """Return the 99th percentile of the latency, or why there is none."""
    metric = each.metrics.get("LATENCY_P99")
    if metric is None or metric.value is None:
        return "n too small" if metric and metric.reason.startswith("n too small") else ABSENT
    return value(metric, unit)


def _latency(each: Configuration) -> float:
    known = each.latency.value
    return math.inf if known is None else known


def _reason(each: Configuration, indent: int) -> str:
    """Return why there is no number; an error's further lines stand under the first."""
    reason = each.state.removeprefix("failed: ")
    detail = next((run.detail for run in each.runs if run.detail), "")
    lines = [*reason.splitlines(), *detail.strip().splitlines()[-1:]]
    return ("\n" + " " * indent).join(clean(line.strip()) for line in lines)
