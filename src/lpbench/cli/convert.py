"""``lpbench convert``: convert an app's models, or a model file, to another format."""

from __future__ import annotations

import dataclasses
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import made_for, origin, unchecked
from lpbench.cli import _console, _options
from lpbench.cli._steps import Steps
from lpbench.render import digits, seconds
from lpbench.util.text import amount, clean
from lpbench.util.tiles import tile_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from lpbench.app.model import App
    from lpbench.jobs.conversion import Progress
    from lpbench.plugin.engine import Model
    from lpbench.plugin.specs import EngineSpec

MB = 1e6
EPILOG = """examples:
  lpbench convert imagenet-mobilenet-v2 --to ncnn
  lpbench convert imagenet-mobilenet-v2 --to ncnn --precision F16
  lpbench convert model.onnx --to tflite --shape input=1,3,224,224 -o converted"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Convert an app's models to another format and add them to the app (those of a catalogue app are kept beside "
        "it), or convert a model file into a new file next to it. Every conversion is run and compared with its "
        "source first; the app's own files do not change."
    )
    parser.epilog = EPILOG
    parser.add_argument("app", metavar="APP", help="an app's folder, a catalogue name (lpbench apps) or a model file")
    parser.add_argument("--to", required=True, metavar="FORMAT", help="format that an engine reads: ncnn, tflite, …")
    parser.add_argument("--precision", metavar="P", help="precision of the weights: F32, F16 (the converter's default)")
    parser.add_argument(
        "--variant",
        metavar="NAME",
        help="name of the conversion, by which --engine NAME:variant=… chooses it (f16 for --precision F16)",
    )
    parser.add_argument(
        "--tile", metavar="WxH", help="width and height of the image input, where the source leaves them open"
    )
    parser.add_argument("--data", metavar="DIR", help="samples to calibrate with, where a precision takes that")
    parser.add_argument(
        "--samples", type=_options.from_one, metavar="N", help="samples to calibrate with, at most (100)"
    )
    parser.add_argument(
        "--set",
        dest="options",
        type=_options.pair,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the converter, listed by lpbench plugins -v; may be repeated",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="write the files here, not into the app")
    parser.add_argument("--force", action="store_true", help="convert again and replace existing conversions")
    parser.add_argument(
        "--unchecked", action="store_true", help="keep in the app, marked, what this machine cannot run and check"
    )
    parser.add_argument(
        "--timeout", type=_options.above_zero, metavar="S", help="seconds that a converter may take (1800)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    _options.add_tensors(parser)


def main(options: argparse.Namespace) -> int:
    """Convert, and print the new files and how they were checked."""
    from lpbench.cli import _measure
    from lpbench.jobs.conversion import SAMPLES, TIMEOUT, configured, convert

    app = _measure.find_app(options.app, options)
    inside = options.output is None and configured(app)
    begun, lines = time.monotonic(), Lines()
    try:
        models = convert(
            app,
            options.to,
            precision=options.precision,
            variant=options.variant,
            tile=options.tile,
            data=options.data,
            samples=options.samples or SAMPLES,
            shapes=dict(options.shapes),
            options=_options.converter_options(dict(options.options), options.to),
            output=options.output,
            force=options.force,
            unchecked=options.unchecked,
            timeout=options.timeout or TIMEOUT,
            progress=lines,
        )
    finally:
        lines.close()
    spent = time.monotonic() - begun
    if options.json:
        _console.answer_json([as_json(model) for model in models])
        return _console.DONE
    took = f"{seconds(spent)}{' in total' if len(models) > 1 else ''}"
    for model in models:
        _console.answer(*_screen(app, model, took if lines.converted else "converted earlier"))
    _console.answer(f"next: {_following(options.app if inside else '', models)}")
    return _console.DONE


def as_json(model: Model) -> dict[str, Any]:
    """Return a converted model as JSON."""
    return {
        "format": model.format,
        "variant": model.variant,
        "tile": tile_text(model.tile) if model.tile else None,
        "file": str(model.path),
        "extra": list(map(str, model.extra)),
        "inputs": [dataclasses.asdict(tensor) for tensor in model.inputs],
        "outputs": [dataclasses.asdict(tensor) for tensor in model.outputs],
        "provenance": dict(model.provenance),
    }


class Lines(Steps):
    """Progress of a conversion."""

    converted = False
    """Whether anything was converted, rather than found in the cache."""

    def __call__(self, progress: Progress) -> None:
        """Show a phase that begins or continues."""
        self.converted = True
        clock = seconds(progress.seconds) if progress.seconds >= 1 else ""
        line = " · ".join(filter(None, (f"{progress.model}: {progress}", clock, progress.converter)))
        self.show((progress.model, progress.phase), clean(line), progress.seconds)


def _screen(app: App, model: Model, when: str) -> list[str]:
    files = [model.path, *model.extra]
    size = digits(sum(path.stat().st_size for path in files) / MB)
    lines = [
        " · ".join([f"{app.name}: {model.format} {origin(model)}", *_named(model), when]),
        f"  {', '.join(map(str, files))} · {size} MB",
        f"  {_outcome(model)}",
    ]
    return [clean(line) for line in lines]


def _named(model: Model) -> list[str]:
    variant = [f"variant {model.variant}"] if model.variant else []
    return [*variant, *([f"tile {tile_text(model.tile)}"] if model.tile else [])]


def _outcome(model: Model) -> str:
    """Return what the comparison with the source found, or why there was none."""
    if why := unchecked(model):
        return f"unchecked: {why}; its first use on a machine that can run it checks it, and it wins nothing before"
    checked = model.provenance["checked"]
    errors = f"largest error {checked['max_absolute']:.2g}, cosine {checked['cosine']:.6f}"
    inputs = amount(checked["samples"], "input")
    return f"checked on {checked['engine']} against {checked['reference']}, {inputs}: {errors}"


def _following(app: str, models: tuple[Model, ...]) -> str:
    """Return the next command: measure the first conversion on an engine that reads it.

    :param app: The app that the conversions were added to; empty for files of their own.
    """
    from lpbench.plugin.registry import ENGINES, offers_where

    model = models[0]
    offers = offers_where(ENGINES, lambda spec: model.format in spec.formats)
    readers = [offer.spec for offer in offers if offer.availability()]
    readers.sort(key=lambda spec: (spec.reference is None, next(iter(spec.formats)) != model.format))
    if not readers:
        return "lpbench engines"
    named = [f"variant={model.variant}"] if app and model.variant else []
    named += [f"tile={tile_text(model.tile)}"] if app and model.tile else []
    words = [app or str(model.path), "--engine", ":".join([readers[0].name, *named])]
    shapes = {} if app else _unstated(model, readers[0])
    for name, shape in shapes.items():
        words += ["--shape", f"{name}={','.join(map(str, shape))}"]
    return f"lpbench run {shlex.join(words)}"


def _unstated(model: Model, engine: EngineSpec) -> dict[str, Sequence[object]]:
    """Return the shapes that a file alone does not tell its engine, by input: an app's config would state them."""
    made = made_for(model)
    opened = {info.name: made[info.name] for info in model.inputs if info.name in made and set(info.dynamic) - {0}}
    fixed = {info.name: info.shape for info in model.inputs if info.shape and not info.dynamic}
    return {**opened, **({} if engine.dynamic_shapes else fixed)}
