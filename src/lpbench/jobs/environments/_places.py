"""Where environments are that ``lpbench env create`` has made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError, nearest
from lpbench.plugin.engine_options import CACHED
from lpbench.util import atomic_folders

if TYPE_CHECKING:
    from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
WRITTEN = "lpbench-environment.json"
"""The file in an environment that says how it was made; a folder without it is none of ours."""


def folder() -> Path:
    """Return the folder that holds the environments by name."""
    return atomic_folders.cache_folder() / "environments"


def made() -> list[str]:
    """Return the names of the environments, sorted."""
    return sorted(each.parent.name for each in folder().glob(f"*/{WRITTEN}"))


def checked_name(name: str) -> str:
    """Return a name that an environment can have.

    :raises LpbenchError: It cannot.
    """
    if not NAME.fullmatch(name):
        raise LpbenchError(
            f'"{name}" is not the name of an environment',
            hint="letters, digits, dots, hyphens and underscores; 60 at most",
        )
    return name


def made_place(name: str) -> Path:
    """Return the folder of an environment that was made.

    :raises LpbenchError: There is none of that name.
    """
    place = folder() / checked_name(name)
    if not (place / WRITTEN).is_file():
        hint = (
            f"{nearest(name, made())} (lpbench env list lists them)"
            if made()
            else f"lpbench env create {name} --with …"
        )
        raise LpbenchError(f'there is no environment "{name}"', hint=hint)
    return place


def place_of(environment: str) -> str:
    """Return the path of an environment as ``--engine`` names it: ``env:NAME``, or a path.

    :raises LpbenchError: No environment of that name was made.
    """
    kind, colon, name = environment.partition(":")
    return str(made_place(name)) if kind == CACHED and colon else environment
