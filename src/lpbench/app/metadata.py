"""Reads ``ai_app.yml``: an app's author, licence and the source of its weights.  Not needed to run the app."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from lpbench.errors import AppError
from lpbench.util.json_files import read_text
from lpbench.util.problems import Problem
from lpbench.util.text import shorten
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LIMIT = 64 << 10
"""Largest size of a file in bytes; PyYAML takes quadratic time for some texts."""
DEPTH = 20
BITS = 128
"""Binary digits up to which a whole number stays a number, as in JSON files."""
LONGEST = 300
"""Characters of what PyYAML says."""
REQUIRED = {
    "name": "the app's name",
    "version": "the app's version",
    "licence": "licence of the weights, as an SPDX name where there is one",
    "source": "where the weights come from",
}
"""Keys that every app's metadata must have, and their meanings."""


def read_metadata(file: Path) -> Mapping[str, Any] | Unavailable:
    """Return the mapping in a YAML file, as values that JSON can represent, or why it was not read.

    :raises AppError: The file is not YAML, is not a mapping, or uses aliases, which can expand without limit.
    """
    if not file.is_file():
        return Unavailable(f"there is no {file.name}")
    try:
        import yaml
    except ImportError:
        return Unavailable(f"{file.name} was not read: PyYAML is not installed (pip install PyYAML)")
    text = read_text(file, limit=LIMIT)
    try:
        _refuse_growth(yaml, text)
        content = yaml.safe_load(text)
    except Exception as error:  # noqa: BLE001 - PyYAML's constructors raise anything: "!!int" of nothing, IndexError
        raise AppError(f"cannot be read as YAML: {_reason(error)}", where=str(file)) from None
    if not isinstance(content, dict):
        raise AppError("is not a mapping", where=str(file), hint='write lines like "name: my-app"')
    plain = {_key(key): _plain(value) for key, value in content.items()}
    try:
        json.dumps(plain, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise AppError("holds half a surrogate pair, which is not valid text", where=str(file)) from None
    return plain


def _reason(error: Exception) -> str:
    """Return PyYAML's words, or those for a tag whose constructor failed on the value."""
    own = type(error).__module__.startswith("yaml") or isinstance(error, ValueError)
    words = " ".join(str(error).split()) if own else "a tag, such as !!int or !!timestamp, does not fit its value"
    return shorten(words, LONGEST)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(_plain(key))


def _refuse_growth(yaml: Any, text: str) -> None:
    """Raise for aliases and deep nesting before PyYAML expands them."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases are not allowed: repeat the value")  # noqa: TRY004 - the text is wrong, no type
        if depth > DEPTH:
            raise ValueError(f"nested more than {DEPTH} levels deep")


def write_metadata(values: Mapping[str, str]) -> str:
    """Return YAML of string values; a quoted JSON string is valid YAML."""
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


def metadata_problems(file: Path) -> Iterator[Problem]:
    """Yield the problems of an app's metadata, or a note if they were not read."""
    place = str(file)
    if not file.is_file():
        yield Problem("", "is missing", f"write it with the keys {', '.join(REQUIRED)}", place)
        return
    try:
        metadata = read_metadata(file)
    except AppError as error:
        yield Problem("", error.what, error.hint, place)
        return
    if isinstance(metadata, Unavailable):
        yield Problem("", metadata.reason, file=place, note=True)
        return
    for key, meaning in REQUIRED.items():
        if key not in metadata:
            yield Problem("", f'missing key "{key}"', f"add it: {meaning}", place)
        elif metadata[key] in ("", None):
            yield Problem(key, "found nothing", f"expected {meaning}", place)


def _plain(value: Any) -> Any:
    """Return a value with types that JSON lacks, such as dates, as text."""
    if isinstance(value, dict):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, int) and value.bit_length() > BITS:  # Python may refuse to write it
        return hex(value)
    keep = value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value))
    return value if keep else str(value)
