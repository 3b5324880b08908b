"""A result as a versioned JSON document; ``lpbench.results.json_document`` reads it back.

Fields of values become keys, whatever they are called; the document's schema is ``result.schema.json``.  It knows
nothing of results but their statistics, so that a result can have a dictionary of its own.
"""

from __future__ import annotations

import base64
import dataclasses
import sys
import zlib
from array import array
from collections.abc import Mapping
from typing import Any

from lpbench.results.stats import Summary
from lpbench.util.jsonable import to_jsonable, whole_text
from lpbench.util.unavailable import Unavailable

FORMAT = "lpbench-result"


VERSION = 2


ENCODING = "int64le-zlib-base64"


def to_document(result: Any) -> dict[str, Any]:
    """Return a result's document, ready for JSON."""
    return {"format": FORMAT, "version": VERSION, **_to_json(result)}


def _to_json(value: Any) -> Any:
    """Return a value for JSON: fields and items likewise, samples as a block."""
    if isinstance(value, array):
        return encode(value)
    if dataclasses.is_dataclass(value):
        return _fields(value)
    if isinstance(value, Mapping):
        return {whole_text(str(key)): _to_json(each) for key, each in value.items()}
    if isinstance(value, str):  # of files whose names are no text, for example
        return whole_text(value)
    if isinstance(value, (list, tuple)):
        return [_to_json(each) for each in value]
    return to_jsonable(value)  # an engine object takes any object for a config


def _fields(record: Any) -> dict[str, Any]:
    """Return a record's fields; those of a summary that are not known are null, with the reason under ``reasons``."""
    values = {item.name: getattr(record, item.name) for item in dataclasses.fields(record)}
    if not isinstance(record, Summary):
        return {name: _to_json(each) for name, each in values.items()}
    reasons = {name: _to_json(each) for name, each in values.items() if isinstance(each, Unavailable)}
    known = {name: _to_json(each) for name, each in values.items() if name not in reasons}
    return {**known, **dict.fromkeys(reasons), "reasons": reasons}


def encode(values: array[int], *, level: int = 6) -> dict[str, Any]:
    """Return a block: little-endian 64-bit integers, deflated, in base64.

    :param level: Of the compression: 1 is quick, 9 small.
    """
    data = array("q", values)
    if sys.byteorder == "big":
        data.byteswap()
    text = base64.b64encode(zlib.compress(data.tobytes(), level)).decode("ascii")
    return {"encoding": ENCODING, "count": len(values), "data": text}
