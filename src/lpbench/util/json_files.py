"""Reads untrusted JSON: bounded in size, strict, and every refusal is an LpbenchError."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from lpbench.errors import AppError, LpbenchError
from lpbench.util.paths import no_such_file

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = 40
"""Most digits of a whole number: Python's conversion takes quadratic time."""
MEBIBYTE = 1 << 20


def read_json(path: Path, *, limit: int, error: type[LpbenchError] = AppError) -> Any:
    """Return the value in a file.

    Refuses what JSON forbids or leaves undefined: duplicate keys, NaN and
    infinity, numbers that overflow, lone surrogates.

    :param limit: Largest size in bytes.
    :raises LpbenchError: As ``error``, naming the file and the place in it.
    """
    text = read_text(path, limit=limit, error=error)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_float, parse_int=_integer
        )
        json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate can be neither printed nor used as a path
    except json.JSONDecodeError as wrong:
        raise error(f"is not JSON: {wrong.msg} at line {wrong.lineno}, column {wrong.colno}", where=str(path)) from None
    except RecursionError:
        raise error("is nested too deeply", where=str(path)) from None
    except UnicodeEncodeError:
        raise error("holds half a surrogate pair, which is not valid text", where=str(path)) from None
    except ValueError as wrong:
        raise error(str(wrong), where=str(path)) from None
    return value


def read_text(path: Path, *, limit: int, error: type[LpbenchError] = AppError) -> str:
    """Return a file's UTF-8 text, without a byte-order mark.

    :param limit: Largest size in bytes.
    :raises LpbenchError: As ``error``: not a regular file, unreadable, too large, not UTF-8.
    """
    try:
        if not path.exists():
            raise no_such_file(path, error)
        if not path.is_file():
            raise error("is not a file", where=str(path))
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as wrong:
        raise error(f"cannot be read: {wrong.strerror or wrong}", where=str(path)) from wrong
    if len(data) > limit:
        raise error(f"is larger than {limit / MEBIBYTE:g} MiB", where=str(path))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise error(f"is not UTF-8: byte {wrong.start} is 0x{data[wrong.start]:02x}", where=str(path)) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"has the key {json.dumps(twice)} twice in one object")
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
