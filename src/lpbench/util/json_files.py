"""Reads untrusted JSON: bounded in size and depth, strict, and every refusal is an LpbenchError."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from lpbench.errors import AppError, LpbenchError
from lpbench.util.regular_files import read_regular

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = 40
"""Most digits of a whole number: Python's conversion takes quadratic time."""
DEPTH = 100
"""Most lists and objects inside each other: what works on a value calls itself for each."""
LONG = 60
"""Characters of a key that an error shows."""
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Beginning of half a character: only such an escape can bring one into a value, since UTF-8 has none."""


def read_json(path: Path, *, limit: int, error: type[LpbenchError] = AppError) -> Any:
    """Return the value in a file.

    Refuses what JSON forbids or leaves undefined: duplicate keys, NaN and
    infinity, numbers that overflow, lone surrogates.

    :param limit: Largest size in bytes.
    :raises LpbenchError: As ``error``, naming the file and the place in it.
    """
    return parse_json(read_regular(path, limit=limit, error=error), error=error, where=str(path))


def read_text(path: Path, *, limit: int, error: type[LpbenchError] = AppError) -> str:
    """Return a file's UTF-8 text, without a byte-order mark.

    :param limit: Largest size in bytes.
    :raises LpbenchError: As ``error``: not a regular file, unreadable, too large, not UTF-8.
    """
    return _text(read_regular(path, limit=limit, error=error), error, str(path))


def parse_json(data: bytes, *, error: type[LpbenchError] = AppError, where: str = "") -> Any:
    """Return the value that bytes hold, by the rules of ``read_json``, in time linear in their number.

    :param where: The file, for errors.
    :raises LpbenchError: As ``error``, naming the place.
    """
    text = _text(data, error, where)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_float, parse_int=_integer
        )
    except json.JSONDecodeError as wrong:
        what = f"is not JSON: {wrong.msg} at line {wrong.lineno}, column {wrong.colno}"
        raise error(what, where=where, hint=_guess(text)) from None
    except RecursionError:
        raise error(f"is nested too deeply; at most {DEPTH} levels are read", where=where) from None
    except ValueError as wrong:
        raise error(str(wrong), where=where) from None
    if text.count("[") + text.count("{") > DEPTH and _deep(value):
        raise error(f"is nested too deeply; at most {DEPTH} levels are read", where=where)
    if SURROGATE.search(text):
        _refuse_surrogates(value, error, where)
    return value


def _guess(text: str) -> str:
    """Return what may have become of a file that is not JSON."""
    if not text.strip():
        return "the file is empty"
    return "" if text.rstrip().endswith(("}", "]")) else "the file may have been cut short"


def _text(data: bytes, error: type[LpbenchError], where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise error(f"is not UTF-8: byte {wrong.start} is 0x{wrong.object[wrong.start]:02x}", where=where) from None


def _refuse_surrogates(value: Any, error: type[LpbenchError], where: str) -> None:
    """Refuse half a character, which can be neither printed nor used as a path."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise error("holds half a surrogate pair, which is not valid text", where=where) from None


def _deep(value: Any) -> bool:
    """Say whether a value is nested more deeply than ``DEPTH``: level by level, without calling itself."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEPTH):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"has the key {json.dumps(twice[:LONG])} twice in one object")
    return content


def _refuse(word: str) -> float:
    raise ValueError(f"has the number {word}, which JSON does not allow")


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text[:DIGITS])


def _integer(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"has a whole number of {len(text)} digits; at most {DIGITS} are allowed")
    return int(text)
