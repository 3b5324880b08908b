"""Puts the functions where users find them: one module with attributes ``rt``, ``mdl``, ``util``; no constants."""

from __future__ import annotations

import sys
from types import ModuleType

from . import _copies, _data, _execution, _gears, _memory, _models, _profiling, _runtime, _streams, _util
from ._api import functions, newer, state

PARTS = (_copies, _data, _execution, _gears, _memory, _models, _profiling, _runtime, _streams, _util)
"""The modules whose functions are published."""


def _place(top: ModuleType, name: str) -> tuple[ModuleType, str]:
    """Return the module and the attribute of a function."""
    path, _, attribute = name.rpartition(".")
    if path == "acl":
        return top, attribute
    inner = path.partition(".")[2]
    found = getattr(top, inner, None)
    if found is None:
        found = sys.modules[path] = ModuleType(path)
        setattr(top, inner, found)
    return found, attribute


def publish(top: ModuleType) -> None:
    """Set what this generation has, and delete what it lacks."""
    for name, function in functions.items():
        place, attribute = _place(top, name)
        if name in newer and state.settings.api == "old":
            place.__dict__.pop(attribute, None)
        else:
            setattr(place, attribute, function)
