"""``lpbench benchmark-analyzer``: the published command line (StairwAI deliverable D6.2, figure 8)."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.cli import _console, _options
from lpbench.errors import LpbenchError

if TYPE_CHECKING:
    import argparse

    from lpbench.results.model import Configuration, Result

LOCAL = "local"
RESULTS = "results.txt"
EPILOG = """examples:
  lpbench benchmark-analyzer --target-config local --ai-app imagenet-mobilenet-v2 --number 10
  lpbench benchmark-analyzer --target-config local --ai-app my-app --deployment-package local \\
      --dataset samples --number 20 --filename benchmark.json"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Measure an AI app with the options of the published command line. It does the same as lpbench run, and "
        "prints the predictions, the two lists of readings and the table of stages."
    )
    parser.epilog = EPILOG
    parser.add_argument("--target-config", required=True, metavar="C", help="the target: local is this machine")
    parser.add_argument(
        "--ai-app", required=True, metavar="A", help="an app's folder, a catalogue name or a model file"
    )
    parser.add_argument(
        "--deployment-package",
        default=LOCAL,
        metavar="P",
        help="local: run the app on the engines installed here (local)",
    )
    _options.add_samples(parser, data="--dataset")
    parser.add_argument(
        "--filename", type=Path, metavar="FILE", help=f"write the result here as JSON, and {RESULTS} beside it"
    )
    parser.add_argument("--force", action="store_true", help="overwrite these files")
    parser.set_defaults(number=20)
    _options.add_engine(parser)
    _options.add_tensors(parser)
    _options.add_workers(parser)


def main(options: argparse.Namespace) -> int:
    """Measure, save, and print in the form of the published tool."""
    from lpbench.cli import _measure

    _refuse_remote(options.target_config)
    _heed_package(options.deployment_package)
    predictions = options.filename.with_name(RESULTS) if options.filename else None
    _measure.refuse(options.filename, predictions, overwrite=options.force)
    app = _measure.find_app(options.ai_app, options, options.filename, predictions)
    command = f"benchmark-analyzer --target-config {options.target_config} --ai-app {shlex.quote(options.ai_app)}"
    result, saved = _measure.measure(
        app, options, command, _measure.Output(options.filename, predictions, options.force)
    )
    with saved.shown():
        _print(result)
        _measure.announce(saved, "lpbench show {result} -v")
    return _measure.status(result, saved)


def _refuse_remote(target: str) -> None:
    if target != LOCAL:
        raise LpbenchError(
            f'target "{target}": remote boards are not supported yet',
            where="--target-config",
            hint="run lpbench on the board itself with --target-config local",
        )


def _heed_package(package: str) -> None:
    """Print a note that a deployment package has no effect: the engines installed here run the app.

    :raises LpbenchError: The package is neither ``local`` nor a folder.
    """
    if package == LOCAL:
        return
    if not Path(package).is_dir():
        raise LpbenchError(
            f'"{package}" is neither local nor a folder',
            where="--deployment-package",
            hint="local uses the engines installed here",
        )
    _console.say(f"note: --deployment-package {package} is not read: the engines installed here run the app")


def _print(result: Result) -> None:
    from lpbench import render
    from lpbench.render.predictions import predictions

    for configuration in result.configurations:
        _console.answer("-- Running inference.....")
        lines = predictions(configuration.predictions)
        if lines:
            _console.answer(*lines)
        _print_readings(configuration)
    paint, width = _console.painter(_console.answers()), _console.width(_console.answers())
    _console.answer(*render.text(result, width=width, paint=paint).split("\n"))


def _print_readings(configuration: Configuration) -> None:
    from lpbench.render.predictions import readings, state

    lists, reasons = readings(configuration.metrics)
    _console.answer(*lists, state(configuration), *reasons)
