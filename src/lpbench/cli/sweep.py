"""``lpbench sweep``: measure many configurations, a row for each."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console, _options
from lpbench.cli._parser import UsageError
from lpbench.jobs.sweep import (
    PLAN_SUFFIX,
    begun,
    carry_out,
    documentation,
    is_algorithm,
    load_sweep,
    outlined,
    plan_of,
)
from lpbench.results.sweep import MEASURED
from lpbench.util import interrupts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.jobs.sweep import SweepPlan
    from lpbench.results.sweep import Sweep

EPILOG = """examples:
  lpbench sweep imagenet-mobilenet-v2 --engines onnxruntime,ncnn --threads 1,2 --precisions F32,F16 -o mobilenet
  lpbench sweep plan.toml -o night --dry-run
  lpbench sweep sorting.toml --values size=1000,10000 --sample 50 -o sorting
  lpbench sweep --resume night"""
AXES = {
    "engines": ("E,…", _options.names),
    "devices": ("D,…", _options.names),
    "threads": ("N,…", _options.whole_numbers),
    "precisions": ("P,…", _options.names),
    "tiles": ("WxH,…", _options.names),
    "batches": ("N,…", _options.whole_numbers),
    "streams": ("N,…", _options.whole_numbers),
}

ALGORITHMS: dict[str, dict[str, Any]] = {
    "values": {"type": _options.levels, "action": "append", "metavar": "NAME=V,…"},
    "memory": {"type": _options.above_zero, "metavar": "MB"},
}
OTHERS: dict[str, dict[str, Any]] = {
    "sample": {"type": _options.from_one, "metavar": "N"},
    "seed": {"type": _options.from_zero, "metavar": "N"},
    "reference": {"metavar": "E"},
    "block": {"type": _options.from_one, "metavar": "N"},
    "convert": {"action": argparse.BooleanOptionalAction},
}
MEASURING: dict[str, dict[str, Any]] = {
    "data": {"metavar": "DIR"},
    "quality": {"action": "store_true"},
    "resources": {"action": "store_true"},
    "runs": {"type": _options.from_one, "metavar": "R"},
    "number": {"type": _options.from_one, "metavar": "N"},
    "max_time": {"type": _options.above_zero, "metavar": "S"},
    "timeout": {"type": _options.above_zero, "metavar": "S"},
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Measure every combination of apps, engines and settings, or of the values of an algorithm, and keep a row for "
        "each in a folder. Blocks of "
        "configurations take turns with one reference, so that rows of different hours compare. A sweep that was "
        "ended, by Ctrl-C or by kill -9, goes on with the same command; lpbench show DIR prints it at any time."
    )
    parser.epilog = EPILOG
    parser.add_argument("apps", nargs="*", metavar="APP", help=f"{documentation()['apps']}; or one plan file (.toml)")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="the folder of the sweep")
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with the sweep in a folder, as it was planned"
    )
    parser.add_argument(
        "--retry", action="store_true", help="try what failed or was impossible again, and rows whose reference failed"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be measured and how long it would take")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON, the rest on standard error")
    axes = parser.add_argument_group("axes, each with commas between")
    add_settings(axes, {name: {"type": kind, "metavar": metavar} for name, (metavar, kind) in AXES.items()}, {})
    add_settings(parser.add_argument_group("what of it"), OTHERS, {})
    add_settings(parser.add_argument_group("measuring"), MEASURING, {})
    add_settings(parser.add_argument_group("algorithms"), ALGORITHMS, {})


def main(options: argparse.Namespace) -> int:
    """Measure, and print the rows."""
    from lpbench.cli._progress import live

    _refuse(options)
    folder: Path = options.resume or options.output
    given = {name: getattr(options, name) for name in (*AXES, *OTHERS, *MEASURING, *ALGORITHMS)}
    given["values"] = _values(options.values)
    plan = plan_of(None if options.resume else _apps(options.apps), given)
    if options.dry_run and plan is not None:
        return _outline(plan, folder or Path(), as_json=options.json)
    try:
        with live() as progress:
            sweep = carry_out(plan, folder, progress, retry=options.retry)
    except KeyboardInterrupt:
        interrupts.hold()
        if not begun(folder):
            raise
        done, every = load_sweep(folder).blocks
        _console.say(f"interrupted: {done} of {every} blocks are measured", f"next: {resuming(folder)}")
        return interrupts.status()
    answer(sweep, as_json=options.json)
    _console.write(
        sys.stderr if options.json else _console.answers(), f"next: lpbench show {shlex.quote(str(folder))} --csv"
    )
    return _console.DONE if any(row.state == MEASURED for row in sweep.rows) else _console.NOTHING


def resuming(folder: Path) -> str:
    """Return the command that goes on with a sweep."""
    return f"lpbench sweep --resume {shlex.quote(str(folder))}"


def answer(sweep: Sweep, *, as_json: bool = False) -> None:
    """Print a sweep, the best first."""
    from lpbench.render.sweep import screen

    ordered = sweep.best_first()
    if as_json:
        _console.answer_json(ordered.to_dict())
        return
    stream = _console.answers()
    _console.answer(*screen(ordered, width=_console.width(stream), paint=_console.painter(stream)))


def add_settings(group: Any, options: Mapping[str, Mapping[str, Any]], words: Mapping[str, str]) -> None:
    """Add options that are fields of a plan.

    :param words: Help for some; the others have that of the plan.
    """
    for name, how in options.items():
        text = words.get(name) or documentation()[name]
        group.add_argument(f"--{name.replace('_', '-')}", dest=name, help=text, default=None, **how)


def _refuse(options: argparse.Namespace) -> None:
    """Refuse what contradicts itself on the command line."""
    if options.resume and (options.apps or options.output):
        raise UsageError("--resume goes on with what the folder holds", hint="leave the apps and -o out")
    if not options.resume and not options.apps:
        raise UsageError("no app and no plan is named", hint="name apps, a plan file, or --resume DIR")
    if not (options.resume or options.output or options.dry_run):
        raise UsageError("there is no folder for the rows", hint="-o DIR names it")


def _values(pairs: Sequence[tuple[str, list[str]]] | None) -> dict[str, list[str]] | None:
    """Return values by name.

    :raises UsageError: A name is given twice.
    """
    if pairs is None:
        return None
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"--values {twice} is given twice", hint="commas separate its values")
    return dict(pairs)


def _apps(words: Sequence[str]) -> list[str]:
    """Return the apps, those of the catalogue fetched; a plan's are fetched as they come."""
    from lpbench.cli import _measure

    if not any(word.endswith(PLAN_SUFFIX) for word in words):
        for word in [each for each in words if not is_algorithm(each)]:
            _measure.find_app(word, argparse.Namespace(shapes=(), ranges=(), seed=0))
    return [*words]


def _outline(plan: SweepPlan, folder: Path, *, as_json: bool) -> int:
    from lpbench.render.sweep import outline

    sweep, expected_s = outlined(plan, folder)
    if as_json:
        _console.answer_json({**sweep.to_dict(), "expected_s": expected_s})
    else:
        _console.answer(*outline(sweep, expected_s, width=_console.width(_console.answers())))
    return _console.DONE
