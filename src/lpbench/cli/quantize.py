"""``lpbench quantize``: store an app's models in 8 or 16 bits, and say how good the answers still are."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from lpbench.cli import _console, _options
from lpbench.cli._steps import Beating
from lpbench.util.text import clean

if TYPE_CHECKING:
    import argparse

    from lpbench.jobs.quantizing import Quantized, QuantizedModel, Step

EPILOG = """examples:
  lpbench quantize imagenet-mobilenet-v2 --precision S8
  lpbench quantize my-app --precision S8 --to all --data calibration-photos"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Store an app's models in 8 or 16 bits and add them to the app as variants (those of a catalogue app are kept "
        "beside it). Ranges are calibrated on the app's own samples. Every model is compared with its source: numbers, "
        "answers, and quality where the app has labelled samples. "
        "Exit status 1 if the quality of one misses the app's gate, 3 if none could be made."
    )
    parser.epilog = EPILOG
    parser.add_argument("app", metavar="APP", help="an app's folder, a catalogue name (lpbench apps) or a model file")
    parser.add_argument(
        "--precision", choices=("S8", "F16"), default="S8", help="precision of the weights; of activations, too (S8)"
    )
    parser.add_argument(
        "--to",
        type=_options.names,
        action="extend",
        metavar="FORMAT,…",
        help='formats to make, or "all" (the format of the app\'s own model)',
    )
    parser.add_argument(
        "--samples", type=_options.from_one, default=100, metavar="N", help="most samples to calibrate with (100)"
    )
    parser.add_argument("--data", metavar="DIR", help="samples: a folder or one file (the app's own)")
    parser.add_argument("--variant", metavar="NAME", help="name of the variant (the precision in lower case)")
    parser.add_argument("--force", action="store_true", help="convert again and replace the variant")
    parser.add_argument(
        "--timeout", type=_options.above_zero, metavar="S", help="seconds that a converter may take (1800)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    _options.add_tensors(parser)


def main(options: argparse.Namespace) -> int:
    """Quantise, print, and return the exit status."""
    from lpbench.render import quantization

    quantized = _quantized(options)
    if options.json:
        _console.answer_json(quantized.to_dict())
        return status(quantized)
    stream = _console.answers()
    paint = _console.painter(stream)
    _console.answer(*quantization.screen(quantized, width=_console.width(stream), paint=paint))
    if following := _following(quantized, options.app):
        _console.answer(paint(f"next: {following}", "dim"))
    return status(quantized)


def status(quantized: Quantized) -> int:
    """Return the exit status; that nothing was made takes precedence."""
    if not any(model.made for model in quantized.models):
        return _console.NOTHING
    return _console.FAILED if any(model.fails for model in quantized.models) else _console.DONE


def _quantized(options: argparse.Namespace) -> Quantized:
    from lpbench.cli import _measure
    from lpbench.jobs.conversion import TIMEOUT
    from lpbench.jobs.quantizing import ALL, quantize

    app = _measure.find_app(options.app, options)
    with Beating("reading the app") as steps:
        return quantize(
            app,
            options.precision,
            to=ALL if options.to == [ALL] else options.to,
            variant=options.variant,
            samples=options.samples,
            data=options.data,
            shapes=dict(options.shapes),
            force=options.force,
            timeout=options.timeout or TIMEOUT,
            progress=lambda step: steps.tell(step.format, _words(step)),
        )


def _words(step: Step) -> str:
    amount = f" {step.done}/{step.total}" if step.total else ""
    return f"{clean(step.format or 'the app itself')} · {step.phase}{amount}"


def _following(quantized: Quantized, app: str) -> str:
    """Return the next command: measure the variant beside the app's own model."""
    made: list[QuantizedModel] = [model for model in quantized.models if model.engine]
    if not made or not quantized.recorded:
        return ""
    first = made[0]
    engines = f"{first.engine},{first.engine}:variant={first.variant}"
    return f"lpbench run {shlex.quote(app)} --engine {shlex.quote(engines)}"
