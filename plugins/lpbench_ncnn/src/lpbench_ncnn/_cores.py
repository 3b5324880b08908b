"""Binds ncnn's threads to groups of cores."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import ncnn

from lpbench.errors import setting
from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.cores import allowed_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

POWERSAVE = {"all": 0, "little": 1, "big": 2}
"""ncnn's numbers for the groups of cores."""


@contextlib.contextmanager
def bound(group: str | None) -> Iterator[None]:
    """Bind ncnn's threads to a group of cores inside the context, and restore the previous group at the end.

    ncnn also binds the calling thread; the group applies to the whole process.

    :raises EngineError: The machine has no such group, or the process is already bound to cores.
    """
    if group is None:
        yield
        return
    _check(group)
    before = ncnn.get_cpu_powersave()
    ncnn.set_cpu_powersave(POWERSAVE[group])
    try:
        yield
    finally:
        ncnn.set_cpu_powersave(before)


def _check(group: str) -> None:
    if len(allowed_cores()) < (os.cpu_count() or 1):
        raise EngineError(
            f'powersave "{group}" would undo the binding to cores {allowed_cores()}',
            hint=f"use either powersave or {setting('affinity')}",
        )
    if group == "little" and not ncnn.get_little_cpu_count():
        raise EngineError(
            'powersave "little" is not available: this machine has no little cores',
            hint="leave powersave out",
        )
