"""Keeps the roofs of machines in lpbench's cache, one file for each machine and version of numpy."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
from typing import TYPE_CHECKING, cast

from lpbench.errors import ConfigError, LpbenchError
from lpbench.machine.roofline import Roof, ThreadRoof
from lpbench.util import dataclass_config, json_files
from lpbench.util.atomic_folders import cache_folder
from lpbench.util.jsonable import to_jsonable

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "roofs"
FORMAT = 1
"""Roofs of other formats, or of kernels that measured otherwise, are measured again."""
LARGEST = 1 << 20
"""Bytes of a file."""


@dataclasses.dataclass(frozen=True)
class _File:
    """What a file holds."""

    machine: str
    numpy: str
    blas: str
    points: tuple[ThreadRoof, ...]


def kept(machine: str, numpy: str) -> Roof | None:
    """Return a machine's roof; None where none is kept, or what is there is none.

    :param machine: Digest of its facts.
    :param numpy: Version of numpy.
    """
    try:
        values = json_files.read_json(place(machine, numpy), limit=LARGEST, error=ConfigError)
        found = cast("_File", dataclass_config.convert(_File, values, where="roof"))
    except (LpbenchError, OSError):
        return None
    return Roof(machine, numpy, found.blas, found.points) if (found.machine, found.numpy) == (machine, numpy) else None


def keep(roof: Roof) -> Roof:
    """Keep a roof, whole or not at all, and return it with the reason where it cannot be kept."""
    path = place(roof.machine, roof.numpy)
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("x", encoding="utf-8") as file:
            kept_part = _File(roof.machine, roof.numpy, roof.blas, roof.points)
            file.write(f"{json.dumps(to_jsonable(kept_part), indent=1)}\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        return dataclasses.replace(roof, unkept=f"{path.parent}: {error.strerror or error}")
    return roof


def place(machine: str, numpy: str) -> Path:
    """Return the file of a machine's roof."""
    key = hashlib.sha256(f"{FORMAT}\0{machine}\0{numpy}".encode()).hexdigest()[:32]
    return cache_folder() / FOLDER / f"{key}.json"
