"""Other Python environments: where each has its interpreter, and the lpbench that is installed there."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from lpbench.errors import LpbenchError
from lpbench.util import processes
from lpbench.util.text import BRIEF, shorten

LAUNCHER = "util/launcher.py"
"""In the package ``lpbench``, whichever version it is."""
ASKING_S = 60.0
"""Seconds that a Python may take to start; the first time on a slow disk takes longest."""
QUESTION = """
import sys
sys.path[:] = filter(None, sys.path)  # nothing is imported from the working directory
import importlib.util, json
spec = importlib.util.find_spec("lpbench")
print(json.dumps({"python": list(sys.version_info[:3]), "lpbench": spec.origin if spec and spec.origin else ""}))
"""
PLACES = (Path("bin", "python"), Path("bin", "python3"))
INHERITED = ("PYTHONPATH", "PYTHONHOME")
"""Variables of the caller that would have another environment import what the caller has."""


@dataclass(frozen=True)
class Interpreter:
    """The Python of another environment and its own lpbench.

    :param python: Its path: that of the environment, which may be a link to a Python elsewhere.
    :param launcher: The file of its lpbench by which processes are started.
    :param version: Of Python: ``3.13.0``.
    """

    python: str
    launcher: str
    version: str = ""

    def command(self, *words: str) -> list[str]:
        """Return the command line that runs ``-m MODULE`` or ``-c CODE`` there, as ``processes.python`` does here."""
        return [self.python, self.launcher, *words]

    def gone(self) -> str:
        """Return what of it is not there any more; empty if all is."""
        return next((path for path in (self.python, self.launcher) if not os.path.exists(path)), "")  # noqa: PTH110 - before every start


def find(place: str) -> Interpreter:
    """Return the interpreter of an environment.

    :param place: The environment's folder, or its Python itself.
    :raises LpbenchError: It is neither, does not run, or has no lpbench.
    """
    python = _python(place)
    told = _ask(python, place)
    launcher = Path(told["lpbench"]).parent / LAUNCHER if told["lpbench"] else None
    if launcher is None:
        raise LpbenchError(
            "has no lpbench", where=place, hint=f"{python} -m pip install lpbench, and the engine's plugin"
        )
    if not launcher.is_file():
        raise LpbenchError(
            "has an lpbench without what starts its processes", where=place, hint="install it there again"
        )
    return Interpreter(str(python), str(launcher), told["python"])


def _python(place: str) -> Path:
    """Return the path of an environment's Python, absolute, with links as they are: by it Python knows where it is."""
    path = Path(place).expanduser().absolute()
    if path.is_file():
        return path
    found = next((path / each for each in PLACES if (path / each).is_file()), None)
    if found is None:
        what = "is not a Python environment: it has no bin/python" if path.is_dir() else "no such environment"
        raise LpbenchError(what, where=place, hint="name the folder of a virtual environment, or its Python")
    return found


def _ask(python: Path, place: str) -> dict[str, str]:
    """Return the version of a Python and the place of its lpbench, empty if it has none."""
    try:
        told = processes.capture([str(python), "-E", "-c", QUESTION], timeout=ASKING_S)
    except TimeoutError as error:
        raise LpbenchError(f"its Python {error}", where=place) from error
    try:
        answer = json.loads(told.output.rstrip().rpartition("\n")[2])  # what prints at every start prints before it
        version, package = ".".join(map(str, map(int, answer["python"]))), str(answer["lpbench"])
    except (ValueError, TypeError, LookupError):
        ended = processes.ending(told.status) if told.status else "it gave another answer than a Python does"
        why = shorten((told.errors.strip().splitlines() or [ended])[-1], BRIEF)
        raise LpbenchError(f"its Python does not run: {why}", where=place, hint=f"try {python} -E -c pass") from None
    return {"python": version, "lpbench": package}
