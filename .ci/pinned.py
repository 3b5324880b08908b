"""Fails if this environment holds a distribution that constraints.txt does not name in this version."""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def pins(text: str) -> dict[str, Requirement]:
    """Return the constraints that hold for this Python, by name."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    found = [Requirement(line) for line in lines if line]
    return {canonicalize_name(each.name): each for each in found if not each.marker or each.marker.evaluate()}


def main() -> int:
    """Print what is not pinned; setuptools comes with old Pythons' environments, and ours are what is tested."""
    pinned = pins((Path(__file__).parent.parent / "constraints.txt").read_text(encoding="utf-8"))
    installed = {canonicalize_name(each.name): each.version for each in distributions()}
    others = {name: found for name, found in installed.items() if not name.startswith(("lpbench", "setuptools"))}
    loose = [name for name, found in others.items() if name not in pinned or found not in pinned[name].specifier]
    for name in sorted(loose):
        print(f"{name} {installed[name]} is not what constraints.txt pins: {pinned.get(name, 'nothing')}")
    return 1 if loose else 0


if __name__ == "__main__":
    sys.exit(main())
