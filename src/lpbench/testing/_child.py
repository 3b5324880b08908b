"""Runs one check in a process of its own: ``python -m lpbench.testing ORDER``.

The order is a JSON file; the answer is written beside it, so that whatever the
plugin prints is in nobody's way.  A case made by the parent lies pickled in the
folder of the order: it was written a moment ago by the process that started us.
"""

from __future__ import annotations

import faulthandler
import json
import os
import pickle
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.testing._checks import Failed, NotApplicable, NotReady, short
from lpbench.testing._kinds import TESTED
from lpbench.testing._subject import named_case
from lpbench.worker.__main__ import die_with_parent

if TYPE_CHECKING:
    from lpbench.testing._subject import Subject

PASSED, FAILED, NOT_APPLICABLE, NOT_READY = "passed", "failed", "not applicable", "not ready"


def main(order_file: str) -> int:
    """Do what the order says and write the answer."""
    faulthandler.enable()
    die_with_parent()
    path = Path(order_file)
    order = json.loads(path.read_text(encoding="utf-8"))
    answer = perform(order)
    answer_path(path).write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # what a library does when Python ends is no part of a check


def answer_path(order: Path) -> Path:
    """Return where the answer to an order is written."""
    return order.with_suffix(".answer")


def perform(order: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of a check; of none, what the case says of itself."""
    tested = TESTED[order["kind"]]
    folder = Path(order["folder"])

    def make_case(spec: Any) -> Any:
        if order["case"]:
            return pickle.loads(Path(order["case"]).read_bytes())  # noqa: S301 - see the module's docstring
        return named_case(spec, Path(order["files"]), order["options"])

    try:
        subject = tested.subject(tested.kind, order["name"], make_case, folder)
        return _outcome(tested.checks[order["check"]].function, subject) if order["check"] else _facts(subject)
    except Exception as error:  # noqa: BLE001 - the parent must hear of it
        return {"error": short(error), "trace": traceback.format_exc()}


def _facts(subject: Subject[Any, Any]) -> dict[str, Any]:
    try:
        case = subject.case
    except NotReady:
        return {"expected_failures": {}}
    return {"expected_failures": dict(case.expected_failures), "timeout": case.timeout}


def _outcome(function: Any, subject: Subject[Any, Any]) -> dict[str, str]:
    try:
        function(subject)
    except Failed as failure:
        return {"status": FAILED, "message": str(failure)}
    except NotApplicable as reason:
        return {"status": NOT_READY if isinstance(reason, NotReady) else NOT_APPLICABLE, "message": str(reason)}
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        return {"status": FAILED, "message": f"{short(error)}{_place(error)}", "trace": traceback.format_exc()}
    return {"status": PASSED, "message": ""}


def _place(error: Exception) -> str:
    """Return the last line of other people's code that an error passed."""
    own = str(Path(__file__).parent)
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(own)]
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
