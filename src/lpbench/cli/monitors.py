"""``lpbench monitors``: each resource metric with its value, who tells it, or the reason why nobody does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console, _options
from lpbench.cli._steps import Beating
from lpbench.render import Column, hanging, narrow
from lpbench.util.shown import figure
from lpbench.util.text import amount, clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from lpbench.jobs.machine_recording import RecordedMachine
    from lpbench.jobs.monitoring import MonitoredMachine, MonitoredMetric
    from lpbench.render._table import Paint

SECOND = "also"
"""Beside the value of a monitor that does not count."""
NUMBER = "1"
"""Unit of what is counted, which screens do not show."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Show every resource metric of the glossary: its value now and the monitor that tells it, or the reason why no "
        "monitor does and what helps. This process is the one that is watched."
    )
    parser.epilog = "examples:\n  lpbench monitors --record my-board\n  lpbench monitors --root my-board -v"
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--root", metavar="DIR", help="a recording, or the root of another machine's files")
    place.add_argument(
        "--record", metavar="DIR", help="copy what monitors look at into this new folder, without private things"
    )
    _options.add_setting(
        parser, "--monitor", "monitors", type=_options.monitor, action="append", metavar="NAME:KEY=VALUE"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show parts, sources, and what other monitors say of a metric"
    )
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def main(options: argparse.Namespace) -> int:
    """Ask the monitors and print what they tell."""
    from lpbench.jobs.monitoring import monitors

    given = _options.monitor_options(options.monitors or ())
    with Beating("recording what monitors look at" if options.record else "asking the monitors"):
        machine = monitors(options.root, options.record, options=given)
    if options.json:
        _console.answer_json(as_json(machine))
    else:
        _console.answer(*_screen(machine, verbose=options.verbose))
    return _console.DONE


def as_json(machine: MonitoredMachine) -> dict[str, Any]:
    """Return what monitors tell as JSON."""
    return {
        "machine": machine.machine,
        "seconds": machine.seconds,
        "metrics": {name: _metric_as_json(each) for name, each in machine.by_name().items()},
        "others": [{"name": each.name, **_metric_as_json(each)} for each in machine.metrics if each.second],
        "lost": [dataclasses.asdict(each) for each in machine.lost],
        "recorded": dataclasses.asdict(machine.recorded) if machine.recorded else None,
    }


def _metric_as_json(metric: MonitoredMetric) -> dict[str, Any]:
    if metric.value is None:
        return {"value": None, "unit": metric.unit or None} | {
            key: getattr(metric, key) or None for key in ("reason", "code", "hint")
        }
    keys = ("value", "unit", "scope", "source", "monitor", "seconds")
    return {key: getattr(metric, key) for key in keys}


def _screen(machine: MonitoredMachine, *, verbose: bool) -> Iterator[str]:
    """Yield the values, then the reasons of those without one."""
    paint, width = _console.painter(_console.answers()), _console.listing_width(_console.answers())
    shown = [each for each in machine.metrics if verbose or not (each.is_part or each.second)]
    known = [each for each in shown if each.value is not None]
    if known:
        header, *lines = _table(known, width, verbose=verbose)
        yield from (paint(header, "dim"), *lines)
    yield from _missing([each for each in shown if each.value is None], width, paint)
    for loss in machine.lost:
        yield from hanging(f"{clean(loss.monitor or 'the sampler')} was left out: {clean(loss.reason)}", width, 0)
    if machine.recorded:
        yield from _recorded(machine.recorded, width, verbose=verbose)
    elif not verbose and known:
        yield paint("parts, sources and other monitors: lpbench monitors -v", "dim")


def _recorded(made: RecordedMachine, width: int, *, verbose: bool) -> Iterator[str]:
    """Yield what is in a recording, and what is not."""
    yield f"recorded {amount(made.files, 'file')} and {amount(made.commands, 'command')} in {clean(made.folder)}"
    if made.scrubbed:
        yield from hanging(f"taken out: {', '.join(made.scrubbed)}", width)
    if made.left_out:
        names = ", ".join(map(clean, made.left_out)) if verbose else amount(len(made.left_out), "private file")
        yield from hanging(f"left out: {names}", width)
    for lost in made.lost:
        yield from hanging(f"not recorded: {clean(lost)}", width)


def _table(known: Sequence[MonitoredMetric], width: int, *, verbose: bool) -> list[str]:
    columns = [
        Column("metric", left=True),
        Column("value"),
        Column("unit", left=True, whole=True),
        Column("scope", left=True),
        Column("monitor", left=True),
        Column("source" if verbose else "", left=True),
        Column("", left=True),
    ]
    return narrow(columns, [_row(each, verbose=verbose) for each in known], width)


def _row(metric: MonitoredMetric, *, verbose: bool) -> list[str]:
    counted = "" if metric.seconds is None else f"in {metric.seconds:g} s"
    unit = "" if metric.unit == NUMBER else metric.unit
    words = [metric.name, figure(metric.value or 0.0), f"{unit} {counted}".strip(), metric.scope, metric.monitor]
    return list(map(clean, [*words, metric.source if verbose else "", SECOND if metric.second else ""]))


def _missing(missing: Sequence[MonitoredMetric], width: int, paint: Paint) -> Iterator[str]:
    """Yield the reasons, metrics of one reason together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for each in missing:
        groups.setdefault((each.reason, each.hint), []).append(each.name)
    if groups:
        yield paint("not known", "bold")
    for (reason, hint), names in groups.items():
        yield from hanging(clean(f"{', '.join(dict.fromkeys(names))}: {reason}"), width)
        yield from (paint(line, "dim") for line in (hanging(clean(hint), width, 4) if hint else ()))
