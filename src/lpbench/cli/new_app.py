"""``lpbench new-app``: an AI app around somebody's own model."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from lpbench.cli import _console
from lpbench.util.text import clean

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
        "The model is opened to read its inputs; what cannot be read is assumed, and said."
    )
    parser.epilog = EPILOG
    parser.add_argument("folder", metavar="DIR", help="where to write the app; must not exist, or be empty")
    parser.add_argument("--class", dest="app_class", required=True, metavar="CLASS", help="image_classification, say")
    parser.add_argument("--model", required=True, metavar="FILE", help="the model file")
    parser.add_argument("--extra", action="append", default=[], metavar="FILE", help="a further file of the model")
    parser.add_argument("--labels", metavar="FILE", help="class names, one a line, in the order of the outputs")
    parser.add_argument("--samples", metavar="DIR", help="samples to copy into the app")
    parser.add_argument("--name", default="", help="the app's name in ai_app.yml; by default the folder's")


def main(options: argparse.Namespace) -> int:
    """Write the app and say what was assumed and what to type next."""
    from lpbench.jobs.new_app import new_app

    made = new_app(
        options.folder,
        app_class=options.app_class,
        model=options.model,
        extra=options.extra,
        labels=options.labels,
        samples=options.samples,
        name=options.name,
    )
    _report(options.folder, made)
    return _console.DONE


def _report(folder: str, made: NewApp) -> None:
    (model,) = made.app.components[0].models
    print(f"wrote {folder}: {made.app.app_class}, {model.format}")
    for each in model.inputs:
        shape = "x".join("?" if size is None else str(size) for size in each.shape)
        print(clean(f"  input {each.name}: {' '.join(filter(None, (each.dtype, shape, each.layout)))}"))
    if made.unread:
        print(f"  the model's inputs were not read: {made.unread}")
    print("assumed; change it in ai_app_config.json where it is wrong")
    for line in made.assumed:
        print(clean(f"  {line}"))
    place = shlex.quote(folder)
    generated = made.app.components[0].preprocessing.type == "tensors"
    data = "" if made.app.samples or generated else " --data DIR_OF_SAMPLES"
    print(f"next\n  lpbench validate {place}\n  lpbench run {place}{data}")
