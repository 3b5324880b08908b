"""``lpbench analyze``: what one inference of a model costs, counted from its file alone."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console, _options
from lpbench.cli._steps import Beating
from lpbench.render import hanging, sheet_lines
from lpbench.util.jsonable import to_jsonable
from lpbench.util.text import clean
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpbench.jobs.analysis import AnalysisReport
    from lpbench.jobs.roofline import RooflineShares
    from lpbench.render._table import Paint
    from lpbench.results.model import Result

    Shares = Mapping[str, RooflineShares | Unavailable]

EPILOG = """examples:
  lpbench analyze imagenet-mobilenet-v2
  lpbench analyze alexnet.onnx --tile 227x227 --layers
  lpbench analyze imagenet-mobilenet-v2 --with last"""


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
    parser.add_argument("--tile", type=_options.tile, metavar="WxH", help="width and height of the image input")
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
    parser.add_argument(
        "--with",
        dest="result",
        metavar="RESULT",
        help="how near each configuration of a result (a file, a saved one's name, last) came to this machine's roof",
    )
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def main(options: argparse.Namespace) -> int:
    """Analyse and print."""
    from lpbench.render import analysis

    result = _result(options.result) if options.result else None
    report = _report(options)
    found = _shares(result, report) if result else {}
    if options.json:
        _console.answer_json(report.to_dict() | ({"roofline": _documents(found)} if result else {}))
        return _console.DONE
    paint, width = _console.painter(_console.answers()), _console.width(_console.answers())
    detail = analysis.Detail(layers=options.layers, operators=options.operators)
    _console.answer(*analysis.screen(report, width=width, paint=paint, detail=detail))
    for name, shares in found.items():
        _console.answer("", *_share_lines(name, shares, width, paint, layers=options.layers))
    return _console.DONE


def _result(word: str) -> Result:
    from lpbench.cli.show import load  # reading results takes longer to import than an analysis

    return load(word)


def _shares(result: Result, report: AnalysisReport) -> Shares:
    from lpbench.jobs.roofline import roof_shares

    with Beating("comparing with the roof") as steps:
        return roof_shares(result, report, progress=lambda what: steps.tell("roof", what))


def _documents(found: Shares) -> dict[str, Any]:
    return {
        name: to_jsonable(shares) if isinstance(shares, Unavailable) else shares.to_dict()
        for name, shares in found.items()
    }


def _share_lines(
    name: str, shares: RooflineShares | Unavailable, width: int, paint: Paint, *, layers: bool
) -> Iterator[str]:
    """Yield a configuration's shares of the roof, or why it has none."""
    if isinstance(shares, Unavailable):
        yield from hanging(clean(f"{name}: no share of the roof: {shares.reason}"), width, 0)
        return
    yield from sheet_lines(shares.sheet(), width, paint)
    if layers and shares.layers:
        yield from ("", *sheet_lines(shares.layers_sheet(), width, paint))


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
            progress=lambda step, _: steps.tell(step, clean(step)),
        )
