"""Finds plugins, and what would bring those that are missing, by the metadata of installed distributions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import PluginError
from lpbench.plugin import hookspecs
from lpbench.plugin.distributions import identity
from lpbench.plugin.failures import Failure, reason_of

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint


EXTRAS = "lpbench.extras"
"""Entry-point group of lpbench's own metadata: name of an engine or format = extra of lpbench that brings it.

An extra for a plugin is called like the plugin's entry point.  Other kinds of offers have groups of their own.
"""
CLASS_EXTRAS = "lpbench.extras.classes"
"""The same by the class of an app: the extra that brings processors for it."""
ENDING_EXTRAS = "lpbench.extras.endings"
"""The same by the ending of a model file, without the dot."""
KIND_EXTRAS = "lpbench.extras.kinds"
"""The same by the kind of an offer: the extra to begin with where nothing of the kind is installed."""


def brought_by(name: str, *, group: str = EXTRAS) -> str:
    """Return the extra of lpbench that brings what users ask for by a name; empty if lpbench's metadata has none.

    An extra is a name of what it brings too.
    """
    points, _ = _of_group(group)
    return next((point.value for point in points if name in {point.name, point.value}), "")


def entry_points() -> tuple[list[tuple[EntryPoint, str]], list[Failure]]:
    """Return lpbench's entry points with their distributions, and the distributions that cannot be read.

    Each entry point is there once, in an order independent of the file system.
    """
    found, unreadable = _of_group(hookspecs.PROJECT)
    points = [(point, _origin(point)) for point in found]
    unique = {(point.name, point.value, origin): (point, origin) for point, origin in points}
    return [unique[key] for key in sorted(unique)], unreadable


def _of_group(group: str) -> tuple[list[EntryPoint], list[Failure]]:
    import importlib.metadata  # slow to import, and not needed to read results

    try:
        return list(importlib.metadata.entry_points(group=group)), []
    except Exception:  # noqa: BLE001 - it reads every distribution, and the first that is damaged stops it
        return _one_by_one(group)


def _one_by_one(group: str) -> tuple[list[EntryPoint], list[Failure]]:
    """Return the entry points of every distribution that can be read, the first of its name, and those that cannot."""
    import importlib.metadata

    points: dict[str, list[EntryPoint]] = {}
    unreadable = []
    for distribution in importlib.metadata.distributions():
        folder = str(getattr(distribution, "_path", distribution))  # what has no name has no public place either
        name = _name(distribution) or folder
        try:
            if name not in points:
                points[name] = [point for point in distribution.entry_points if point.group == group]
        except Exception as error:  # noqa: BLE001 - a damaged installation: the types differ between Pythons
            what = f"what it brings cannot be read: {reason_of(error)}"
            hint = "install it again, or remove the folder"
            unreadable.append(Failure(Path(folder).name, "", PluginError(what, where=folder, hint=hint)))
    return [point for each in points.values() for point in each], unreadable


def _name(distribution: Distribution) -> str:
    """Return a distribution's name as names are compared, empty if it cannot be read."""
    try:
        return re.sub(r"[-_.]+", "-", identity(distribution)[0]).lower()
    except Exception:  # noqa: BLE001 - as above
        return ""


def _origin(point: EntryPoint) -> str:
    """Return name and version of the distribution that provides an entry point."""
    if point.dist is None:
        return ""
    try:
        name, version = identity(point.dist)
        if name and version:
            return f"{name} {version}"
    except Exception:  # noqa: BLE001, S110 - a damaged installation: the types of its errors differ between Pythons
        pass
    return "a distribution without metadata"
