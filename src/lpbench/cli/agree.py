"""``lpbench agree``: whether engines compute the same results."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console, _options
from lpbench.cli._steps import Beating
from lpbench.render import agreement as _agreement
from lpbench.util.text import clean

if TYPE_CHECKING:
    from lpbench.jobs.agreement import Agreed, Step
    from lpbench.jobs.parity import Tolerance

EPILOG = """examples:
  lpbench agree imagenet-mobilenet-v2 --engines onnxruntime,openvino,ncnn,tflite
  lpbench agree my-app --engines openvino:precision=auto --data photos --bisect"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Compare the outputs of engines with those of a reference, an engine that runs the model as its format "
        "defines it, without optimisations. Reports errors and predictions on the same samples. "
        "Whole numbers and texts are equal or not. "
        "Exit status 1 if an engine exceeds the tolerance, 3 if nothing could be compared."
    )
    parser.epilog = EPILOG
    parser.add_argument("app", metavar="APP", help="an app's folder, a catalogue name (lpbench apps) or a model file")
    parser.add_argument(
        "--engines",
        "--engine",
        type=_options.names,
        action="extend",
        metavar="E,…",
        help='engines to compare ("all"); E:precision=auto:threads=2 sets options of one of them',
    )
    parser.add_argument("--data", metavar="DIR", help="samples: a folder or one file (the app's own)")
    parser.add_argument(
        "--number", type=_options.from_one, metavar="N", help="largest number of samples to compare (100)"
    )
    parser.add_argument(
        "--tolerance",
        type=tolerance,
        metavar="X",
        help="largest absolute error of values up to 1, mean relative error 100 X (1e-4); F16 for half precision",
    )
    parser.add_argument("--bisect", action="store_true", help="find the first tensor at which an engine diverges")
    parser.add_argument(
        "--convert",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="convert the model for engines that do not read it; conversions are checked and cached (yes)",
    )
    parser.add_argument(
        "--timeout",
        type=_options.above_zero,
        default=300.0,
        metavar="S",
        help="seconds without an answer after which a process counts as hung (300)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    parser.add_argument("-v", "--verbose", action="store_true", help="show every array and the models' raw outputs")
    _options.add_tensors(parser)


def main(options: argparse.Namespace) -> int:
    """Compare, print, and return the exit status."""
    from lpbench.cli import _measure

    app = _measure.find_app(options.app, options)
    agreed = _compare(app, options)
    if options.json:
        _console.answer_json(agreed.to_dict())
    else:
        paint, width = _console.painter(_console.answers()), _console.width(_console.answers())
        _console.answer(*_agreement.screen(agreed, width=width, paint=paint, verbose=options.verbose))
        if following := _following(agreed, options):
            _console.answer(paint(f"next: {following}", "dim"))
    return status(agreed)


def status(agreed: Agreed) -> int:
    """Return the exit status; that nothing was compared takes precedence over a disagreement."""
    if not agreed.compared:
        return _console.NOTHING
    return _console.DONE if agreed.agree else _console.FAILED


def tolerance(text: str) -> Tolerance:
    """Return ``1e-4`` or ``F16`` as a tolerance."""
    from lpbench.jobs.parity import F16, F32, Tolerance

    if text in {"F16", "F32"}:
        return {"F16": F16, "F32": F32}[text]
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0 < limit < float("inf"):
        raise argparse.ArgumentTypeError(f'found "{text}"; expected a number above 0, such as 1e-4, or F16')
    return Tolerance(limit, 100 * limit)


def _compare(app: Any, options: argparse.Namespace) -> Agreed:
    from lpbench.jobs.agreement import MOST, agree
    from lpbench.jobs.engine_choice import ALL
    from lpbench.jobs.parity import F32

    with Beating("reading the app") as steps:
        return agree(
            app,
            options.engines or ALL,
            data=options.data,
            number=options.number or MOST,
            tolerance=options.tolerance or F32,
            bisect=options.bisect,
            convert=options.convert,
            shapes=dict(options.shapes),
            seed=options.seed,
            timeout=options.timeout,
            progress=lambda step: steps.tell(step.engine, _words(step)),
        )


def _words(step: Step) -> str:
    """Return an engine, what it does and how far that is."""
    amount = f" {step.done}/{step.total}" if step.total else ""
    activity = f": {step.activity}" if step.activity else ""
    return f"{clean(step.engine)} · {step.phase}{activity}{amount}"


def _following(agreed: Agreed, options: argparse.Namespace) -> str:
    """Return the most likely next command, or an empty text."""
    app = shlex.quote(options.app)
    failed = [engine for engine in agreed.engines if engine.compared and not engine.agrees]
    if failed and not options.bisect:
        return f"lpbench agree {app} --engines {shlex.quote(failed[0].engine)} --bisect"
    if not options.convert and any(not engine.ran for engine in agreed.engines):
        return f"lpbench agree {app} --convert"
    return "" if failed or not agreed.compared else f"lpbench run {app} --engine all"
