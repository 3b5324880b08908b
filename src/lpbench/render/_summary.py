"""Several engines beside each other, the fastest first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lpbench.monitor import Unavailable
from lpbench.render._names import name_of
from lpbench.render._numbers import ABSENT, cells, clean, digits, spread
from lpbench.render._table import Column, fit, plain, table
from lpbench.render._units import Unit, half, metric_of, unit_for, value
from lpbench.timing import STAGES, TOTAL
from lpbench.verdicts import verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.render._table import Paint
    from lpbench.result import Configuration, Result
    from lpbench.verdicts import Comparison

SHORT = {"preprocessing": "pre", "inference": "infer", "postprocessing": "post"}
"""Words of the summary for the stages."""
STYLES = {"SLOWER": "bad", "FASTER": "good", "UNCLEAR": "warn"}


def summary(result: Result, *, width: int, paint: Paint = plain) -> list[str]:
    """Return a row for each measured configuration, and the others under it with the reason."""
    columns, rows = summary_table(result)
    lines: list[str] = []
    if rows:
        header, *rest = fit(columns, rows, width) or table(columns, rows, gap=1)
        lines = [paint(header, "dim"), *(_paint(line, paint) for line in rest)]
    return [*lines, *unmeasured(result.configurations, paint)]


def summary_table(result: Result) -> tuple[list[Column], list[list[str]]]:
    """Return columns and rows, the fastest configuration first."""
    measured = sorted((each for each in result.configurations if each.measured), key=_latency)
    unit = unit_for(measured)
    reference, beside = verdicts_of(result)
    rows = [_row(name_of(each, result.configurations), each, unit, beside.get(id(each), "")) for each in measured]
    return _columns(unit, f"vs {reference}" if reference else ""), rows


def verdicts_of(result: Result) -> tuple[str, dict[int, str]]:
    """Return the engine that others took turns with, and the verdict on each configuration by its ``id``."""
    if not result.lockstep:
        return "", {}
    reference = result.configurations[result.lockstep[0].first]
    found = {id(reference): "reference"}
    for pair in result.lockstep:
        if pair.ratios.get(TOTAL):
            found[id(result.configurations[pair.second])] = _verdict(verdict(pair.ratios[TOTAL]))
    return name_of(reference, result.configurations), found


def _verdict(found: Comparison) -> str:
    estimate, interval = found.ratio.estimate, found.ratio.interval
    if isinstance(interval, Unavailable):
        return f"{found.verdict.value} {digits(estimate)}"
    farther = max(interval.upper - estimate, estimate - interval.lower)
    return f"{found.verdict.value:7} {digits(estimate)} {spread(estimate, farther)}"


def _paint(line: str, paint: Paint) -> str:
    for word, style in STYLES.items():
        line = line.replace(f" {word} ", f" {paint(word, style)} ")
    return line


def unmeasured(configurations: Sequence[Configuration], paint: Paint = plain) -> list[str]:
    """Return the configurations that have no number, each with the reason."""
    others = [each for each in configurations if not each.measured]
    if not others:
        return []
    names = [name_of(each, configurations) for each in others]
    widest = max(map(cells, names))
    return [
        paint("not measured", "dim"),
        *(
            f"  {name}{' ' * (widest - cells(name))}  {_reason(each, widest + 4)}"
            for name, each in zip(names, others, strict=True)
        ),
    ]


def _columns(unit: Unit, verdicts: str) -> list[Column]:
    return [
        Column("engine", left=True),
        Column(f"latency {unit.name}"),
        Column("", left=True),
        Column("p99"),
        *(Column(SHORT[stage]) for stage in STAGES),
        Column(verdicts, left=True),
        Column("precision", left=True),
        Column("device", left=True),
    ]


def _row(name: str, each: Configuration, unit: Unit, beside: str) -> list[str]:
    total = metric_of(each, TOTAL)
    facts = each.facts
    return [
        name,
        value(total, unit),
        half(total, unit),
        p99(each, unit),
        *(value(metric_of(each, stage), unit) for stage in STAGES),
        beside,
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
    reason = each.state.removeprefix("failed: ").removeprefix(f'engine "{each.engine}" is not ready: ')
    detail = next((run.detail for run in each.runs if run.detail), "")
    lines = [*reason.splitlines(), *detail.strip().splitlines()[-1:]]
    return ("\n" + " " * indent).join(clean(line.strip()) for line in lines)
