"""Binds ncnn's threads to groups of cores."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import ncnn

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

POWERSAVE = {"all": 0, "little": 1, "big": 2}
"""ncnn's numbers of the groups of cores."""


@contextlib.contextmanager
def bound(group: str | None) -> Iterator[None]:
    """Bind ncnn's threads to a group of cores, and give them back all cores at the end.

    ncnn binds the calling thread too, and knows one group for the whole process.

    :raises EngineError: The machine has no such group, or the process is bound to cores already.
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
    if len(os.sched_getaffinity(0)) < (os.cpu_count() or 1):
        raise EngineError(
            f'powersave "{group}" would undo the binding to cores {sorted(os.sched_getaffinity(0))}',
            hint="choose one: powersave, or --affinity with the cores wanted",
        )
    if group == "little" and not ncnn.get_little_cpu_count():
        raise EngineError(
            'this machine has no little cores: powersave "little" cannot be had',
            hint="its cores are alike: leave powersave out",
        )
