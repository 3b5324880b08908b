"""Loads libraries that take over parts of a model, and tells which operators were taken over."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench_tflite.config import Delegate

FUNCTIONS = ("tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate")
TAKEN = "DELEGATE"
"""Name of the operator that stands for those that a delegate took."""


def load(delegates: Sequence[Delegate], api: Any) -> list[Any]:
    """Return the delegates, loaded.

    :raises EngineError: A library cannot be loaded, or refuses its options.
    """
    return [_load(each, api) for each in delegates]


def _load(delegate: Delegate, api: Any) -> Any:
    try:
        found = ctypes.CDLL(delegate.library)
        for name in FUNCTIONS:  # the errors of the interpreter's own class come with a second one, from its destructor
            getattr(found, name)
        return api.load_delegate(delegate.library, dict(delegate.options))
    except (OSError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split()) or "it gives no reason"
        raise EngineError(
            f'delegate "{delegate.library}" cannot be used: {reason}',
            hint="give the path of a library that has tflite_plugin_create_delegate",
        ) from error


def taken(interpreter: Any) -> list[set[int]]:
    """Return, for each part that was taken over, the operators in it; empty where the library does not tell."""
    if not hasattr(interpreter, "_get_ops_details"):
        return []
    operators = interpreter._get_ops_details()  # noqa: SLF001 - there is no public way to see what a delegate took
    own = [each for each in operators if each["op_name"] != TAKEN]
    producers = {int(tensor): each for each in own for tensor in each["outputs"]}
    return [_behind(each, producers) for each in operators if each["op_name"] == TAKEN]


def count(interpreter: Any) -> int | None:
    """Return the number of the model's own operators, or None where the library does not tell."""
    if not hasattr(interpreter, "_get_ops_details"):
        return None
    operators = interpreter._get_ops_details()  # noqa: SLF001 - as above
    return len([each for each in operators if each["op_name"] != TAKEN])


def _behind(part: Mapping[str, Any], producers: Mapping[int, Mapping[str, Any]]) -> set[int]:
    """Walk from what a part gives back to what it takes."""
    given, found = {int(each) for each in part["inputs"]}, set[int]()
    waiting = [int(each) for each in part["outputs"]]
    while waiting:
        producer = producers.get(waiting.pop())
        if producer and producer["index"] not in found:
            found.add(producer["index"])
            waiting += [int(each) for each in producer["inputs"] if int(each) not in given]
    return found
