"""How long kernels took in earlier builds, kept in lpbench's cache: with it, further builds take less time."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.plugin.kit.untrusted import read_regular
from lpbench.util.atomic_folders import cache_folder, locked, staging
from lpbench_trt._logger import log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lpbench_trt._library import trt

LIMIT = 1 << 28
"""Most bytes of a cache that are read."""
DIGEST = hashlib.sha256().digest_size


@contextlib.contextmanager
def kept(config: trt.IBuilderConfig, key: str) -> Iterator[None]:
    """Build with the timings of earlier builds; those of a build that ends well are added to them.

    A cache that cannot be read or written costs time and nothing else.

    :param key: Names the library's version and the device, of which timings are.
    """
    path = _folder() / f"{key}.timings"
    for timings in (_read(path), b""):
        cache = config.create_timing_cache(timings)
        if cache is not None and config.set_timing_cache(cache, ignore_mismatch=False):
            break
    log().clear()  # of a cache that did not fit
    yield
    with contextlib.suppress(OSError):
        _merge(config, path)


def _folder() -> Path:
    return cache_folder() / "tensorrt-timings"


def _read(path: Path) -> bytes:
    """Return the timings; empty if there are none, or they are damaged."""
    try:
        content = read_regular(path, limit=LIMIT)
    except LpbenchError:
        return b""
    digest, timings = content[:DIGEST], content[DIGEST:]
    return timings if hashlib.sha256(timings).digest() == digest else b""


def _merge(config: trt.IBuilderConfig, path: Path) -> None:
    """Add the timings of this build to those on disk, which another process may have changed meanwhile."""
    with locked(path.parent, path.name):
        ours = config.get_timing_cache()
        theirs = config.create_timing_cache(_read(path))
        if ours is None:
            return
        if theirs is not None:
            ours.combine(theirs, ignore_mismatch=False)
        serialized = ours.serialize()
        if serialized is None:
            return
        timings = bytes(memoryview(serialized))
        with staging(path.parent, path.name) as stage:
            new = stage / path.name
            new.write_bytes(hashlib.sha256(timings).digest() + timings)
            new.replace(path)
