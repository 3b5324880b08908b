"""Loads delegates, libraries that run parts of a model, and lists the operators that they run."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench_tflite.config import Delegate

FUNCTIONS = ("tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate")
TAKEN = "DELEGATE"
"""Name of the operator that replaces those that a delegate runs."""


def load(delegates: Sequence[Delegate], api: Any) -> list[Any]:
    """Load the delegates.

    :raises EngineError: A library cannot be loaded, or refuses its options.
    """
    return [_load(delegate, api) for delegate in delegates]


def _load(delegate: Delegate, api: Any) -> Any:
    try:
        shared_library = ctypes.CDLL(delegate.library)
        for name in FUNCTIONS:  # checked here, since the interpreter's error is followed by one from its destructor
            getattr(shared_library, name)
        return api.load_delegate(delegate.library, dict(delegate.options))
    except (OSError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split()) or "the library gives no reason"
        raise EngineError(
            f'delegate "{delegate.library}" cannot be used: {reason}',
            hint="give the path of a library that exports tflite_plugin_create_delegate",
        ) from error


def taken(interpreter: Any) -> list[set[int]]:
    """Return the operators' indices in each delegated part; empty if the library does not report them."""
    operators = _operators(interpreter) or []
    own = [operator for operator in operators if operator["op_name"] != TAKEN]
    producers = {int(tensor): operator for operator in own for tensor in operator["outputs"]}
    return [_behind(operator, producers) for operator in operators if operator["op_name"] == TAKEN]


def left(interpreter: Any) -> list[tuple[str, int]] | None:
    """Return the operators that no delegate runs, as type and index of the first output; None if it is not reported."""
    operators = _operators(interpreter)
    if operators is None:
        return None
    run = set[int]().union(*taken(interpreter))
    return [
        (str(each["op_name"]), int(each["outputs"][0]))
        for each in operators
        if each["op_name"] != TAKEN and each["index"] not in run and len(each["outputs"])
    ]


def count(interpreter: Any) -> int | None:
    """Return the number of the model's own operators, or None if the library does not report it."""
    operators = _operators(interpreter)
    return None if operators is None else len([each for each in operators if each["op_name"] != TAKEN])


def _operators(interpreter: Any) -> Sequence[Mapping[str, Any]] | None:
    """Return all operators, or None if the library does not report them."""
    if not hasattr(interpreter, "_get_ops_details"):
        return None
    try:
        found: Sequence[Mapping[str, Any]] = interpreter._get_ops_details()  # noqa: SLF001 - the public interface does not show delegated operators
    except UnicodeDecodeError:  # it reads the names of all tensors, and one of them is not UTF-8
        return None
    return found


def _behind(part: Mapping[str, Any], producers: Mapping[int, Mapping[str, Any]]) -> set[int]:
    """Return the operators in a part, by walking from its outputs back to its inputs."""
    inputs, operators = {int(tensor) for tensor in part["inputs"]}, set[int]()
    waiting = [int(tensor) for tensor in part["outputs"]]
    while waiting:
        producer = producers.get(waiting.pop())
        if producer and producer["index"] not in operators:
            operators.add(producer["index"])
            waiting += [int(tensor) for tensor in producer["inputs"] if int(tensor) not in inputs]
    return operators
