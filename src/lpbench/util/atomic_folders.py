"""Folders that appear complete or not at all, and locks between processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

try:
    import fcntl
except ImportError:  # Windows
    LOCKS = False
    """Whether there are locks between processes; without them, two that fetch the same thing may both do it."""
else:
    LOCKS = True

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def cache_folder() -> Path:
    """Return lpbench's cache: ``$XDG_CACHE_HOME/lpbench``, by default ``~/.cache/lpbench``; it need not exist."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # the XDG base directory specification: relative paths are to be ignored
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "lpbench"


@contextlib.contextmanager
def locked(parent: Path, name: str, *, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock ``name`` of a folder against other processes and threads; the lock ends with its holder.

    Systems without ``flock`` do not wait.

    :param waiting: Called once if another process or thread holds the lock.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with _lock_path(parent, name).open("ab") as file:
        if not _try_lock(file.fileno()):
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file releases the lock


@contextlib.contextmanager
def staging(parent: Path, name: str) -> Iterator[Path]:
    """Yield a new folder beside ``parent / name``, removed afterwards.  The caller must hold the lock ``name``."""
    stage = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=parent))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def sweep(parent: Path, *, held: str) -> None:
    """Remove the staging folders of processes that were killed.

    :param held: The lock that the caller holds; staging folders whose lock another process holds are kept.
    """
    if not LOCKS:  # nothing tells whose they are
        return
    for stage in parent.glob(".*.*"):
        name = stage.name[1:].rpartition(".")[0]
        if stage.is_dir() and not stage.is_symlink():
            with _lock_path(parent, name).open("ab") as file:
                if name == held or _try_lock(file.fileno()):
                    shutil.rmtree(stage, ignore_errors=True)


def install(new: Path, target: Path, stage: Path) -> None:
    """Replace ``target`` by the finished folder ``new``, synchronised to disk.

    :param stage: A staging folder on the same file system, which receives the previous ``target``.
    """
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


def size(folder: Path) -> int:
    """Return the bytes of all files under a folder, or of one file; files that vanish meanwhile count as 0."""
    total = 0
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def _lock_path(parent: Path, name: str) -> Path:
    return parent / f".{name}.lock"


def _try_lock(descriptor: int) -> bool:
    if not LOCKS:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
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
