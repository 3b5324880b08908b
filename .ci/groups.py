"""Prints the names of the dependency groups of a pyproject.toml, one a line."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def groups(pyproject: str) -> list[str]:
    """Return the keys of the table [dependency-groups]; Python 3.10 has no parser of TOML, and keys are words."""
    table = re.search(r"^\[dependency-groups\]\n(.*?)(?=^\[|\Z)", pyproject, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^([\w-]+)\s*=", table[1], flags=re.MULTILINE) if table else []


if __name__ == "__main__":
    print("\n".join(groups(Path(sys.argv[1]).read_text(encoding="utf-8"))))
