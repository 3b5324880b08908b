"""The manifest of a pulled app: what it was built from, and which content its files had."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.app.pulled import is_pulled
from lpbench.errors import AppError, LpbenchError, either
from lpbench.util.digests import file_digest
from lpbench.util.json_files import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = "catalogue.json"
LIMIT = 8 << 20
"""Largest size of a manifest in bytes."""


@dataclass(frozen=True)
class FileRecord:
    """One file as it was pulled.

    :param size: Bytes; None in manifests of before 0.1, which have names alone.
    :param sha256: In hexadecimal.
    """

    size: int | None = None
    sha256: str = ""

    def damage(self, file: Path, *, thorough: bool) -> str:
        """Return what is wrong with a file; empty if nothing is.

        :param thorough: Also compare the content, which takes 1 to 3 ms for each MB.
        """
        if not file.is_file():
            return "is missing"
        size = file.stat().st_size
        if self.size is not None and size != self.size:
            return f"has {size} bytes instead of {self.size}"
        changed = thorough and self.sha256 and file_digest(file) != self.sha256
        return "has another content than when it was pulled" if changed else ""


@dataclass(frozen=True)
class Manifest:
    """What a pulled app is.

    :param fingerprint: Of the definition that it was built from.
    :param files: By their names in the folder.
    """

    fingerprint: str
    files: Mapping[str, FileRecord]


def write(folder: Path, fingerprint: str, entry: Mapping[str, Any]) -> None:
    """Write the manifest of a finished app."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": file_digest(path)}
        for path in paths
    }
    content = {"fingerprint": fingerprint, "entry": entry, "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read(folder: Path) -> Manifest | None:
    """Return the manifest of a pulled app, or None if it is missing or broken."""
    try:
        content = read_json(folder / MANIFEST, limit=LIMIT)
        files = content["files"]
        records = (
            {name: FileRecord(int(of["size"]), str(of["sha256"])) for name, of in files.items()}
            if isinstance(files, dict)
            else dict.fromkeys(map(str, files), FileRecord())
        )
        return Manifest(str(content["fingerprint"]), records)
    except (LpbenchError, LookupError, TypeError, ValueError):
        return None


def damage(folder: Path, *, thorough: bool = False) -> str:
    """Return what is wrong with the files of a pulled app, the first of several; empty if nothing is.

    :param thorough: Also compare the content of files whose size is right.
    """
    manifest = read(folder)
    if manifest is None:
        return f"{MANIFEST} is missing or broken"
    wrong = ((name, record.damage(folder / name, thorough=thorough)) for name, record in manifest.files.items())
    return next((f"{name} {what}" for name, what in wrong if what), "")


def refuse_damaged(folder: Path) -> None:
    """Refuse an app of the cache whose files are not those that were pulled; says nothing of other apps.

    :raises AppError: Naming the file.
    """
    if not is_pulled(folder):
        return
    if what := damage(folder, thorough=True):
        name = folder.resolve().name
        again = either(f"lpbench pull --force {name}", f'lpbench.pull("{name}", force=True)')
        hint = f"{again} builds it again; to change an app, copy its folder to a place of your own"
        raise AppError(f"the pulled app is damaged: {what}", where=str(folder), hint=hint)
