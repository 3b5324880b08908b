"""``ai_app.yml``: who made an app, what its licence is, where its weights come from.  Not needed to run it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from lpbench.errors import AppError
from lpbench.util.json_files import read_text
from lpbench.util.problems import Problem
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LIMIT = 64 << 10
"""Bytes of a file; some texts take PyYAML quadratic time."""
DEPTH = 20
REQUIRED = {
    "name": "the app's name",
    "version": "the app's version",
    "licence": "licence of the weights, as an SPDX name where there is one",
    "source": "where the weights come from",
}
"""Keys that every app's metadata have, and what stands under them."""


def read_metadata(file: Path) -> Mapping[str, Any] | Unavailable:
    """Return the mapping in a YAML file, as values that JSON has, or why it was not read.

    :raises AppError: It is not YAML, holds no mapping, or uses aliases, which can grow without end.
    """
    if not file.is_file():
        return Unavailable(f"there is no {file.name}")
    try:
        import yaml
    except ImportError:
        return Unavailable(f"{file.name} is unread: PyYAML is not installed (pip install PyYAML)")
    text = read_text(file, limit=LIMIT)
    try:
        _refuse_growth(yaml, text)
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # a date that is none is a ValueError
        raise AppError(f"cannot be read as YAML: {' '.join(str(error).split())}", where=str(file)) from None
    if not isinstance(found, dict):
        raise AppError("holds no mapping", where=str(file), hint='write lines like "name: my-app"')
    return {str(key): _plain(value) for key, value in found.items()}


def _refuse_growth(yaml: Any, text: str) -> None:
    """Raise for aliases and deep nesting, before anything is built of them."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases are refused: write the value out")  # noqa: TRY004 - the text is wrong, no argument is
        if depth > DEPTH:
            raise ValueError(f"nested more than {DEPTH} deep")


def write_metadata(values: Mapping[str, str]) -> str:
    """Return YAML of texts; a quoted JSON text is YAML too."""
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


def metadata_problems(file: Path) -> Iterator[Problem]:
    """Yield what is wrong with an app's metadata; a note where they were not read."""
    place = str(file)
    if not file.is_file():
        yield Problem("", "is missing", f"write it with the keys {', '.join(REQUIRED)}", place)
        return
    try:
        found = read_metadata(file)
    except AppError as error:
        yield Problem("", error.what, error.hint, place)
        return
    if isinstance(found, Unavailable):
        yield Problem("", found.reason, file=place, note=True)
        return
    for key, meaning in REQUIRED.items():
        if key not in found:
            yield Problem("", f'missing key "{key}"', f"add it: {meaning}", place)
        elif found[key] in ("", None):
            yield Problem(key, "found nothing", f"expected {meaning}", place)


def _plain(value: Any) -> Any:
    """Return a value with what JSON lacks, dates say, as text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    keep = value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value))
    return value if keep else str(value)
