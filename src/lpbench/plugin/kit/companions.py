"""Finds the file that belongs to a model file, such as the weights beside a description of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def companion(path: Path, ending: str) -> Path:
    """Return the file beside ``path`` with its name and another ending, upper case or lower; it may not exist.

    :param ending: The ending in lower case with its dot, ``.bin`` for example.
    """
    expected = path.with_suffix(ending)
    if expected.exists() or not path.parent.is_dir():
        return expected
    named = (other for other in sorted(path.parent.iterdir()) if other.name.lower() == expected.name.lower())
    return next((other for other in named if other.is_file()), expected)
