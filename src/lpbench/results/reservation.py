"""A name among the saved results that is reserved for one benchmark, by a locked file that nobody else could make.

The lock is released by whatever ends the process, so that a file without one is what a dead benchmark left.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError

if TYPE_CHECKING:
    from pathlib import Path

LOCKS: Any = None
"""The module that locks files.  Windows has none, and nobody can tell there who is alive."""
with contextlib.suppress(ImportError):
    LOCKS = importlib.import_module("fcntl")
JOURNAL, RESULT = ".journal", ".json"
LONGEST_NAME = 255
"""Bytes of a file's name, where the file system does not tell."""
MOST = 10_000
"""Results with one name and one second."""
UNUSUAL = re.compile(r"[^\w.+-]+")
CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
OPEN = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass
class Reservation:
    """A reserved name.

    :param descriptor: Of the journal, open and locked.
    :param journal: The file that reserves it.
    """

    descriptor: int
    journal: Path

    @property
    def result(self) -> Path:
        """Where the result belongs."""
        return self.journal.with_name(f"{self.journal.name.removesuffix(JOURNAL)}{RESULT}")

    def release(self) -> None:
        """Give the name up, and what is in the journal."""
        self.journal.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Leave the journal for whoever recovers it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def reserve(folder: Path, stem: str) -> Reservation:
    """Reserve a name that begins with ``stem`` in a folder, which is made if necessary.

    :raises OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, MOST):
        name = f"{stem}{'' if number == 1 else f'-{number}'}"
        if reserved := _reserve(folder / f"{name}{JOURNAL}"):
            return reserved
    raise ResultError(f"there are {MOST} results called {stem}", where=str(folder), hint="lpbench results --delete")


def locked(path: Path) -> Reservation | None:
    """Return a journal that nobody alive holds, locked; None if somebody does, or it is gone.

    :raises OSError: It cannot be opened.
    """
    if LOCKS is None:
        return None
    held = Reservation(os.open(path, OPEN), path)
    with contextlib.suppress(BlockingIOError, FileNotFoundError):
        LOCKS.flock(held.descriptor, LOCKS.LOCK_EX | LOCKS.LOCK_NB)
        if _names(path, held.descriptor):
            return held
    held.close()
    return None


def stem(moment: str, app: str, folder: Path, *, prefix: str = "") -> str:
    """Return how a result's name begins: when it was made and of what, as far as the file system takes it.

    :param moment: An ISO date.
    """
    longest = LONGEST_NAME
    with contextlib.suppress(OSError, ValueError, AttributeError):
        longest = os.pathconf(folder if folder.is_dir() else folder.anchor, "PC_NAME_MAX")
    whole = f"{prefix}{moment[:19].replace(':', '').replace('T', '-')}-{UNUSUAL.sub('_', app) or '_'}"
    room = longest - len(f"-{MOST}{JOURNAL}")
    return whole.encode(errors="replace")[:room].decode(errors="ignore")


def _reserve(path: Path) -> Reservation | None:
    """Make the file that reserves a name; None where the name is taken."""
    held = Reservation(-1, path)
    if os.path.lexists(held.result):
        return None
    try:
        held.descriptor = os.open(path, CREATE, 0o666)
    except FileExistsError:
        return None
    try:
        if LOCKS is not None:
            LOCKS.flock(held.descriptor, LOCKS.LOCK_EX)
    except OSError:  # some network file systems lock nothing
        held.release()
        raise
    # Between making and locking it, somebody may have taken it for one that a dead benchmark left.
    if not _names(path, held.descriptor):
        held.close()
        return None
    # Whoever had the name before puts the result there first and gives the name up then.
    if os.path.lexists(held.result):
        held.release()
        return None
    return held


def _names(path: Path, descriptor: int) -> bool:
    """Say whether a path is still that of an open file."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
