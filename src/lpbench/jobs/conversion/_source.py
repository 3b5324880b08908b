"""The files that a conversion depends on."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from lpbench.util.digests import file_digest
from lpbench.util.jsonable import whole_text
from lpbench.util.regular_files import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.engine import Model

MAIN_LIMIT = 64 << 20
"""A model file with external weights is smaller than this; larger files are not searched for names."""
NEIGHBOURS = 50
"""Number of neighbouring files whose names are searched for in the model, the largest first."""


def digests(model: Model) -> dict[str, str]:
    """Return the sha256 of each file that a model consists of, by name, external weights included."""
    return {path.name: file_digest(path) for path in (model.path, *model.extra, *external(model))}


def size_of(model: Model) -> int:
    """Return the bytes of the files that a model consists of; a conversion needs about as many again."""
    return sum(path.stat().st_size for path in (model.path, *model.extra, *external(model)))


def external(model: Model) -> list[Path]:
    """Return the neighbouring files that a bare model names: its external weights, as ONNX stores them.

    An app lists such files under ``extra``; for a bare model file they must be found.
    """
    if model.extra or not 0 < model.path.stat().st_size <= MAIN_LIMIT:
        return []
    beside = [path for path in model.path.parent.iterdir() if path.is_file() and path.name != model.path.name]
    beside.sort(key=lambda path: (-path.stat().st_size, path.name))
    with open_regular(model.path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return [path for path in beside[:NEIGHBOURS] if content.find(whole_text(path.name).encode()) >= 0]
