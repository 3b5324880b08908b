"""Finds the Pythons that run here and that the project supports.

Candidates are executed, never trusted by their names: version managers leave shims
that fail, and a distribution's Python may lack venv.  Prints one line for each
version, oldest first: ``3.10.13 /path/to/python``.
"""

from __future__ import annotations

import functools
import glob
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Version = tuple[int, ...]

FOLDERS = (
    "~/.pyenv/versions/*/bin",
    "$PYENV_ROOT/versions/*/bin",
    "~/.local/share/uv/python/*/bin",
    "~/.asdf/installs/python/*/bin",
    "~/.local/share/mise/installs/python/*/bin",
    "/usr/local/bin",
    "/usr/bin",
    "/opt/python/*/bin",
)
NAME = re.compile(r"/python3?(\.\d+)?$")
# ensurepip is asked for because Debian splits it off, and without it a venv has no pip
QUESTION = (
    "import ensurepip, platform, ssl, sys, venv;"
    "assert platform.python_implementation() == 'CPython' and sys.version_info.releaselevel == 'final';"
    "print(*sys.version_info[:3])"
)


def candidates(folders: Iterable[str]) -> Iterator[str]:
    """Yield the files in ``folders`` (patterns, absolute ones) that are named like a Python."""
    for pattern in folders:
        place = os.path.expandvars(Path(pattern).expanduser())
        if not Path(place).is_absolute():  # a relative entry of PATH is the folder that one happens to be in
            continue
        files = glob.glob(f"{place}/python*")  # noqa: PTH207 - absolute pattern
        yield from sorted(file for file in files if NAME.search(file))


def ask(python: str) -> Version | None:
    """Return the version that ``python`` says it is, or None if it does not run or cannot make environments."""
    try:
        done = subprocess.run([python, "-I", "-c", QUESTION], capture_output=True, text=True, timeout=20, check=True)
        return tuple(map(int, done.stdout.split()))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def supported(pyproject: str) -> set[Version]:
    """Return the versions that the classifiers of a pyproject.toml name."""
    return {(3, int(minor)) for minor in re.findall(r'"Programming Language :: Python :: 3\.(\d+)"', pyproject)}


def find(folders: Iterable[str], wanted: set[Version]) -> dict[Version, str]:
    """Return one Python for each wanted version that runs here, its newest release, oldest version first."""
    found: dict[Version, tuple[Version, str]] = {}
    seen = set()
    for python in candidates(folders):
        if (real := os.path.realpath(python)) in seen:
            continue
        seen.add(real)
        version = ask(python)
        if version and version[:2] in wanted and version > found.get(version[:2], ((), ""))[0]:
            found[version[:2]] = (version, python)
    return dict(sorted(found.values()))


@functools.cache
def here() -> dict[Version, str]:
    """Return the supported Pythons of this machine."""
    pyproject = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    return find([*FOLDERS, *os.environ.get("PATH", "").split(os.pathsep)], supported(pyproject))


def main() -> int:
    """Print what was found."""
    found = here()
    for version, python in found.items():
        print(".".join(map(str, version)), python)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
