"""Writes the project of a new plugin: a working engine in which the author replaces the library."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATE = Path(__file__).parent / "template"
ENDING = ".txt"
"""Suffix of template files, so that no tool treats them as lpbench's code."""
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
PREFIX = "lpbench-"


def new_plugin(name: str, folder: Path | str | None = None) -> Path:
    """Write a plugin project that offers an engine ``name`` and passes the conformance kit; return its folder.

    :param name: The engine's name: lower case, words joined by ``-``; a leading ``lpbench-`` is removed.
    :param folder: The target folder; by default a folder of that name in the working directory.
    :raises LpbenchError: The name is not a valid engine name, or the folder is not empty or cannot be written.
    """
    name = name.removeprefix(PREFIX)
    module = name.replace("-", "_")
    if not NAME.fullmatch(name) or keyword.iskeyword(module):
        raise LpbenchError(
            f'"{name}" cannot be an engine\'s name',
            hint="lower case letters and digits, words joined by -, such as acme or acme-npu",
        )
    place = Path(folder or name)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise LpbenchError(
            "already exists and is not empty" if place.is_dir() else "is a file",
            where=str(place),
            hint="choose another folder: --dir DIR",
        )
    try:
        for path, text in _rendered(name, module):
            target = place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LpbenchError(f"cannot be written: {error.strerror or error}", where=str(place)) from error
    return place


def _rendered(name: str, module: str) -> Iterator[tuple[Path, str]]:
    """Yield each file's path in the project and its text."""
    from lpbench.about import version

    words = {
        "@name@": name,
        "@module@": module,
        "@Class@": "".join(word.capitalize() for word in name.split("-")),
        "@version@": version().partition("+")[0],
    }
    places = {"package": Path("src") / f"lpbench_{module}"}
    for source in sorted(TEMPLATE.rglob(f"*{ENDING}")):
        folder = source.parent.relative_to(TEMPLATE)
        text = source.read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace(word, value)
        yield places.get(str(folder), folder) / source.name.removesuffix(ENDING), text
