"""``lpbench analyze``: what one inference of a model costs, counted from its file alone."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lpbench.cli import _console, _options
from lpbench.cli._steps import Beating
from lpbench.util.text import clean

if TYPE_CHECKING:
    from lpbench.jobs.analysis import AnalysisReport

EPILOG = """examples:
  lpbench analyze imagenet-mobilenet-v2
  lpbench analyze alexnet.onnx --tile 227x227 --layers"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Count from a model's file what one inference costs: floating-point operations (2 per multiply-accumulate of "
        "convolutions, matrix products and recurrent layers), learnable weights and their size, the memory of "
        "activations, the bytes moved, for each layer and in total; and which of its operators each engine lacks. No "
        "inference is run."
    )
    parser.epilog = EPILOG
    parser.add_argument("app", metavar="APP", help="an app's folder, a catalogue name (lpbench apps) or a model file")
    parser.add_argument("--format", metavar="F", help="analyse the models in this format (the app's own)")
    parser.add_argument("--variant", default="", metavar="V", help="analyse this variant of the models (the app's own)")
    parser.add_argument("--tile", type=tile, metavar="WxH", help="width and height of the image input")
    parser.add_argument(
        "--shape",
        dest="shapes",
        type=_options.shape,
        action="append",
        default=[],
        metavar="NAME=1,3,…",
        help="shape of an input, in place of a fixed one, too; may be repeated (batch 1)",
    )
    parser.add_argument(
        "--engines",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="ask each installed engine which operators it lacks (yes); each takes a moment to start",
    )
    parser.add_argument("--layers", action="store_true", help="show a row for each layer")
    parser.add_argument("--operators", action="store_true", help="show a row for each type of operator")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def main(options: argparse.Namespace) -> int:
    """Analyse and print."""
    from lpbench.render import analysis

    report = _report(options)
    if options.json:
        _console.answer_json(report.to_dict())
        return _console.DONE
    paint, width = _console.painter(_console.answers()), _console.width(_console.answers())
    detail = analysis.Detail(layers=options.layers, operators=options.operators)
    _console.answer(*analysis.screen(report, width=width, paint=paint, detail=detail))
    return _console.DONE


def tile(text: str) -> tuple[int, int]:
    """Return ``224x224`` as width and height."""
    width, _, height = text.partition("x")
    try:
        return _options.from_one(width), _options.from_one(height)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f'found "{text}"; expected width and height, such as 224x224') from None


def _report(options: argparse.Namespace) -> AnalysisReport:
    from lpbench.cli import _measure
    from lpbench.jobs.analysis import analyze

    options.ranges, options.seed = [], 0
    app = _measure.find_app(options.app, options)
    with Beating("reading the model") as steps:
        return analyze(
            app,
            format=options.format,
            variant=options.variant,
            shapes=dict(options.shapes),
            tile=options.tile,
            engines=options.engines,
            progress=lambda component, _: steps.tell(component, f"analysing {clean(component)}"),
        )
