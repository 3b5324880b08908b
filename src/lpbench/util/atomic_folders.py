"""Folders that appear complete or not at all, and locks between processes.

Names of unfinished things cannot be foreseen and are created exclusively, so that a link that was planted in a folder
is never written through.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.util.paths import too_deep
from lpbench.util.text import brief

try:
    import fcntl
except ImportError:  # Windows
    LOCKS = False
    """Whether there are locks between processes; without them, two that fetch the same thing may both do it."""
else:
    LOCKS = True

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MARK = "lpbench-"
"""Part of the names of staging folders, so that no folder of a user's is taken for one."""
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


def cache_folder() -> Path:
    """Return lpbench's cache: ``$XDG_CACHE_HOME/lpbench``, by default ``~/.cache/lpbench``; it need not exist.

    :raises LpbenchError: The user has no home, or one with too many levels of folders.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # the XDG base directory specification: relative paths are to be ignored
        folder = (Path(base) if base.startswith("/") else Path.home() / ".cache") / "lpbench"
    except RuntimeError as error:  # HOME is not set, and the system does not know the user
        raise LpbenchError("there is no home for lpbench's cache", hint="set HOME or XDG_CACHE_HOME") from error
    if reason := too_deep(folder):
        what = f"cannot hold lpbench's cache: {reason}"
        raise LpbenchError(what, where=brief(str(folder)), hint="set XDG_CACHE_HOME")
    return folder


@contextlib.contextmanager
def locked(parent: Path, name: str, *, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock ``name`` of a folder against other processes and threads; the lock ends with its holder.

    Systems without ``flock`` do not wait.

    :param waiting: Called once if another process or thread holds the lock.
    :raises OSError: The lock's file is a link, or cannot be opened.
    """
    _make(parent)
    path = parent / f".{name}.lock"
    refuse_link(path)
    yield from _held(os.open(path, os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o666), waiting)


@contextlib.contextmanager
def folder_locked(folder: Path, *, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock of a folder itself: as ``locked``, and no file is left in it.

    :param waiting: Called once if another process or thread holds the lock.
    """
    if LOCKS:
        yield from _held(os.open(folder, _FOLDER), waiting)
    else:
        yield


def _held(descriptor: int, waiting: Callable[[], None]) -> Iterator[None]:
    try:
        if not _try_lock(descriptor):
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # releases the lock


@contextlib.contextmanager
def staging(parent: Path, name: str) -> Iterator[Path]:
    """Yield a new folder beside ``parent / name``, removed afterwards.

    It is locked while it is used, so ``sweep`` tells those of processes that were killed.
    """
    while True:
        stage = Path(tempfile.mkdtemp(prefix=f".{name}.{MARK}", dir=parent))
        lock = _lock_of(stage)
        if stage.is_dir():  # else another process swept it before it was locked
            break
        _close(lock)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        _close(lock)


@contextlib.contextmanager
def temporary(name: str) -> Iterator[Path]:
    """Yield a new temporary folder, removed afterwards; those that killed processes left are removed first.

    :param name: Part of its name: what it is for.
    :raises OSError: There is no temporary folder that can be written.
    """
    parent = Path(tempfile.gettempdir())
    sweep(parent)
    with staging(parent, name) as folder:
        yield folder


def sweep(parent: Path, name: str = "") -> None:
    """Remove the staging folders of processes that were killed.

    :param name: Only those beside ``parent / name``; empty means all.
    """
    import glob  # not needed to know the cache's folder

    for stage in parent.glob(f".{glob.escape(name) or '*'}.{MARK}*"):
        if stage.is_dir() and not stage.is_symlink() and (lock := _lock_of(stage)) is not None:
            shutil.rmtree(stage, ignore_errors=True)
            _close(lock)


def install(new: Path, target: Path, stage: Path) -> None:
    """Replace ``target`` by the finished folder ``new``, synchronised to disk.

    :param stage: A staging folder on the same file system, which receives the previous ``target``.
    :raises OSError: The target is a link, or the folder cannot be moved; the previous one is back in its place.
    """
    refuse_link(target)
    for path in (*new.rglob("*"), new):
        _sync(path)
    before = stage / "before"
    if os.path.lexists(target):
        target.rename(before)
    try:
        new.rename(target)
    except BaseException:
        if os.path.lexists(before):
            before.rename(target)
        raise
    _sync(target.parent)


@contextlib.contextmanager
def filled(target: Path) -> Iterator[Path]:
    """Yield a folder whose content becomes that of ``target``, which is empty or not there: all of it, or nothing.

    Parents that are missing are made, and stay.

    :raises OSError: It cannot be made.
    """
    there = target.is_dir()
    parent = target if there else target.parent  # an empty folder may be a disk of its own
    _make(parent)
    sweep(parent, target.name)
    with staging(parent, target.name) as stage:
        new = stage / "new"
        new.mkdir()
        yield new
        for path in (*new.rglob("*"), new):
            _sync(path)
        _move([(path, target / path.name) for path in new.iterdir()] if there else [(new, target)])


def _make(folder: Path) -> None:
    """Make a folder with its parents, if it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error


def _move(steps: Sequence[tuple[Path, Path]]) -> None:
    """Rename all paths, or none."""
    done: list[tuple[Path, Path]] = []
    try:
        for source, goal in steps:
            source.rename(goal)
            done.append((source, goal))
    except BaseException:
        for source, goal in reversed(done):
            goal.rename(source)
        raise


def is_free(target: Path) -> bool:
    """Return whether a folder can be made or filled: nothing is there, or an empty folder that is no link."""
    if target.is_dir() and not target.is_symlink():
        sweep(target, target.name)  # else what a kill left would take the place
        return not any(target.iterdir())
    return not os.path.lexists(target)


def refuse_link(path: Path) -> None:
    """Refuse a link where something is to be written.

    :raises OSError: The path is one.
    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, "is a link, through which nothing is written; remove it", str(path))


def size(folder: Path) -> int:
    """Return the bytes of all files under a folder, or of one file; files that vanish meanwhile count as 0."""
    total = 0
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def _lock_of(stage: Path) -> int | None:
    """Lock a staging folder; return its descriptor, or None if it is in use, is gone or cannot be locked."""
    if not LOCKS:
        return None
    try:
        descriptor = os.open(stage, _FOLDER | _NOFOLLOW)
    except OSError:
        return None
    if _try_lock(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    if not LOCKS:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # in use, or a file system without locks
        return False
    return True


def _sync(path: Path) -> None:
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):  # Windows does not open folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
