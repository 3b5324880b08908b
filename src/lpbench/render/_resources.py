"""What a process took of the machine: a row for each metric, the memory of stages, the energy of an inference."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from lpbench.render._numbers import ABSENT, around, beside, digits, unknown
from lpbench.render._table import Column, hanging, narrow, unstyled
from lpbench.results.resource_metrics import ENERGY, ENERGY_ABOVE_IDLE, stage_memory
from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration
    from lpbench.results.resources import Resource, ResourcePass
    from lpbench.results.run import Metric

TITLE = "resources"
MEGABYTE = 1e6
SLOW_DOWN = "RESOURCE_PASS_SLOWDOWN"
SECONDARY = frozenset({"ENERGY", "PAGE_FAULTS", "CONTEXT_SWITCHES", "IO_READ", "IO_WRITE", "TEMPERATURE"})
"""Metrics that only the long form shows; so are parts and what another monitor tells too."""


def passes_of(configuration: Configuration) -> list[ResourcePass]:
    """Return the resource passes of the runs that count."""
    return [run.resources for run in configuration.counted if run.resources]


def resource_lines(configuration: Configuration, *, width: int, verbose: bool, paint: Paint = unstyled) -> list[str]:
    """Return the lines of a configuration's resources; none where they were not watched."""
    passes = passes_of(configuration)
    if not passes:
        return []
    columns, rows = resource_table(passes, verbose=verbose)
    header, *lines = narrow(columns, rows, width) if rows else (paint(TITLE, "dim"),)
    notes = [line for note in resource_notes(configuration, passes, verbose=verbose) for line in hanging(note, width)]
    return [paint(header, "dim"), *lines, *memory_lines(passes, width=width, paint=paint), *notes]


def resource_table(passes: Sequence[ResourcePass], *, verbose: bool) -> tuple[list[Column], list[list[str]]]:
    """Return columns and a row for each metric that is known: idle, mean and greatest over the runs, and its source."""
    columns = [
        Column(TITLE, left=True),
        Column("idle"),
        Column("mean"),
        Column("max"),
        Column("unit", left=True),
        Column("of", left=True),
        Column("source", left=True),
    ]
    told: dict[tuple[str, str], list[Resource]] = {}
    for each in (each for one in passes for each in one.resources if _known(each)):
        told.setdefault((each.name, each.monitor), []).append(each)
    return columns, [_row(same) for same in told.values() if verbose or _first(same[0])]


def _known(resource: Resource) -> bool:
    return resource.mean is not None


def _first(resource: Resource) -> bool:
    """Return whether the short form shows a row."""
    shown = "/" not in resource.name or resource.name == "CPU_LOAD/foreign"
    return shown and resource.metric not in SECONDARY and not resource.second


def _row(found: Sequence[Resource]) -> list[str]:
    """Return the row of one metric by one monitor, over passes."""
    first = found[0]
    counted = first.growth is not None
    greatest = [each.maximum for each in found if each.maximum is not None]
    return [
        clean(f"  {first.name}{' (second)' if first.second else ''}"),
        _mean([each.idle for each in found]),
        _mean([each.mean for each in found]),
        digits(max(greatest)) if greatest and not counted else ABSENT,
        clean("W" if counted and first.unit == "J" else f"{first.unit}/s" if counted else first.unit),
        clean(first.scope),
        clean(f"{first.source} ({first.monitor})"),
    ]


def _mean(values: Sequence[float | None]) -> str:
    known = [each for each in values if each is not None]
    return digits(statistics.fmean(known)) if known else ABSENT


def memory_lines(passes: Sequence[ResourcePass], *, width: int, paint: Paint = unstyled) -> list[str]:
    """Return the memory of each stage as lines; none where it is not known."""
    columns, rows = memory_table(passes)
    if not rows:
        return []
    header, *lines = narrow(columns, rows, width)
    return [paint(header, "dim"), *lines]


def memory_table(passes: Sequence[ResourcePass]) -> tuple[list[Column], list[list[str]]]:
    """Return columns and a row for each stage: its high-water mark, and the increase over the start of the stage."""
    columns = [Column("memory of stages", left=True), Column("peak MB"), Column("increase MB")]
    rows = [
        [clean(f"  {name}"), digits(peak / MEGABYTE), digits(increase / MEGABYTE)]
        for name, (peak, increase) in stage_memory(passes).items()
    ]
    return columns, rows


def resource_blocks(configuration: Configuration) -> tuple[list[tuple[list[Column], list[list[str]]]], list[str]]:
    """Return tables and notes of what was watched, for documents; none where nothing was."""
    passes = passes_of(configuration)
    if not passes:
        return [], []
    tables = [table for table in (resource_table(passes, verbose=False), memory_table(passes)) if table[1]]
    return tables, resource_notes(configuration, passes, verbose=False)


def resource_notes(configuration: Configuration, passes: Sequence[ResourcePass], *, verbose: bool) -> list[str]:
    """Return the energy of an inference, how much monitors slowed it down, what was lost, and what is not known."""
    metrics = configuration.metrics
    notes = [*_energy(metrics.get(ENERGY), metrics.get(ENERGY_ABOVE_IDLE)), *_slowed(metrics.get(SLOW_DOWN))]
    notes += [f"no memory of stages: {clean(each.stages_reason)}" for each in passes[:1] if each.stages_reason]
    notes += list(
        dict.fromkeys(
            f"left out: {clean(loss.monitor or 'the sampler')}: {clean(loss.reason)}{_gap(loss.gap)}"
            for each in passes
            for loss in each.losses
        )
    )
    return [*notes, *_missing(passes[0], verbose=verbose)]


def _energy(whole: Metric | None, above: Metric | None) -> list[str]:
    if whole is None or whole.value is None:
        return []
    idle = f", {_joules(above)} above idle" if above is not None and above.value is not None else ""
    return [f"energy of an inference: {_joules(whole)}{idle}; {clean(whole.source)}"]


def _joules(metric: Metric | None) -> str:
    assert metric is not None  # noqa: S101 - the caller has looked
    span = metric.interval
    value = metric.value or 0.0
    certain = f" {around(value, span.lower, span.upper)}" if span else ""
    return f"{digits(value)} J{certain}"


def _slowed(metric: Metric | None) -> list[str]:
    """Return how much longer samples took while monitors sampled, which may be less than can be told from nothing."""
    if metric is None or metric.value is None:
        return []
    span = metric.interval
    certain = around(metric.value, span.lower, span.upper) if span else unknown(metric.n)
    told = ", not told apart from none" if span and span.lower <= 0 <= span.upper else ""
    return [f"slow-down of samples by the monitors: {digits(metric.value, 2)} % {beside(certain)}{told}"]


def _gap(seconds: float) -> str:
    return f"; no monitor sampled for {digits(seconds)} s" if seconds else ""


def _missing(first: ResourcePass, *, verbose: bool) -> list[str]:
    """Return what is not known, each reason with the metrics that it holds for and its remedy."""
    names: dict[tuple[str, str], list[str]] = {}
    for each in first.resources:
        if each.mean is None and (verbose or not (each.metric in SECONDARY or "/" in each.name)):
            names.setdefault((each.reason, each.hint), []).append(
                f"{each.name} by {each.monitor}" if each.second else each.name
            )
    return [
        f"not known: {', '.join(map(clean, same))}: {clean(reason)}{_remedy(reason, hint)}"
        for (reason, hint), same in names.items()
    ]


def _remedy(reason: str, hint: str) -> str:
    """Return a hint in brackets, unless the reason has it already."""
    return f" ({clean(hint)})" if hint and hint not in reason else ""
