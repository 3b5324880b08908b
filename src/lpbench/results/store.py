"""Where results are kept: every one is saved without being asked, ``last`` names the newest."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import ResultError
from lpbench.results import json_document

if TYPE_CHECKING:
    from lpbench.results.model import Result

LAST = "last"


def folder() -> Path:
    """Return the folder of saved results, ``$XDG_DATA_HOME/lpbench/results``."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "lpbench" / "results"


def keep(result: Result) -> Path:
    """Save a result under a name of its own and return where it is.

    Falls back to a temporary folder where the usual one cannot be written.

    :raises ResultError: Neither can be written.
    """
    stem = f"{result.created[:19].replace(':', '').replace('T', '-')}-{result.app['name']}"
    try:
        return result.save(_free(folder(), stem))
    except ResultError:
        return result.save(_free(Path(tempfile.gettempdir()), f"lpbench-{stem}"))


def load(path: str | Path) -> Result:
    """Read a result; ``last`` is the newest saved one.

    :raises ResultError: There is none, or it cannot be read.
    """
    place = newest() if str(path) == LAST else Path(path)
    try:
        text = place.read_bytes()
    except OSError as error:
        raise ResultError(f"cannot be read: {error.strerror or error}", where=str(place)) from error
    return json_document.parse(text, where=str(place))


def newest() -> Path:
    """Return the newest saved result.

    :raises ResultError: Nothing was saved yet.
    """
    with contextlib.suppress(OSError):
        saved = sorted(folder().glob("*.json"), key=lambda each: (each.stat().st_mtime_ns, each.name))
        if saved:
            return saved[-1]
    raise ResultError("no result was saved yet", where=str(folder()), hint="lpbench run APP makes one")


def _free(place: Path, stem: str) -> Path:
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
    names = (f"{stem}{'' if number == 1 else f'-{number}'}.json" for number in range(1, 10_000))
    return next(path for path in (place / name for name in names) if not path.exists())
