"""The process in which a plugin is tried: imports it, and asks it for everything that it offers."""

from __future__ import annotations

import os
import sys
import traceback
from importlib.metadata import EntryPoint

from lpbench.plugin.hookspecs import PROJECT
from lpbench.plugin.registry import KINDS, Registry
from lpbench.plugin.trial import IMPORTED, LEFT, LISTED


def main(name: str, value: str) -> None:
    """Try one plugin, in its own process; report each step and the files that were imported."""
    pipe = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.argv[:] = [""]
    before, passed = set(sys.modules), list[str]()
    try:
        _try(EntryPoint(name, value, PROJECT), pipe)
    except KeyboardInterrupt:
        _tell(pipe, "raises KeyboardInterrupt")
    except BaseException as error:  # noqa: BLE001 - where this process survives it, the other one does too
        _tell(pipe, LISTED)
        passed = _passed(error)  # a module whose import failed is not among the modules
    paths = (getattr(sys.modules.get(each), "__file__", None) for each in sorted(sys.modules.keys() - before))
    library = os.path.dirname(os.__file__)  # noqa: PTH120
    for path in (*passed, *paths):
        if isinstance(path, str) and path.isprintable() and (not path.startswith(library) or "-packages" in path):
            _tell(pipe, f"={path}")


def _try(point: EntryPoint, pipe: int) -> None:
    plugin = point.load()
    _tell(pipe, IMPORTED)
    registry = Registry()
    registry.add(point.name, plugin)
    for kind in KINDS:
        for offer in registry.all(kind).values():
            offer.availability()
    _tell(pipe, LEFT if _has_children() else LISTED)


def _passed(error: BaseException) -> list[str]:
    """Return the files that an exception passed."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return list(dict.fromkeys(frame.f_code.co_filename for frame in frames))


def _has_children() -> bool:
    """Whether a process that was started still runs."""
    try:
        return os.waitpid(-1, os.WNOHANG) == (0, 0)
    except (OSError, AttributeError):  # there is none; Windows
        return False


def _tell(pipe: int, line: str) -> None:
    os.write(pipe, f"{line}\n".encode(errors="surrogateescape"))
