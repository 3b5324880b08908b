"""What is installed in the environments of two configurations, and what differs between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpbench.results.model import Configuration

FOLDER = "environment"
FIRST = (FOLDER, "python")
"""What is named before the packages."""


def software_changes(first: Configuration, second: Configuration) -> dict[str, tuple[str | None, str | None]]:
    """Return what differs: the environment's folder, Python, and versions by package; None is not installed.

    Empty where one of the two does not say what is installed.
    """
    before, after = _flat(first), _flat(second)
    if not before or not after:
        return {}
    names = sorted({*before, *after}, key=lambda name: (name not in FIRST, name))
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _flat(each: Configuration) -> dict[str, str]:
    """Return everything by name."""
    packages = each.software.get("packages", {})
    return {**packages, **{name: each.software[name] for name in FIRST if name in each.software}}
