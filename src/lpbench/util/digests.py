"""Digests of files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lpbench.errors import AppError
from lpbench.util.jsonable import whole_text
from lpbench.util.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


BLOCK = 1 << 20
READ_LIMIT = 64 << 20
"""Bytes of a set of files that count: telling two sets apart must not take longer than measuring."""


def file_digest(path: Path) -> str:
    """Return a file's sha256 in hexadecimal, reading it block by block.

    :raises AppError: The file cannot be read, or is no regular file.
    """
    total = hashlib.sha256()
    try:
        with open_regular(path) as file:
            while block := file.read(BLOCK):
                total.update(block)
    except OSError as error:
        raise AppError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    return total.hexdigest()


def set_digest(paths: Iterable[Path]) -> str:
    """Return a sha256, in hexadecimal, of a set of files in order; empty where one cannot be read.

    It covers names, sizes and, of the first 64 MiB, contents.
    """
    total, left = hashlib.sha256(), READ_LIMIT
    try:
        for path in paths:
            size = path.stat().st_size
            total.update(f"{whole_text(path.name)}\0{size}\0".encode())
            if size <= left:
                with open_regular(path) as file:
                    total.update(file.read())
                left -= size
    except (OSError, AppError):
        return ""
    return total.hexdigest()
