"""``lpbench agree``: whether engines answer alike."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console, _measure, _options
from lpbench.render import agreement as _agreement
from lpbench.util.text import clean, shorten

if TYPE_CHECKING:
    from typing import TextIO

    from lpbench.jobs.agreement import Agreed, Step
    from lpbench.jobs.parity import Tolerance

EPILOG = """examples:
  lpbench agree imagenet-mobilenet-v2 --engines onnxruntime,openvino,ncnn,tflite
  lpbench agree my-app --engines openvino:precision=auto --data photos --bisect"""
PATIENCE = 2.0
"""Seconds after which people want to know what is going on."""
EVERY = 0.1
"""Seconds between two changes of the line."""
AGAIN = 10.0
"""Seconds after which a line about the same engine is printed again."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Compare engines with the reference, the engine that computes what the model's format says with nothing "
        "rewritten, on the same samples: how far their numbers are apart, and whether they give the same answers. "
        "Exit status 1 where one is further off than is tolerated, 3 where nothing could be compared."
    )
    parser.epilog = EPILOG
    parser.add_argument("app", metavar="APP", help="an app's folder, a catalogue name (lpbench apps) or a model file")
    parser.add_argument(
        "--engines",
        "--engine",
        type=_options.names,
        action="extend",
        metavar="E,…",
        help='which to compare ("all"); E:precision=auto gives one options of its own',
    )
    parser.add_argument("--data", metavar="DIR", help="samples: a folder or one file (the app's own)")
    parser.add_argument("--number", type=_options.from_one, metavar="N", help="samples to compare at most (100)")
    parser.add_argument(
        "--tolerance",
        type=tolerance,
        metavar="X",
        help="largest absolute error of values up to 1, mean relative error 100 X (1e-4); F16 for half precision",
    )
    parser.add_argument("--bisect", action="store_true", help="find the first tensor at which an engine parts")
    parser.add_argument(
        "--convert",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="convert the model, once and checked, for engines that do not read it (yes)",
    )
    parser.add_argument("--timeout", type=_options.above_zero, default=300.0, metavar="S", help="seconds: hung (300)")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    parser.add_argument("-v", "--verbose", action="store_true", help="every array, the models' raw outputs too")
    _options.add_tensors(parser)


def main(options: argparse.Namespace) -> int:
    """Compare, print, and say by the exit status whether engines agree."""
    app = _measure.find_app(options.app, options)
    found = _compare(app, options)
    if options.json:
        _console.answer_json(found.to_dict())
    else:
        paint, width = _console.painter(sys.stdout), _console.width(sys.stdout)
        print("\n".join(_agreement.screen(found, width=width, paint=paint, verbose=options.verbose)))
        if following := _following(found, options):
            print(paint(f"next: {following}", "dim"))
    return status(found)


def status(found: Agreed) -> int:
    """Return the exit status: nothing compared comes before a disagreement."""
    if not found.compared:
        return _console.NOTHING
    return _console.DONE if found.agree else _console.FAILED


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
        raise argparse.ArgumentTypeError(f'found "{text}"; expected a number above 0, 1e-4 say, or F16')
    return Tolerance(limit, 100 * limit)


def _compare(app: Any, options: argparse.Namespace) -> Agreed:
    from lpbench.jobs.agreement import MOST, agree
    from lpbench.jobs.engine_choice import ALL
    from lpbench.jobs.parity import F32

    progress = _Progress(sys.stderr)
    try:
        return agree(
            app,
            options.engines or ALL,
            data=options.data,
            number=options.number or MOST,
            tolerance=options.tolerance or F32,
            bisect=options.bisect,
            convert=options.convert,
            shapes=dict(options.shape),
            seed=options.seed,
            timeout=options.timeout,
            progress=progress,
        )
    finally:
        progress.close()


def _following(found: Agreed, options: argparse.Namespace) -> str:
    """Return the next command: what most people want after this one."""
    failed = [each for each in found.engines if each.compared and not each.agrees]
    if failed and not options.bisect:
        return f"lpbench agree {options.app} --engines {failed[0].engine} --bisect"
    if not options.convert and any(not each.ran for each in found.engines):
        return f"lpbench agree {options.app} --convert"
    return "" if failed or not found.compared else f"lpbench run {options.app} --engine all"


class _Progress:
    """A line that changes on a terminal, a line for each engine elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun = self._said = time.monotonic()
        self._told = ""
        self._terminal = stream.isatty()

    def __call__(self, step: Step) -> None:
        """Show how far it is."""
        now = time.monotonic()
        amount = f" {step.done}/{step.total}" if step.total else ""
        text = f"{clean(step.engine)} · {step.phase}{amount}"
        if self._terminal and now - self._said >= EVERY:
            self._said = now
            self._stream.write(f"\r{shorten(text, _console.width(self._stream) - 1)}\x1b[K")
            self._stream.flush()
        elif not self._terminal and now - self._begun >= PATIENCE and self._due(step.engine, now):
            self._told, self._said = step.engine, now
            _console.say(text)

    def close(self) -> None:
        """Wipe the line."""
        if self._terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _due(self, engine: str, now: float) -> bool:
        return engine != self._told or now - self._said >= AGAIN
