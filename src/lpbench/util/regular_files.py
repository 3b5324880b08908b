"""Opens files that others made: regular ones only, and never more of them than a limit.

A FIFO without a writer, a terminal and ``/dev/zero`` would otherwise be read forever.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from lpbench.errors import AppError, LpbenchError
from lpbench.util.paths import no_such_file

if TYPE_CHECKING:
    from pathlib import Path

MEBIBYTE = 1 << 20
PIECE = 1 << 16
"""Bytes read at a time of what tells no size."""
KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
"""O_NONBLOCK: what became a FIFO since it was looked at does not wait for a writer."""


def open_regular(path: Path, *, error: type[LpbenchError] = AppError) -> BinaryIO:
    """Open a regular file for reading, through links; nothing else is opened.

    :raises LpbenchError: As ``error``: it is not there, is of another kind, or cannot be read.
    """
    try:
        _refuse(path.stat().st_mode, path, error)
        descriptor = os.open(path, FLAGS)
        try:
            _refuse(os.fstat(descriptor).st_mode, path, error)
            return os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise
    except FileNotFoundError:
        raise no_such_file(path, error) from None
    except OSError as wrong:
        raise error(f"cannot be read: {wrong.strerror or wrong}", where=str(path)) from wrong
    except ValueError as wrong:  # a NUL in the name
        raise error(f"cannot be read: {wrong}", where=str(path)) from wrong


def read_regular(path: Path, *, limit: int, error: type[LpbenchError] = AppError) -> bytes:
    """Return what a regular file holds.

    :param limit: Largest size in bytes; no more than one byte beyond it is read.
    :raises LpbenchError: As ``error``: as ``open_regular``, or it is larger.
    """
    try:
        with open_regular(path, error=error) as file:
            data = _read(file, limit + 1)
    except OSError as wrong:
        raise error(f"cannot be read: {wrong.strerror or wrong}", where=str(path)) from wrong
    if len(data) > limit:
        raise error(f"is larger than {limit / MEBIBYTE:g} MiB", where=str(path))
    return data


def _read(file: BinaryIO, most: int) -> bytes:
    """Return what a file holds, or its first bytes: reading sets aside as much memory as it is asked for."""
    parts = [file.read(min(most, os.fstat(file.fileno()).st_size + 1))]
    left = most - len(parts[0])
    while left and (more := file.read(min(left, PIECE))):  # it grew meanwhile, or the system tells no size
        parts.append(more)
        left -= len(more)
    return b"".join(parts)


def irregular(path: Path | str) -> str:
    """Return what a path is unless it is a regular file, such as ``a pipe``; empty if it is one, or is not there."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - the path may be a text
    except (OSError, ValueError):
        return ""
    return "" if stat.S_ISREG(mode) else _kind(mode)


def _refuse(mode: int, path: Path, error: type[LpbenchError]) -> None:
    """Raise unless a mode is that of a regular file."""
    if not stat.S_ISREG(mode):
        raise error(f"is not a file: it is {_kind(mode)}", where=str(path))


def _kind(mode: int) -> str:
    return next((words for test, words in KINDS if test(mode)), "of another kind")
