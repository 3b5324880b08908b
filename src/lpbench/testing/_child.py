"""Runs one check in its own process: the module ``lpbench.testing`` with ORDER.

The order is a JSON file; the answer is written to a file beside it, so that output
of the plugin cannot interfere.  If the parent made the case, it is pickled in the
order's folder: unpickling is safe because the parent process has just written it.
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

from lpbench.plugin import progress_file
from lpbench.testing._checks import Failed, NotApplicable, NotReady, short
from lpbench.testing._kinds import TESTED
from lpbench.testing._subject import named_case
from lpbench.util import tracebacks

if TYPE_CHECKING:
    from lpbench.testing._subject import Subject

PASSED, FAILED, NOT_APPLICABLE, NOT_READY = "passed", "failed", "not applicable", "not ready"


def main(order_file: str) -> int:
    """Carry out the order and write the answer."""
    faulthandler.enable()
    path = Path(order_file)
    order = json.loads(path.read_text(encoding="utf-8"))
    with progress_file.kept_in(progress_path(path)):
        answer = perform(order)
    answer_path(path).write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # skips interpreter shutdown, which is not part of the check


def answer_path(order: Path) -> Path:
    """Return the path of an order's answer."""
    return order.with_suffix(".answer")


def progress_path(order: Path) -> Path:
    """Return the path of what the plugin reports while an order is carried out."""
    return order.with_suffix(".progress")


def perform(order: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of the order's check, or facts about the case if the order names no check."""
    tested = TESTED[order["kind"]]
    folder = Path(order["folder"])

    def make_case(spec: Any) -> Any:
        if order["case"]:
            return pickle.loads(Path(order["case"]).read_bytes())  # noqa: S301 - see the module's docstring
        return named_case(tested.subject, spec, Path(order["files"]), order["options"])

    try:
        subject = tested.subject(tested.kind, order["name"], make_case, folder)
        return _outcome(tested.checks[order["check"]].function, subject) if order["check"] else _facts(subject)
    except Exception as error:  # noqa: BLE001 - reported to the parent
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
    """Return the innermost line outside this package in an error's traceback."""
    found = tracebacks.place(error, outside=str(Path(__file__).parent))
    return f" ({found})" if found else ""
