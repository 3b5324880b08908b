"""``lpbench optimise``: the best configuration of an app under conditions, from converting to choosing."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.cli import _console, _options
from lpbench.cli.choose import BOUNDS, bounds, relaxed
from lpbench.cli.sweep import AXES, MEASURING, add_settings, resuming
from lpbench.jobs.sweep import begun, load_sweep
from lpbench.results.sweep import MEASURED
from lpbench.util import interrupts

if TYPE_CHECKING:
    from lpbench.results.optimised import Optimised

EPILOG = """examples:
  lpbench optimise imagenet-mobilenet-v2 --max LATENCY=20 --best STORAGE
  lpbench optimise my-app --min QUALITY_VALUE=70 --best LATENCY --engines onnxruntime,openvino --threads 1"""
EFFORT = {name: how for name, how in MEASURING.items() if name != "quality"}
HELP = {
    "engines": "engines, with options of their own, or all (all)",
    "threads": "numbers of threads (1 and that of the cores)",
    "precisions": "precisions: F32, F16, BF16, S8, U8 (F32, F16 and S8)",
    "resources": "watch load, temperature, power and energy, which takes long (if the question is on one)",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Find the best configuration of an app under conditions: convert and quantise its models for every engine, "
        "measure each configuration in turns with one reference, evaluate its quality where the app has labelled "
        "samples, and choose. Every rejection is shown with its reason. What was ended, by Ctrl-C or by kill -9, goes "
        "on with the same command; another question is answered from what is measured. Exit status 1 if nothing fits."
    )
    parser.epilog = EPILOG
    parser.add_argument("app", metavar="APP", help="an app's folder, a catalogue name (lpbench apps) or a model file")
    for name, (metavar, text) in BOUNDS.items():
        parser.add_argument(f"--{name}", type=_options.pair, action="append", default=[], metavar=metavar, help=text)
    parser.add_argument(
        "--best", required=True, metavar="METRIC", help="what is to be as good as possible: LATENCY, STORAGE, …"
    )
    parser.add_argument("--top", type=_options.from_zero, default=5, metavar="N", help="runners-up that are shown (5)")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder of the measured rows (one of the app's name)"
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON, the rest on standard error")
    axes = parser.add_argument_group("what is tried, each with commas between")
    add_settings(axes, {name: {"type": kind, "metavar": metavar} for name, (metavar, kind) in AXES.items()}, HELP)
    measuring = parser.add_argument_group("measuring")
    add_settings(measuring, EFFORT, HELP)


def main(options: argparse.Namespace) -> int:
    """Measure, choose, print, and say by the exit status whether something fits."""
    from lpbench.cli import _measure
    from lpbench.cli._progress import live
    from lpbench.jobs.optimising import Request, Subject, optimised

    asked = Request(options.best, **{name: bounds(name, getattr(options, name)) for name in BOUNDS})
    _measure.find_app(options.app, argparse.Namespace(shapes=(), ranges=(), seed=0))
    given = {name: getattr(options, name) for name in (*AXES, *EFFORT)}
    subject = Subject.of(options.app, asked, given, options.output)
    try:
        with live() as progress:
            found = optimised(subject, asked, progress, top=options.top)
    except KeyboardInterrupt:
        interrupts.hold()
        if not begun(subject.folder):
            raise
        done, every = load_sweep(subject.folder).blocks
        _console.say(
            f"interrupted: {done} of {every} blocks are measured",
            f"next: the same command goes on; {resuming(subject.folder)} measures the rest alone",
        )
        return interrupts.status()
    _print(found, options)
    if not any(row.state == MEASURED for row in found.sweep.rows):
        return _console.NOTHING
    return _console.DONE if found.configuration else _console.FAILED


def _print(found: Optimised, options: argparse.Namespace) -> None:
    from lpbench.render import optimised

    if options.json:
        _console.answer_json(found.to_dict())
        return
    stream = _console.answers()
    paint = _console.painter(stream)
    lines = optimised.screen(found, width=_console.width(stream), paint=paint)
    _console.answer(*lines, *(paint(f"next: {line}", "dim") for line in _following(found, options)))


def _following(found: Optimised, options: argparse.Namespace) -> list[str]:
    """Return the command that runs the choice; where nothing fits, one that relaxes the question, or shows the rows."""
    if found.configuration:
        return [f"lpbench run {shlex.quote(options.app)} --engine {shlex.quote(found.configuration)} --convert"]
    folder = str(found.sweep.folder)
    return relaxed(found.selection, folder, {"best": options.best}) or [f"lpbench show {shlex.quote(folder)}"]
