"""``lpbench run``: measure an app or a model."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.cli import _console, _options
from lpbench.util.text import amount

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from lpbench.results.model import Result

EPILOG = """examples:
  lpbench run imagenet-mobilenet-v2 --engine onnxruntime --threads 1 --predictions
  lpbench run model.onnx --shape input=1,3,224,224 --affinity 0 -o result.json"""

UNDRAWN = "the predictions of this app cannot be drawn, or nothing was found"
CLOCK_S = 2.0
"""Seconds by which a file system's clock may lag or round."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Measure an AI app: its latency with an interval, stage by stage, over runs in fresh processes. "
        "Every result is saved; lpbench show prints it again."
    )
    parser.epilog = EPILOG
    parser.add_argument("app", metavar="APP", help="an app's folder, a catalogue name (lpbench apps) or a model file")
    _options.add_samples(parser)
    _options.add_setting(parser, "--percentile", "percentile", type=_options.percentage, metavar="P")
    _options.add_setting(parser, "--explain", "explain", action="store_true")
    _options.add_setting(parser, "--profile", "profile", action="store_true")
    _options.add_setting(parser, "--alone", "alone", type=_options.above_zero, metavar="S")
    _options.add_workload(parser)
    _options.add_setting(parser, "--quality", "quality", nargs="?", const=True, type=_options.names, metavar="METRIC,…")
    _options.add_engine(parser)
    _options.add_resources(parser)
    add_output(parser)
    _options.add_tensors(parser)
    _options.add_workers(parser)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add what says where the outcome goes."""
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the result here too, as JSON")
    group.add_argument("--results", type=Path, metavar="FILE", help="write the predictions here, as text")
    _options.add_setting(group, "--draw", "draw", metavar="DIR")
    group.add_argument("--force", action="store_true", help="overwrite these files")
    group.add_argument("--predictions", action="store_true", help="print the best answer for each sample")
    group.add_argument("--json", action="store_true", help="print the result as JSON, the rest on standard error")
    group.add_argument("-v", "--verbose", action="store_true", help="each run, every metric, facts, environment")


def main(options: argparse.Namespace) -> int:
    """Measure, save, print."""
    from lpbench.cli import _measure
    from lpbench.jobs.measuring.notes import PICTURES

    _measure.refuse(options.output, options.results, overwrite=options.force)
    app = _measure.find_app(options.app, options, options.output, options.results)
    begun = time.time()
    output = _measure.Output(options.output, options.results, options.force)
    result, saved = _measure.measure(app, options, f"run {shlex.quote(options.app)}", output)
    stream = sys.stderr if options.json else _console.answers()
    undrawn = any(note["name"] == PICTURES for note in result.resolved.notes)
    with saved.shown():
        if options.json:
            _console.answer_json(result.to_dict())
        else:
            print_result(result, verbose=options.verbose, predictions=options.predictions)
        if options.draw is not None and not undrawn:
            _pictures(Path(options.draw), begun, stream)
        _measure.announce(saved, following(result, options), stream)
    status = _measure.status(result, saved)
    return _console.WRONG if undrawn and status == _console.DONE else status


def print_result(result: Result, *, verbose: bool, predictions: bool) -> None:
    """Print the screen of a result."""
    from lpbench import render

    paint, width = _console.painter(_console.answers()), _console.width(_console.answers())
    _console.answer(*render.text(result, width=width, verbose=verbose, paint=paint).split("\n"))
    if predictions:
        from lpbench.render.predictions import answers

        _console.answer("", *answers(result, paint, width=width))


def _pictures(folder: Path, since: float, stream: TextIO) -> None:
    """Print where the pictures are and how many, or that there are none."""
    drawn = [file for file in folder.rglob("*") if file.is_file() and file.stat().st_mtime >= since - CLOCK_S]
    said = (
        f"{amount(len(drawn), 'picture')} in {folder.resolve()}"
        if drawn
        else f"no picture in {folder.resolve()}: {UNDRAWN}"
    )
    _console.write(stream, _console.painter(stream)(said, "dim"))


def following(result: Result, options: argparse.Namespace) -> str:
    """Return the next command, what most people want after this one; ``{result}`` stands for the saved result."""
    measured = [each for each in result.configurations if each.measured]
    if not measured:
        return "lpbench show {result} -v" if any(each.runs for each in result.configurations) else "lpbench engines"
    if not options.verbose:
        return "lpbench show {result} -v"
    return "lpbench compare {result} OTHER.json"
