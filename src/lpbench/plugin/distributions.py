"""Names and versions of installed distributions, read from their metadata without importing them."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import Distribution

MOST, LONGEST = 2000, 100
"""Distributions of an environment, and characters of a name or a version."""


def installed_version(distribution: str) -> str:
    """Return the version of an installed distribution from its metadata, or an empty string."""
    import importlib.metadata

    try:
        return identity(importlib.metadata.distribution(distribution))[1]
    except Exception:  # noqa: BLE001 - not installed, or damaged: the types of errors differ between Pythons
        return ""


def identity(distribution: Distribution) -> tuple[str, str]:
    """Return a distribution's name and version, each empty if its metadata lack it.

    The head of the file is enough; ``importlib.metadata`` parses all of it as an e-mail, long description included.
    """
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    lines = text.partition("\n\n")[0].splitlines()
    known = {name: value.strip() for name, _, value in (line.partition(":") for line in reversed(lines))}
    return known.get("Name", ""), known.get("Version", "")


def installed_packages() -> dict[str, str]:
    """Return the version of every installed distribution by its name, sorted; damaged ones are left out."""
    import importlib.metadata

    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        with contextlib.suppress(Exception):  # the types of errors of a damaged installation differ between Pythons
            name, version = identity(distribution)
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower()[:LONGEST], version[:LONGEST])  # the first one counts
    return dict(sorted(found.items())[:MOST])
