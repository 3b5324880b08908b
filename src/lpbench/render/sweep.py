"""A sweep as people read it: for each app a table, the best first; below it what was not measured, and why."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from lpbench.render import _algorithm_rows, _html
from lpbench.render._numbers import around, digits
from lpbench.render._table import Column, blocks, hanging
from lpbench.render.exports import csv_text, html_page, markdown_table
from lpbench.results.sweep import AGREEMENT, BARRED, DISTURBED, MEASURED, RATIO, SAMPLE_TIME, WAITING
from lpbench.util.text import amount, clean, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.render._table import Paint
    from lpbench.results.run import Metric
    from lpbench.results.sweep import Sweep, SweepRow

FIGURES = (
    *(("latency ms", "LATENCY"), ("1/s", "THROUGHPUT"), ("quality", "QUALITY_VALUE"), ("same answers %", AGREEMENT)),
    *(("GFLOP", "GFLOP"), ("M params", "#PARAMS"), ("MB", "STORAGE")),
    *(("memory MB", "CPU_MEM_PEAK"), ("W", "POWER_CONSUMPTION"), ("°C", "CPU_TEMP")),
)
"""Columns with one number, which stand in a table where a row of it has one."""
WORDS = (("tile", "INPUT_TILE"), ("precision", "PRECISION"), ("on", "PROCESSOR"), ("cannot win", BARRED))
NAMES = 48
"""Columns of the terminal to which names of configurations may be cut."""
LISTED = 6
"""Apps that a reason names."""


def screen(sweep: Sweep, *, width: int, paint: Paint) -> list[str]:
    """Return a sweep as text, its rows in their order."""
    lines = [clean(summary(sweep))]
    for app, rows in by_app(sweep.rows).items():
        columns, grid = table_of(sweep, rows)
        head = app if sweep.columns else f"{app} · in turns with {sweep.references.get(app, 'the reference')}"
        lines += ["", paint(clean(head), "bold")]
        for header, *body in blocks(columns, grid, width, names=NAMES):
            lines += [paint(header, "dim"), *body]
        lines += [line for doubt in doubts(rows) for line in hanging(doubt, width)]
    missing = not_measured(sweep.rows)
    return [
        *lines,
        *(["", "not measured"] if missing else []),
        *(line for each in missing for line in hanging(each, width)),
    ]


def summary(sweep: Sweep) -> str:
    """Return how many rows there are of each state, and how far the sweep is."""
    done, every = sweep.blocks
    return f"{sweep.in_short()} · {done} of {amount(every, 'block')}"


def by_app(rows: Sequence[SweepRow]) -> dict[str, list[SweepRow]]:
    """Return the measured rows by app, in their order."""
    found: dict[str, list[SweepRow]] = {}
    for row in rows:
        if row.state == MEASURED:
            found.setdefault(_app(row), []).append(row)
    return found


def doubts(rows: Sequence[SweepRow]) -> list[str]:
    """Return why measured rows stand beside no reference, each reason once, and how many were disturbed."""
    ratios = (row.metrics.get(RATIO) for row in rows)
    reasons = dict.fromkeys(ratio.reason for ratio in ratios if ratio is not None and ratio.value is None)
    lines = [f"no time beside the reference: {clean(reason)}" for reason in reasons]
    disturbed = [row for row in rows if DISTURBED in row.facts]
    if disturbed:
        first = f"{disturbed[0].called}: {disturbed[0].facts[DISTURBED]}"
        lines.append(f"disturbed: {len(disturbed)} of {amount(len(rows), 'configuration')}, such as {clean(first)}")
    return lines


def table_of(sweep: Sweep, rows: Sequence[SweepRow]) -> tuple[list[Column], list[list[str]]]:
    """Return a table of some measured rows of a sweep."""
    return _algorithm_rows.table(sweep.columns, rows) if sweep.columns else table(rows)


def table(rows: Sequence[SweepRow]) -> tuple[list[Column], list[list[str]]]:
    """Return a table of measured rows."""
    words = [(title, name) for title, name in WORDS if any(row.value(name) for row in rows)]
    figures = [(title, name) for title, name in FIGURES if any(row.value(name) is not None for row in rows)]
    columns = [Column("configuration", left=True), Column("ms a sample"), Column("", left=True, whole=True)]
    columns += [Column("x reference"), *(Column(title) for title, _ in figures)]
    columns += [Column(title, left=True) for title, _ in words]
    return columns, [_cells(row, [name for _, name in figures], [name for _, name in words]) for row in rows]


def not_measured(rows: Sequence[SweepRow]) -> list[str]:
    """Return each reason why configurations were not measured, with the engines that it stops, each once."""
    found: dict[str, dict[str, list[SweepRow]]] = {}
    for row in rows:
        if row.state not in {MEASURED, WAITING}:
            engines = found.setdefault(f"{row.state}: {row.reason}", {})
            engines.setdefault(row.called.partition(":")[0], []).append(row)
    apps = len({_app(row) for row in rows})
    return [
        clean(f"{', '.join(_together(group, apps) for group in engines.values())}: {reason}")
        for reason, engines in found.items()
    ]


def export(sweep: Sweep, form: str) -> str:
    """Return a sweep as ``csv`` with full precision, or as ``markdown`` or ``html``."""
    if form == "csv":
        records = sweep.records()
        header = list(records[0]) if records else ["STATE"]
        return csv_text(header, ([each[name] for name in header] for each in records))
    tables = {app: table_of(sweep, rows) for app, rows in by_app(sweep.rows).items()}
    if form == "markdown":
        parts = [part for app, grid in tables.items() for part in (f"**{clean(app)}**", markdown_table(*grid))]
        parts += [f"- {clean(app)}: {line}" for app, rows in by_app(sweep.rows).items() for line in doubts(rows)]
        return "\n\n".join([clean(summary(sweep)), *parts, *(f"- {line}" for line in not_measured(sweep.rows))])
    return html_page("sweep: lpbench", html(sweep))


def html(sweep: Sweep) -> str:
    """Return a sweep as an HTML fragment."""
    parts = [_html.paragraph(summary(sweep))]
    for app, rows in by_app(sweep.rows).items():
        parts += [_html.heading(app), _html.grid(*table_of(sweep, rows), {}), *map(_html.paragraph, doubts(rows))]
    return _html.div([*parts, *map(_html.paragraph, not_measured(sweep.rows))])


def outline(sweep: Sweep, expected_s: float, *, width: int) -> list[str]:
    """Return what a sweep would measure, and how long it would take."""
    states = collections.Counter(row.state for row in sweep.rows)
    lines = [
        f"{amount(len(sweep.rows), 'configuration')}, {amount(sweep.blocks[1], 'block')}: about {seconds(expected_s)}"
    ]
    lines += [f"  {clean(_app(row))} {clean(row.called)}" for row in sweep.rows if row.state == WAITING]
    missing = not_measured(sweep.rows)
    lines += [f"{states.total() - states[WAITING]} impossible"] if missing else []
    return [*lines, *(line for each in missing for line in hanging(each, width))]


def _cells(row: SweepRow, figures: Sequence[str], words: Sequence[str]) -> list[str]:
    time, ratio = row.metrics.get(SAMPLE_TIME), row.metrics.get(RATIO)
    numbers = [digits(row.value(name)) for name in figures]
    return [
        clean(row.called),
        digits(time.value if time else None),
        _span(time),
        digits(ratio.value if ratio else None),
        *numbers,
        *(clean(row.value(name) or "") for name in words),
    ]


def _span(metric: Metric | None) -> str:
    """Return the interval of a metric; none of the reference's own row, which is 1 by definition."""
    if metric is None or metric.value is None or metric.interval is None:
        return ""
    if metric.interval.lower == metric.interval.upper:
        return "the reference"
    return around(metric.value, metric.interval.lower, metric.interval.upper)


def _together(rows: Sequence[SweepRow], apps: int) -> str:
    """Return what configurations of one engine are called together: the words that all share, and how many they are.

    :param apps: How many apps there are; these are named where the rows are not of all of them.
    """
    first, *others = (row.called.split(":") for row in rows)
    shared = ":".join(word for word in first if all(word in words for words in others))
    names = list(dict.fromkeys(_app(row) for row in rows))
    of_apps = "" if len(names) == apps else f" of {_few(names)}"
    return f"{shared} ({amount(len(rows), 'configuration')}{of_apps})" if others else f"{shared}{of_apps}"


def _few(apps: Sequence[str]) -> str:
    return ", ".join(apps) if len(apps) <= LISTED else amount(len(apps), "app")


def _app(row: SweepRow) -> str:
    return str(row.facts.get("MODEL", row.asked.app))
