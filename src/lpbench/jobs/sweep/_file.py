"""The file of a sweep: opened, held against another sweep, and what its errors mean."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError, ResultError, either
from lpbench.results import files
from lpbench.results.sweep import FILE
from lpbench.util import disk_space
from lpbench.util.atomic_folders import locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What a file may raise: where its tables are damaged, Python cannot decode SQLite's message about them."""
WAIT_S = 30.0
"""Seconds to wait while another process reads."""


@contextlib.contextmanager
def opened(folder: Path, *, to_write: bool) -> Iterator[sqlite3.Connection]:
    """Open the file of a sweep in a folder.

    :param to_write: Make the folder and the file, and hold them against another sweep.
    :raises ResultError: The file is not there, or cannot be used; or another sweep holds it.
    """
    with contextlib.ExitStack() as ends:
        if to_write:
            ends.enter_context(held(folder))
        connection = _connected(folder, to_write=to_write)
        ends.callback(connection.close)
        yield connection


def holds_sweep(folder: Path) -> bool:
    """Say whether a folder has the file of a sweep."""
    return (folder / FILE).is_file()


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder against another sweep."""

    def refuse() -> None:
        hint = "wait for it, or give another folder"
        raise ResultError("another sweep is writing there", where=str(folder), hint=hint)

    elsewhere = f"give another folder{either(' with -o', '')}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = locked(folder, "sweep", waiting=refuse)
        lock.__enter__()
    except FileExistsError as error:
        raise ResultError("is a file, not a folder", where=str(folder), hint=elsewhere) from error
    except OSError as error:
        what = f"cannot hold a sweep: {error.strerror or error}"
        raise ResultError(what, where=str(folder), hint=disk_space.remedy(error, folder, elsewhere)) from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _connected(folder: Path, *, to_write: bool) -> sqlite3.Connection:
    # Whoever reads first after a kill has to undo what was written of the last transaction.
    mode = "rwc" if to_write else "rw" if os.access(folder, os.W_OK) else "ro"
    try:
        connection = sqlite3.connect(
            f"{(folder / FILE).absolute().as_uri()}?mode={mode}", uri=True, timeout=WAIT_S, isolation_level=None
        )
        if to_write:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA synchronous = FULL")
    except SQLITE_ERRORS as error:
        raise refused(folder, error) from error
    return connection


def put(text: str, folder: Path, name: str) -> None:
    """Write a text file below the folder of a sweep, whole or not at all, over an earlier one.

    :raises ResultError: It cannot be written.
    """
    try:
        (folder / name).parent.mkdir(exist_ok=True)
        files.write(text, folder / name, overwrite=True)
    except (OSError, ResultError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        known = cause if isinstance(cause, OSError) else None
        why = (known and known.strerror) or str(cause or error)
        what = f"cannot be written: {why}; what was measured before is kept"
        raise ResultError(what, where=str(folder / name), hint=_remedy(folder, known)) from error


def _remedy(folder: Path, error: OSError | None = None) -> str:
    """Return what helps where a sweep could not be kept."""
    again = either(f"lpbench sweep --resume {folder} goes on", "the same call goes on")
    return f"{disk_space.remedy(error, folder, 'give another folder')}; {again}"


def refused(folder: Path, error: sqlite3.Error | UnicodeDecodeError) -> LpbenchError:
    """Return what to say of an error of SQLite."""
    undecoded = isinstance(error, UnicodeDecodeError) or not str(error)  # Python 3.10 leaves such a message out
    words = "its tables are damaged" if undecoded else str(error)
    where = str(folder / FILE)
    if disk_space.is_full(folder) or "full" in words:
        return ResultError("the disk is full; what was measured before is kept", where=where, hint=_remedy(folder))
    return ResultError(f"cannot be used: {words}", where=where, hint="give another folder")
