"""Digests of files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lpbench.errors import AppError

if TYPE_CHECKING:
    from pathlib import Path


BLOCK = 1 << 20


def file_digest(path: Path) -> str:
    """Return a file's sha256 in hexadecimal, reading it block by block.

    :raises AppError: The file cannot be read.
    """
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                total.update(block)
    except OSError as error:
        raise AppError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    return total.hexdigest()
