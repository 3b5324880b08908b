"""``lpbench new-app``: write an AI app around the user's own model."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from lpbench.cli import _console
from lpbench.cli._steps import Beating

if TYPE_CHECKING:
    import argparse

    from lpbench.jobs.new_app import NewApp

EPILOG = """\
examples:
  lpbench new-app my-app --class image_classification --model m.onnx --labels names.txt --samples photos
  lpbench new-app words --class model --model encoder.onnx
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Write an AI app around a model: a folder with ai_app_config.json, ai_app.yml and a copy of the model. "
        "The model is opened to read its inputs; assumptions about the rest are printed."
    )
    parser.epilog = EPILOG
    parser.add_argument("folder", metavar="DIR", help="where to write the app; must not exist, or be empty")
    parser.add_argument(
        "--class", dest="app_class", required=True, metavar="CLASS", help="for example image_classification"
    )
    parser.add_argument("--model", required=True, metavar="FILE", help="the model file")
    parser.add_argument("--extra", action="append", default=[], metavar="FILE", help="a further file of the model")
    parser.add_argument("--labels", metavar="FILE", help="class names, one per line, in the order of the outputs")
    parser.add_argument("--samples", metavar="DIR", help="samples to copy into the app")
    parser.add_argument("--name", default="", help="the app's name in ai_app.yml; by default the folder's")


def main(options: argparse.Namespace) -> int:
    """Write the app, and print the assumptions and the next commands."""
    from lpbench.jobs.new_app import new_app

    with Beating("opening the model to read its inputs"):
        written = new_app(
            options.folder,
            app_class=options.app_class,
            model=options.model,
            extra=options.extra,
            labels=options.labels,
            samples=options.samples,
            name=options.name,
        )
    _report(options.folder, written)
    return _console.DONE


def _report(folder: str, written: NewApp) -> None:
    (model,) = written.app.components[0].models
    _console.answer(f"wrote {folder}: {written.app.app_class}, {model.format}")
    for tensor in model.inputs:
        shape = "x".join("?" if size is None else str(size) for size in tensor.shape)
        _console.answer(f"  input {tensor.name}: {' '.join(filter(None, (tensor.dtype, shape, tensor.layout)))}")
    if written.unread:
        _console.answer(f"  the model's inputs were not read: {written.unread}")
    for line in written.unserved:
        _console.say(f"{_console.painter(sys.stderr)('warning', 'warn')}: {line}")
    _console.answer("assumptions; correct them in ai_app_config.json if they are wrong")
    for line in written.assumed:
        _console.answer(f"  {line}")
    path = shlex.quote(folder)
    generated = written.app.components[0].preprocessing.type == "tensors"
    data = "" if written.app.samples or generated else " --data DIR_OF_SAMPLES"
    _console.answer("next", f"  lpbench validate {path}", f"  lpbench run {path}{data}")
