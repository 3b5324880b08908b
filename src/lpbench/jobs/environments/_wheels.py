"""Wheels of the pure Python distributions that are installed here, packed again from their files.

Another environment gets the very same lpbench and plugins by them, though no registry may have them: they may come
from a folder of sources, installed as editable.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.plugin.distributions import identity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution

TAG = "py3-none-any"
WHEEL = f"Wheel-Version: 1.0\nGenerator: lpbench\nRoot-Is-Purelib: true\nTag: {TAG}\n"
LEFT_OUT = ("__pycache__",)
METADATA = ("METADATA", "entry_points.txt")
NATIVE = {".so", ".pyd", ".dylib"}


def pack(name: str, package: str, folder: Path) -> Path:
    """Return a wheel of an installed distribution.

    :param name: Of the distribution.
    :param package: Of the package that it brings.
    :param folder: That receives the wheel.
    :raises LpbenchError: It is not installed, or holds native code, for which other Pythons need other files.
    """
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError as error:
        hint = "install lpbench and its plugins with pip first"
        raise LpbenchError(f"{name} is not installed as a distribution", hint=hint) from error
    project, version = identity(distribution)
    stem = f"{project.replace('-', '_').replace('.', '_')}-{version}"
    target = folder / f"{stem}-{TAG}.whl"
    records = [
        *((f"{package}/{inner}", path.read_bytes()) for inner, path in _files(package)),
        *((f"{stem}.dist-info/{file}", text.encode()) for file, text in _metadata(distribution)),
    ]
    record = f"{stem}.dist-info/RECORD"
    lines = [f"{member},{_digest(data)},{len(data)}" for member, data in records]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member, data in (*records, (record, "\n".join([*lines, f"{record},,", ""]).encode())):
            archive.writestr(member, data)
    return target


def _files(package: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of a package, each with its path inside."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LpbenchError(f"{package} is not a package that can be installed elsewhere")
    root = Path(next(iter(spec.submodule_search_locations)))
    for path in sorted(root.rglob("*")):
        inner = path.relative_to(root)
        if path.is_file() and not set(LEFT_OUT) & set(inner.parts):
            if path.suffix in NATIVE:
                raise LpbenchError(f"{package} holds native code ({inner})", hint="install it there with pip")
            yield inner.as_posix(), path


def _metadata(distribution: Distribution) -> Iterator[tuple[str, str]]:
    for file in METADATA:
        if text := distribution.read_text(file):
            yield file, text
    yield "WHEEL", WHEEL


def _digest(data: bytes) -> str:
    return f"sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()}"
