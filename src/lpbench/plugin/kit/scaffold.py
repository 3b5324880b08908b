"""Writes the project of a new plugin: a working engine in which the author replaces the library."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.util import atomic_folders, disk_space
from lpbench.util.paths import usable

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
    place = usable(folder or name, LpbenchError)
    if not atomic_folders.is_free(place):
        raise LpbenchError(_taken(place), where=str(place), hint="choose another folder: --dir DIR")
    rendered = dict(_rendered(name, module))
    try:
        with atomic_folders.filled(place.absolute()) as new:
            for path, text in rendered.items():
                target = new / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
    except OSError as error:
        needed = sum(len(text.encode()) for text in rendered.values())
        hint = disk_space.remedy(error, place.absolute().parent, "choose another folder: --dir DIR", needed=needed)
        what = f"cannot be written: {error.strerror or error}; nothing was kept"
        raise LpbenchError(what, where=str(place), hint=hint) from error
    return place


def _taken(place: Path) -> str:
    if place.is_symlink():
        return "is a link"
    return "already exists and is not empty" if place.is_dir() else "is a file"


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
