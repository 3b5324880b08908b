"""The folder of saved results: every result is saved automatically, and ``last`` names the newest."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import ResultError, either
from lpbench.results import json_document
from lpbench.results.model import INTERRUPTED
from lpbench.util.arguments import checked

if TYPE_CHECKING:
    from lpbench.results.model import Result

LAST = "last"


def folder() -> Path:
    """Return the folder of saved results, ``$XDG_DATA_HOME/lpbench/results``."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "lpbench" / "results"


def worth_keeping(result: Result) -> bool:
    """Say whether there is anything to save: what was interrupted before the first sample was timed holds nothing."""
    return result.state != INTERRUPTED or any(each.measured for each in result.configurations)


def last() -> Result:
    """Read the newest saved result, of the command line or of ``save=True``.

    :raises ResultError: No result has been saved yet, or the newest cannot be read.
    """
    return load(LAST)


def keep(result: Result) -> Path:
    """Save a result under a new name and return its path.

    Falls back to the temporary folder if the usual one is not writable.

    :raises ResultError: Neither folder is writable.
    """
    stem = f"{result.created[:19].replace(':', '').replace('T', '-')}-{result.app['name']}"
    try:
        return result.save(_free(folder(), stem))
    except ResultError:
        return result.save(_free(Path(tempfile.gettempdir()), f"lpbench-{stem}"))


@checked
def load(path: str | Path) -> Result:
    """Read a result; ``last`` is the newest saved one.

    :raises ResultError: The file does not exist or cannot be read, or no result has been saved yet.
    """
    file = newest() if str(path) == LAST else Path(path)
    return json_document.read(file)


def newest() -> Path:
    """Return the path of the newest saved result.

    :raises ResultError: No result has been saved yet.
    """
    with contextlib.suppress(OSError):
        saved = sorted(folder().glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        if saved:
            return saved[-1]
    raise ResultError(
        "no result has been saved yet",
        where=str(folder()),
        hint=either("lpbench run APP saves one", "lpbench.benchmark(APP, save=True) saves one"),
    )


def _free(parent: Path, stem: str) -> Path:
    """Return a path in a folder, created if necessary, at which no file exists yet."""
    with contextlib.suppress(OSError):
        parent.mkdir(parents=True, exist_ok=True)
    names = (f"{stem}{'' if number == 1 else f'-{number}'}.json" for number in range(1, 10_000))
    return next(path for path in (parent / name for name in names) if not path.exists())
