"""Calls that not every system has, each with its answer where it is missing."""

from __future__ import annotations

import os
from typing import NamedTuple


def allowed_cores() -> list[int]:
    """Return the cores that this thread may use; all of them where the system does not bind threads to cores."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def binds_to_cores() -> bool:
    """Return whether the system can bind a process to cores."""
    return hasattr(os, "sched_setaffinity")


class Usage(NamedTuple):
    """What the kernel counted of this process; None where it does not tell."""

    involuntary_switches: int | None
    minor_faults: int | None
    major_faults: int | None


def usage() -> Usage:
    """Return the counters of this process, from ``getrusage``."""
    try:
        import resource
    except ImportError:  # Windows
        return Usage(None, None, None)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(used.ru_nivcsw, used.ru_minflt, used.ru_majflt)


def growth(before: int | None, after: int | None) -> int | None:
    """Return by how much a counter grew; None where it is not known."""
    return None if before is None or after is None else after - before
