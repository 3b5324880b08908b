"""Writes result files and the files beside them: atomically, and overwriting only on request."""

from __future__ import annotations

import os
from pathlib import Path

from lpbench.errors import ResultError, either


def write(text: str, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a text file atomically and return its path.

    :raises ResultError: The file already exists, or cannot be written (full disk, missing folder).
    """
    path = Path(path)
    refuse_existing(path, overwrite=overwrite)
    try:
        _write(path, text)
    except OSError as error:
        raise ResultError(
            f"cannot be written: {error.strerror or error}",
            where=str(path),
            hint="nothing was written there; choose another path" + either(" with -o", ""),
        ) from error
    return path


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raise ResultError if the path is a folder, or a file that may not be overwritten."""
    if path.is_dir():
        raise ResultError("is a folder", where=str(path), hint="give the path of a file")
    if path.is_file() and not overwrite:
        raise ResultError(
            "already exists", where=str(path), hint=either("--force overwrites it", "overwrite=True overwrites it")
        )


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
