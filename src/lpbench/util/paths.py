"""Paths that a user named: those that are not there, and those that cannot be."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lpbench.errors import LpbenchError, closest
from lpbench.util.text import brief

if TYPE_CHECKING:
    from collections.abc import Iterable

E = TypeVar("E", bound=LpbenchError)
DEEPEST = 256
"""Most levels of a path: pathlib creates and resolves folders recursively, and Python bounds recursion."""
LARGEST = 1000
"""Entries of a folder among which a similar name is looked for."""


def is_path(word: str) -> bool:
    """Say whether a word can only be meant as a path: it has a separator or a suffix, which no catalogue name has."""
    separators = [os.sep, *filter(None, [os.altsep])]
    return any(separator in word for separator in separators) or bool(Path(word).suffix) or word in {".", ".."}


def unusable(path: Path | str | os.PathLike[str]) -> str:
    """Return why the system cannot look a path up, whatever is there; empty where it can."""
    try:
        os.lstat(path)
    except ValueError:
        return "it holds a zero byte or half a character, which no path does"
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return f"{error.strerror}".lower()
    return too_deep(Path(path))


def too_deep(path: Path) -> str:
    """Return that a path has too many levels of folders; empty where it has not."""
    depth = len(path.parts)
    return f"it is {depth} folders deep; at most {DEEPEST} are allowed" if depth > DEEPEST else ""


def usable(path: Path | str, kind: type[E]) -> Path:
    """Return a path that a user named, once the system can look it up.

    :raises E: It cannot, for example because a name in it is too long.
    """
    if reason := unusable(path):
        raise kind(f"is not a path: {reason}", where=brief(str(path)))
    return Path(path)


def no_such_file(path: Path | str, kind: type[E], *, what: str = "file") -> E:
    """Return the error about a path that is not there; its hint names the nearest one beside it.

    :param what: What was expected: ``file`` or ``file or folder``.
    """
    return kind(f"no such {what}", where=str(path), hint=_remedy(Path(path)))


def similar(path: Path) -> Path | None:
    """Return the path in the same folder whose name is nearest, if one is near."""
    near = closest(path.name, _beside(path))
    return path.parent / near if near else None


def _remedy(path: Path) -> str:
    near = similar(path)
    if near is not None:
        return f'did you mean "{near}"?'
    folder = path.absolute().parent
    return f"looked in {folder}" if folder.is_dir() else f"the folder {folder} does not exist"


def _beside(path: Path) -> Iterable[str]:
    try:
        return [each.name for each, _ in zip(path.parent.iterdir(), range(LARGEST), strict=False)]
    except OSError:
        return ()
