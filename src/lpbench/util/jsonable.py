"""Conversion of values to what JSON can represent and ``lpbench.util.json_files`` reads again."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from lpbench.errors import ConfigError
from lpbench.util.text import brief, clean

DEEPEST = 40
"""Lists and objects inside each other in one value: it stands inside those of a document, which may have 100."""
DIGITS = 40
"""Most digits of a whole number, as the reader has it."""
GREATEST = int(10**DIGITS)
LONGEST = 1 << 20
"""Most characters of one text that an engine states."""


def to_jsonable(value: Any, depth: int = DEEPEST) -> Any:
    """Return a value that JSON can represent: arrays become lists, NaN and infinity null, other types their text.

    So do whole numbers of more than 40 digits, and what is nested too deeply.
    """
    if value is None or isinstance(value, (str, int, float)):
        return _single(value)
    if depth == 0:
        return brief(value)
    if dataclasses.is_dataclass(value):
        return {item.name: to_jsonable(getattr(value, item.name), depth - 1) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_jsonable(item, depth - 1) for item in value]
    return to_jsonable(value.tolist(), depth) if hasattr(value, "tolist") else _text(value)


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - it is written by its own class, which may be anybody's
        return brief(value)


def _single(value: Any) -> Any:
    """Return a value that is no collection, once JSON has it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return brief(value) if isinstance(value, int) and not _short(value) else value


def to_json(value: Any, where: str = "", depth: int = DEEPEST) -> Any:
    """Return a value as JSON has it: numbers of numpy and tuples are taken, everything that JSON lacks is refused.

    :param where: Path of the value, for errors.
    :raises ConfigError: Naming the path, what was found and what is expected.
    """
    value = value.tolist() if hasattr(value, "tolist") else value
    if depth == 0:
        raise ConfigError(f"found more than {DEEPEST} lists and objects inside each other", where=where)
    if isinstance(value, Mapping):
        return {_key(key, where): to_json(item, f"{where}.{clean(key)}", depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item, f"{where}[{at}]", depth - 1) for at, item in enumerate(value)]
    if (expected := _refusal(value)) is not None:
        raise ConfigError(f"found {brief(value)}; expected {expected}", where=where)
    return value


def refuse_not_finite(value: Any, where: str = "", depth: int = DEEPEST) -> None:
    """Refuse a number that JSON lacks, also inside lists, objects and dataclasses; other types are nobody's business.

    :raises ConfigError: Naming its path; or the lists and objects are nested too deeply.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"found {value}; expected a finite number", where=where)
    if depth == 0 and isinstance(value, (Mapping, list, tuple)):
        raise ConfigError(f"found more than {DEEPEST} lists and objects inside each other", where=where)
    if isinstance(value, (str, bytes)) or depth == 0:
        return
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {item.name: getattr(value, item.name, None) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        for key, item in value.items():
            refuse_not_finite(item, f"{where}.{clean(key)}".lstrip("."), depth - 1)
    elif isinstance(value, (list, tuple)):
        for at, item in enumerate(value):
            refuse_not_finite(item, f"{where}[{at}]", depth - 1)


def whole_text(text: str) -> str:
    """Return a text whose halves of characters, as undecodable names of files have them, are escaped."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str) or _refusal(key) is not None:
        raise ConfigError(f"found the key {brief(key)}; expected text", where=where)
    return key


def _refusal(value: Any) -> str | None:
    """Return what was expected in the place of a single value; None if JSON has it."""
    if isinstance(value, str):
        whole = len(value) <= LONGEST and whole_text(value) == value
        return None if whole else "text of whole characters, not too long"
    if isinstance(value, float):
        return None if math.isfinite(value) else "a finite number"
    if isinstance(value, int):
        return None if _short(value) else f"a whole number of at most {DIGITS} digits"
    return None if value is None else "text, a number, true or false, null, a list or an object"


def _short(number: int) -> bool:
    return abs(number) < GREATEST
