"""Where results are kept: every one is saved without being asked, ``last`` names the newest."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench import document
from lpbench.errors import ResultError

if TYPE_CHECKING:
    from lpbench.result import Result

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
        return save(result, _free(folder(), stem))
    except ResultError:
        return save(result, _free(Path(tempfile.gettempdir()), f"lpbench-{stem}"))


def save(result: Result, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a result as JSON, whole or not at all, and return where it is.

    :raises ResultError: The file exists, or cannot be written: a full disk, a missing folder.
    """
    return write(json.dumps(result.to_dict(), allow_nan=False, indent=1), path, overwrite=overwrite)


def write(text: str, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a text file, whole or not at all, and return where it is.

    :raises ResultError: The file exists, or cannot be written: a full disk, a missing folder.
    """
    path = Path(path)
    refuse_existing(path, overwrite=overwrite)
    try:
        _write(path, text)
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise ResultError(
            what, where=str(path), hint="nothing was written there; give another place with -o"
        ) from error
    return path


def load(path: str | Path) -> Result:
    """Read a result; ``last`` is the newest saved one.

    :raises ResultError: There is none, or it cannot be read.
    """
    place = newest() if str(path) == LAST else Path(path)
    try:
        text = place.read_bytes()
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise ResultError(what, where=str(place)) from error
    return document.parse(text, where=str(place))


def newest() -> Path:
    """Return the newest saved result.

    :raises ResultError: Nothing was saved yet.
    """
    with contextlib.suppress(OSError):
        saved = sorted(folder().glob("*.json"), key=lambda each: (each.stat().st_mtime_ns, each.name))
        if saved:
            return saved[-1]
    what = "no result was saved yet"
    raise ResultError(what, where=str(folder()), hint="lpbench run APP makes one")


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raise ResultError where a file would be overwritten without being asked."""
    if path.is_dir():
        what = "is a folder"
        raise ResultError(what, where=str(path), hint="name a file")
    if path.is_file() and not overwrite:
        what = "exists"
        raise ResultError(what, where=str(path), hint="--force overwrites it")


def _free(place: Path, stem: str) -> Path:
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
    names = (f"{stem}{'' if number == 1 else f'-{number}'}.json" for number in range(1, 10_000))
    return next(path for path in (place / name for name in names) if not path.exists())


def _write(path: Path, text: str) -> None:
    if path.exists() and not path.is_file():  # a device or a pipe cannot be replaced
        path.write_text(text, encoding="utf-8")
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
