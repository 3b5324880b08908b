"""Runs one analyzer: ``python -m lpbench.jobs.analysis.child REQUEST ANSWER``, two files of JSON.

An analyzer runs in a separate process with limited memory, because a stranger's file may make it grow, hang or crash.
"""

from __future__ import annotations

import dataclasses
import faulthandler
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import made_for
from lpbench.app.model_described import model_from_request
from lpbench.jobs.analysis._shapes import Asked, complete
from lpbench.plugin.analyzer import Analysis
from lpbench.plugin.specs import load
from lpbench.util.address_space import limit_memory
from lpbench.util.jsonable import to_jsonable
from lpbench.worker.__main__ import describe_error

if TYPE_CHECKING:
    from collections.abc import Mapping


def main(arguments: list[str]) -> int:
    """Analyse as requested and write an answer: the analysis or the error."""
    request, answer = map(Path, arguments)
    faulthandler.enable()
    try:
        asked = json.loads(request.read_text("utf-8"))
        limit_memory(asked["memory"])
        result: dict[str, Any] = {"analysis": to_jsonable(_analyze(asked))}
    except Exception as error:  # noqa: BLE001 - an analyzer may raise anything, and the parent must know
        result = {"error": describe_error(error)}
    sys.stdout.flush()
    answer.write_text(json.dumps(result), encoding="utf-8")
    return 0


def _analyze(request: Mapping[str, Any]) -> Analysis:
    model = model_from_request(request["model"])
    analyzer = load(request["target"], who=request["name"])(model)
    tile = tuple(request["tile"]) if request["tile"] else None
    asked = Asked(request["shapes"], tile, request["prefix"])
    made = made_for(model)
    stated = [dataclasses.replace(info, shape=made.get(info.name, info.shape)) for info in model.inputs]
    own = None if model.provenance else model.tile
    found = analyzer.analyze(complete(analyzer.inputs, stated, asked, tile=own))
    if not isinstance(found, Analysis):
        raise TypeError(f"returned {type(found).__name__}, which is not an lpbench.plugin.analyzer.Analysis")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
