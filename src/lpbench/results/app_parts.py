"""What differs between the apps of two configurations, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.results.model import Configuration

Pair = tuple[Any, Any]


def app_changes(first: Configuration, second: Configuration) -> dict[str, dict[str, Pair]]:
    """Return the settings that differ, first's and second's, by part and name (``resize.size``); None is not given.

    Empty where both ran one app.
    """
    before, after = (each.app.get("parts", {}) for each in (first, second))
    parts = dict.fromkeys((*before, *after))
    found = {part: _differing(_flat(before.get(part, {})), _flat(after.get(part, {}))) for part in parts}
    return {part: changes for part, changes in found.items() if changes}


def _differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Pair]:
    names = dict.fromkeys((*before, *after))
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with those of an object by their path; a file is nested as deep as JSON may be, no deeper."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        inner = _flat(value) if isinstance(value, dict) and value else {"": value}
        found |= {f"{name}.{path}" if path else name: each for path, each in inner.items()}
    return found
