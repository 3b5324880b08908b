"""The files around a bare model that belong to it."""

from __future__ import annotations

import contextlib
import mmap
from typing import TYPE_CHECKING

from lpbench.plugin.kit.companions import companion
from lpbench.util.jsonable import whole_text
from lpbench.util.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Model

MAIN_LIMIT = 64 << 20
"""A model file with external weights is smaller than this; larger files are not searched for names."""
NEIGHBOURS = 50
"""Number of neighbouring files whose names are searched for in the model, the largest first."""
WEIGHTS = ".bin"
"""Ending of the weights that stand beside the description of a network and are not named in it."""


def external(model: Model) -> list[Path]:
    """Return the neighbouring files that a bare model names: its external weights, as ONNX stores them.

    An app lists such files under ``extra``; for a bare model file they must be found.
    """
    if model.extra or not _searched(model.path):
        return []
    with open_regular(model.path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return _named(_beside(model.path), content)


def belonging(model: Model) -> list[Path]:
    """Return all files that a model's file may refer to, those in folders beside it, too."""
    found = {*model.extra, *external(model), companion(model.path, WEIGHTS)}
    if _searched(model.path):
        with open_regular(model.path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            folders = [path for path in _beside(model.path) if path.is_dir() and _names(content, f"{path.name}/")]
            for folder in folders[:NEIGHBOURS]:
                found.update(_named(_beside(folder / model.path.name), content))
    return sorted(path for path in found if path != model.path and path.is_file())


def _searched(path: Path) -> bool:
    return 0 < path.stat().st_size <= MAIN_LIMIT


def _beside(path: Path) -> list[Path]:
    """Return what stands beside a path; nothing where that cannot be told."""
    with contextlib.suppress(OSError):
        return [other for other in path.parent.iterdir() if other.name != path.name]
    return []


def _named(paths: Sequence[Path], content: mmap.mmap) -> list[Path]:
    """Return those files among some paths that a model names, the largest first."""
    files = [path for path in paths if path.is_file()]
    files.sort(key=lambda path: (-path.stat().st_size, path.name))
    return [path for path in files[:NEIGHBOURS] if _names(content, path.name)]


def _names(content: mmap.mmap, name: str) -> bool:
    return content.find(whole_text(name).encode()) >= 0
