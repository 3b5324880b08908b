"""Finds plugins, and what would bring those that are missing, by the metadata of installed distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin import hookspecs
from lpbench.plugin.specs import identity

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


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
    import importlib.metadata  # slow to import, and needed only where a name is not known

    points = importlib.metadata.entry_points(group=group)
    return next((point.value for point in points if name in {point.name, point.value}), "")


def entry_points() -> list[tuple[EntryPoint, str]]:
    """Return lpbench's entry points and their distributions, each once, in an order independent of the file system."""
    import importlib.metadata  # slow to import, and not needed to read results

    points = [(point, _origin(point)) for point in importlib.metadata.entry_points(group=hookspecs.PROJECT)]
    unique = {(point.name, point.value, origin): (point, origin) for point, origin in points}
    return [unique[key] for key in sorted(unique)]


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
