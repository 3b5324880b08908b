"""Writes result files and the files beside them: whole or not at all, and overwriting only on request."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import ResultError, either

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV, errno.EMLINK}
"""How file systems say that a file cannot have a second name."""
NO_READER = "nobody reads it"
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


def write(text: str, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a text file, whole or not at all, and return its path.

    :raises ResultError: The file already exists, or cannot be written (full disk, missing folder).
    """
    path = Path(path)
    try:
        refuse_existing(path, overwrite=overwrite)
        _write(path, text, overwrite=overwrite)
    except FileExistsError:
        refuse_existing(path, overwrite=False, there=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ResultError(
            f"cannot be written: {getattr(error, 'strerror', None) or error}",
            where=str(path),
            hint="nothing was written there; choose another path",
        ) from error
    return path


def refuse_existing(path: Path, *, overwrite: bool, there: bool = False) -> None:
    """Raise ResultError if the path is a folder, or a file that may not be overwritten.

    :param there: Whether something is known to be there, be it a link that leads nowhere.
    """
    if path.is_dir():
        raise ResultError("is a folder", where=str(path), hint="give the path of a file")
    if (there or path.is_file()) and not overwrite:
        raise ResultError(
            "already exists", where=str(path), hint=either("--force overwrites it", "overwrite=True overwrites it")
        )


def _write(path: Path, text: str, *, overwrite: bool) -> None:
    data = text.encode()
    if path.exists() and not path.is_file():  # a device or a pipe cannot be replaced
        with open(path, "wb", opener=_at_once) as file:
            file.write(data)
        return
    with _unnamed(path.parent) as descriptor:
        if descriptor is not None and not overwrite:
            _fill(descriptor, data)
            # Given its name only now: there is nothing to be left behind, whenever the process is killed.
            os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor, follow_symlinks=True)
            return
    _write_beside(path, data, overwrite=overwrite)


def _at_once(path: str, flags: int) -> int:
    """Open a device or a pipe without waiting for somebody who reads it: signals wait until the result is saved.

    :raises OSError: Nobody does.
    """
    try:
        descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise OSError(error.errno, NO_READER) if error.errno == errno.ENXIO else error from None
    if hasattr(os, "set_blocking"):  # Windows before Python 3.12
        os.set_blocking(descriptor, True)
    return descriptor


@contextlib.contextmanager
def _unnamed(folder: Path) -> Iterator[int | None]:
    """Open a file without a name in a folder; None where the system or the file system has none."""
    descriptor = None
    with contextlib.suppress(OSError):
        if hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd"):  # noqa: PTH112 - no Path for a question
            descriptor = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _write_beside(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a file beside the path, with a short name that nobody can foresee, and put it there when it is whole."""
    temporary = path.with_name(f".lpbench-{secrets.token_hex(8)}")
    try:
        descriptor = os.open(temporary, NEW, 0o666)
        try:
            _fill(descriptor, data)
        finally:
            os.close(descriptor)
        if overwrite:
            temporary.replace(path)
        else:
            _move(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _move(temporary: Path, path: Path) -> None:
    """Give a file its name unless that is taken.

    :raises FileExistsError: It is.
    """
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        os.close(os.open(path, NEW, 0o666))  # the name is ours from here on
        try:
            temporary.replace(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _fill(descriptor: int, data: bytes) -> None:
    """Write everything, down to the disk: some say only then that it is full."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)
