"""Requests and answers as the frames of ``lpbench.worker.protocol`` carry them, and back.

A request is ``{"request": NAME, "fields": {...}}``, an answer ``{"answer": ...}`` with its block of bytes beside it, a
refusal ``{"error": {...}}``.  While some requests are carried out, frames ``{"progress": {...}}`` come first.  What
comes from the other end is not trusted: every field is checked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_args

from lpbench import errors
from lpbench.errors import ConfigError, LpbenchError, WorkerError
from lpbench.plugin.progress import Activity
from lpbench.util import dataclass_config
from lpbench.util.jsonable import to_jsonable
from lpbench.worker import requests
from lpbench.worker.protocol import Message, ProtocolError
from lpbench.worker.requests import Request

A = TypeVar("A")

BLOCK, PROGRESS = "block", "progress"
KINDS = {
    name: kind
    for name, kind in vars(requests).items()
    if isinstance(kind, type) and issubclass(kind, Request) and kind is not Request
}
"""Every request by its name on the wire."""


def encode_request(request: Request[Any]) -> Message:
    """Return a request for the wire."""
    return {"request": type(request).__name__, "fields": _fields(request)}


def decode_request(message: Message) -> Request[Any]:
    """Return the request of a message.

    :raises WorkerError: There is no such request.
    :raises ConfigError: A field is missing, unknown or of another type.
    """
    name = str(message.get("request"))
    if name not in KINDS:
        raise WorkerError(f"unknown request {name!r}", hint=f"known: {', '.join(sorted(KINDS))}")
    fields = message.get("fields", {})
    if not isinstance(fields, Mapping):
        raise ConfigError(f"found {type(fields).__name__} for the fields; expected an object", where=name)
    return dataclass_config.build(KINDS[name], fields, where=name)


def encode_answer(answer: Any) -> tuple[Message, bytes]:
    """Return an answer for the wire: JSON, and its block."""
    if not dataclasses.is_dataclass(answer):
        return {"answer": to_jsonable(answer)}, b""
    return {"answer": _fields(answer)}, getattr(answer, BLOCK, b"")


def decode_answer(request: Request[A], answer: Any, block: bytes) -> A:
    """Return the answer to a request.

    :raises ProtocolError: It is not of the request's type.
    """
    kind = answer_kind(type(request))
    try:
        if dataclasses.is_dataclass(kind) and isinstance(answer, Mapping):
            answer = {**answer, BLOCK: block} if BLOCK in kind.__dataclass_fields__ else answer
        return cast("A", dataclass_config.convert(kind, answer, where=f"answer to {type(request).__name__}"))
    except ConfigError as error:
        raise ProtocolError(f"{error.where}: {error.what}") from error


def decode_error(record: Any) -> LpbenchError:
    """Return the error that a worker described, as the class of ours that it was there."""
    if not isinstance(record, Mapping):
        return LpbenchError(f"the worker failed and did not say how: {record!r:.200}")
    kind = getattr(errors, str(record.get("kind")), None)
    known = kind if isinstance(kind, type) and issubclass(kind, LpbenchError) else None
    what = str(record.get("what"))
    if known is None:
        return LpbenchError(f"{record.get('kind')}: {what}", where=str(record.get("where", "")))
    return known(what, where=str(record.get("where", "")), hint=str(record.get("hint", "")))


def encode_activity(activity: Activity) -> Message:
    """Return for the wire what takes a plugin long."""
    return {PROGRESS: _fields(activity)}


def decode_activity(request: Request[Any], message: Message, block: bytes) -> Activity:
    """Return what takes a plugin long, of a frame before the answer to a request.

    :raises ProtocolError: It is none, or nothing is reported while that request is carried out.
    """
    what = f"progress of {type(request).__name__}"
    if not request.reports or len(message) > 1 or block:
        raise ProtocolError(f"{what}: unexpected")
    try:
        return cast("Activity", dataclass_config.convert(Activity, message[PROGRESS], where=what))
    except ConfigError as error:
        raise ProtocolError(f"{error.where}: {error.what}") from error


def answer_kind(kind: type[Request[Any]]) -> Any:
    """Return the type of a request's answer, which its base names."""
    (found,) = get_args(kind.__orig_bases__[0])  # type: ignore[attr-defined] # generic classes have them
    return found


def _fields(record: Any) -> dict[str, Any]:
    """Return a dataclass's fields as JSON, without its block."""
    values = {item.name: getattr(record, item.name) for item in dataclasses.fields(record) if item.name != BLOCK}
    return {name: to_jsonable(value) for name, value in values.items()}
