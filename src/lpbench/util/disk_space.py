"""What to say of a disk that is full, or where nothing can be written."""

from __future__ import annotations

import contextlib
import errno
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space, a used-up quota, the largest file that a process may write."""
SPARE = 1 << 20
"""Bytes below which a disk counts as full: a program that fails there most likely fails for want of space."""


def free_bytes(place: Path) -> int | None:
    """Return the bytes that are free where a path is or would be; None if nothing tells."""
    with contextlib.suppress(OSError, StopIteration):
        return shutil.disk_usage(next(path for path in (place, *place.parents) if path.exists())).free
    return None


def is_full(place: Path) -> bool:
    """Return whether there is next to no space where a path is or would be."""
    free = free_bytes(place)
    return free is not None and free < SPARE


def shortage(place: Path, needed: int) -> str:
    """Return what is wrong if a path has less space than is needed: ``needs 350 MB; 12 MB are free``; else empty."""
    free = free_bytes(place)
    return "" if free is None or free >= needed else f"needs {megabytes(needed)}; {megabytes(free)} are free"


def remedy(error: OSError | None, place: Path, elsewhere: str, *, needed: int = 0) -> str:
    """Return what helps where something could not be written.

    :param error: Why; None if a program failed and said nothing that lpbench understands.
    :param elsewhere: How to write to another place, such as ``set XDG_CACHE_HOME to move the cache``.
    :param needed: Bytes that are needed at least, 0 if that is not known.
    """
    if isinstance(error, NotADirectoryError):
        return f"{error.filename or place} is no folder; {elsewhere}"
    if error is not None and error.errno not in FULL:
        return f"{place} must be writable; or {elsewhere}"
    free = free_bytes(place)
    sizes = [f"{megabytes(free)} free"] if free is not None else []
    sizes += [f"{megabytes(needed)} needed"] if needed else []
    known = f" ({', '.join(sizes)})" if sizes else ""
    return f"free space in {place}{known}, or {elsewhere}"


def megabytes(count: int) -> str:
    """Return bytes as text in MB, those below one in kB."""
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"  # noqa: PLR2004 - a megabyte
