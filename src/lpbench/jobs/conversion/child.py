"""Runs one converter: ``python -m lpbench.jobs.conversion.child REQUEST ANSWER``, two files of JSON.

A process of its own, because converters crash, hang and take memory that is given back.
"""

from __future__ import annotations

import dataclasses
import faulthandler
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.model import model_from_request
from lpbench.plugin.converter import Conversion, Converted
from lpbench.plugin.specs import load
from lpbench.worker.__main__ import describe_error, die_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping


def main(arguments: list[str]) -> int:
    """Convert as the request says and write an answer; an error is one too."""
    request, answer = map(Path, arguments)
    faulthandler.enable()
    die_with_parent()
    try:
        found = _convert(json.loads(request.read_text("utf-8")))
    except Exception as error:  # noqa: BLE001 - a converter may raise anything, and the parent must hear of it
        found = {"error": describe_error(error)}
    sys.stdout.flush()
    answer.write_text(json.dumps(found, default=str), encoding="utf-8")
    return 0


def _convert(request: Mapping[str, Any]) -> dict[str, Any]:
    converter = load(request["target"], who=request["name"])()
    converter.prepare()
    Path(request["prepared"]).touch()
    shapes = {name: tuple(shape) for name, shape in request["shapes"].items()}
    wanted = Conversion(Path(request["folder"]), Path(request["scratch"]), request["precision"], shapes)
    made = converter.convert(model_from_request(request["source"]), wanted)
    if not isinstance(made, Converted):
        raise TypeError(f"returned {type(made).__name__}, which is no lpbench.plugin.converter.Converted")
    return {"model": dataclasses.asdict(made.model), "tools": dict(made.tools)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
