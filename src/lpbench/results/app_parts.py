"""What differs between the apps of two configurations, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpbench.results.model import Configuration

Pair = tuple[Any, Any]


def app_changes(first: Configuration, second: Configuration) -> dict[str, dict[str, Pair]]:
    """Return the settings that differ, first's and second's, by part and name; None is not given.

    Empty where both ran one app.
    """
    before, after = (each.app.get("parts", {}) for each in (first, second))
    found = {part: _differing(before.get(part, {}), after.get(part, {})) for part in dict.fromkeys((*before, *after))}
    return {part: changes for part, changes in found.items() if changes}


def _differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Pair]:
    names = dict.fromkeys((*before, *after))
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}
