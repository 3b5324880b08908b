"""The details that ``-v`` adds: each run, every metric, the engine's facts, the environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lpbench.render._numbers import ABSENT, around, digits, percent
from lpbench.render._table import Column, blocks, hanging, unstyled
from lpbench.render._units import Unit, unit_for
from lpbench.results.names import names_of
from lpbench.results.stages import TOTAL
from lpbench.results.stats import READABLE
from lpbench.util.text import cells, clean, shorten
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration, Result
    from lpbench.results.run import Metric, Run

MILLISECOND = Unit("ms", 1e6)


def details(result: Result, *, width: int, paint: Paint = unstyled) -> list[str]:
    """Return the lines of all sections."""
    lines: list[str] = []
    for name, configuration in zip(names_of(result.configurations), result.configurations, strict=True):
        facts = {**configuration.options, **configuration.facts}
        lines += ["", paint(f"{name}: runs", "bold"), *runs(configuration, width)]
        lines += ["", paint(f"{name}: metrics", "bold"), *metrics(configuration.metrics, width)]
        lines += ["", paint(f"{name}: facts", "bold"), *pairs(facts, width)]
        lines += _output(name, configuration, paint)
    for part, values in result.environment.items():
        if isinstance(values, dict):
            lines += ["", paint(clean(part), "bold"), *pairs(values, width)]
    lines += ["", paint("yardstick", "bold"), *pairs(result.yardstick, width)]
    lines += ["", paint("settings", "bold"), *pairs({**vars(result.settings), **vars(result.resolved)}, width)]
    return lines


def runs(configuration: Configuration, width: int) -> list[str]:
    """Return a row for each run: loading, the first sample, warm-up, the median and its interval within the run."""
    unit = unit_for([configuration])
    columns = [
        Column("run"),
        Column("load ms"),
        Column("first ms"),
        Column("warm-up"),
        Column("samples"),
        Column(f"median {unit.name}"),
        Column("±", left=True, whole=True),
        Column("outliers"),
        Column("ended by", left=True),
    ]
    rows = [_row(run, unit) for run in configuration.runs]
    return [f"  {line}" for block in blocks(columns, rows, width - 2) for line in block] if rows else ["  none"]


def metrics(by_name: Mapping[str, Metric], width: int) -> list[str]:
    """Return a line for each metric with its value, unit and source, then those without one, by the reason."""
    known = {clean(name): _metric(metric) for name, metric in by_name.items() if metric.value is not None}
    absent = {clean(name): metric.reason for name, metric in by_name.items() if metric.value is None}
    return [*_lines(known, width), *_absent("not measured", absent, width)]


def pairs(values: Mapping[str, Any], width: int) -> list[str]:
    """Return a line for each key with its value, then those that are not known, by the reason."""
    absent = {clean(key): str(value.get("reason") or "") for key, value in values.items() if _unknown(value)}
    known = {clean(key): _fact(value) for key, value in values.items() if not _unknown(value)}
    return [*_lines(known, width), *_absent("not known", absent, width)]


def _lines(known: Mapping[str, str], width: int) -> list[str]:
    """Return a line for each name: a value that is too long for the width ends in an ellipsis."""
    widest = min(max(map(cells, known), default=0), width)
    return [shorten(f"  {name}{' ' * (widest - cells(name))}  {value}", width) for name, value in known.items()]


def _absent(title: str, reasons: Mapping[str, str], width: int) -> list[str]:
    """Return a paragraph for each reason with the names that it holds for."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(clean(reason) or "no reason is stored", []).append(name)
    paragraphs = [f"{reason}: {', '.join(same)}" for reason, same in names.items()]
    lines = [line for each in paragraphs for line in hanging(each, width, 4)]
    return [f"  {title}", *lines] if lines else []


def _unknown(value: Any) -> bool:
    return isinstance(value, dict) and "value" in value and value["value"] is None


def _row(run: Run, unit: Unit) -> list[str]:
    total = run.statistics.get(TOTAL)
    within = ABSENT
    if total is not None and not isinstance(total.interval, Unavailable):
        relative = total.interval.relative(total.median)
        ends = (each / unit.ns for each in (total.median, total.interval.lower, total.interval.upper))
        within = f"±{percent(relative)}" if relative <= READABLE else around(*ends)
    return [
        str(run.index + 1),
        MILLISECOND.show(run.load_ns),
        MILLISECOND.show(run.first_ns.get(TOTAL)),
        str(run.warm_up.get("samples", ABSENT)),
        str(run.samples),
        unit.show(total.median if total else None),
        within,
        str(total.outliers) if total else ABSENT,
        _ended(run),
    ]


def _ended(run: Run) -> str:
    words = [run.stopped if run.outcome.ok else run.state, *(flag["name"] for flag in run.flags)]
    return clean(", ".join([*words, "repeated"] if run.superseded else words))


def _metric(metric: Metric) -> str:
    span = f" ({digits(metric.interval.lower)} to {digits(metric.interval.upper)})" if metric.interval else ""
    return f"{digits(metric.value)} {clean(metric.unit)}{span}  {clean(metric.source)}"


def _fact(value: Any) -> str:
    if isinstance(value, dict) and "value" in value:
        return _fact(value["value"])
    return clean(value) if isinstance(value, str) else clean(json.dumps(value, ensure_ascii=False, default=str))


def _output(name: str, configuration: Configuration, paint: Paint) -> list[str]:
    """Return what the workers printed, run by run."""
    lines: list[str] = []
    for run in configuration.runs:
        if text := run.detail.strip():
            lines += ["", paint(f"{name}: output of run {run.index + 1}", "bold")]
            lines += [f"  {clean(line)}" for line in text.splitlines()]
    return lines
