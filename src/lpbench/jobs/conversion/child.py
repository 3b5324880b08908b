"""Runs one converter, or asks what its product depends on.

``python -m lpbench.jobs.conversion.child REQUEST ANSWER``, two files of JSON.

A converter runs in a separate process, because it may crash, hang, or use much memory.
"""

from __future__ import annotations

import dataclasses
import faulthandler
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lpbench.app.model_described import model_from_request
from lpbench.plugin import converter_options, progress_file
from lpbench.plugin.converter import Conversion, Converted
from lpbench.plugin.specs import load
from lpbench.worker.__main__ import describe_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lpbench.plugin.engine import Feeds


def main(arguments: list[str]) -> NoReturn:
    """Convert as requested and write an answer: the converted model or the error."""
    request, answer = map(Path, arguments)
    faulthandler.enable()
    try:
        asked = json.loads(request.read_text("utf-8"))
        with progress_file.kept_in(request.with_name(progress_file.NAME)):
            result = _bound(asked) if "bound" in asked else _convert(asked)
    except Exception as error:  # noqa: BLE001 - a converter may raise anything, and the parent must know
        result = {"error": describe_error(error)}
    answer.write_text(json.dumps(result, default=str), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # everything is written; tearing down converters' libraries takes time, and may hang or crash


def _bound(request: Mapping[str, Any]) -> dict[str, Any]:
    return {"bound": load(request["bound"], who=request["name"])(_config(request))}


def _config(request: Mapping[str, Any]) -> Any:
    return converter_options.config_of(request["config"], request["name"], request["options"])


def _convert(request: Mapping[str, Any]) -> dict[str, Any]:
    converter = load(request["target"], who=request["name"])()
    converter.prepare()
    Path(request["prepared"]).touch()
    shapes = {name: tuple(shape) for name, shape in request["shapes"].items()}
    folder, scratch = Path(request["folder"]), Path(request["scratch"])
    feeds = _Feeds(request.get("calibration", ()), request.get("names", {}))
    conversion = Conversion(folder, scratch, request["precision"], shapes, _config(request), feeds)
    converted = converter.convert(model_from_request(request["source"]), conversion)
    if not isinstance(converted, Converted):
        raise TypeError(f"returned {type(converted).__name__}, which is not an lpbench.plugin.converter.Converted")
    return {"model": dataclasses.asdict(converted.model), "tools": dict(converted.tools)}


class _Feeds:
    """Arrays by the source's input names, read one sample at a time."""

    def __init__(self, files: Sequence[str], names: Mapping[str, str]) -> None:
        self._files = files
        self._names = names

    def __iter__(self) -> Iterator[Feeds]:
        from lpbench.worker.tensor_wire import read_feeds  # only where there are samples

        for path in map(Path, self._files):
            yield {self._names.get(each.name, each.name): each.values for each in read_feeds(path)}

    def __len__(self) -> int:
        return len(self._files)


if __name__ == "__main__":
    main(sys.argv[1:])
