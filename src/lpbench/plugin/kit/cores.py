"""The number of cores that this process may use."""

from __future__ import annotations

import os
from pathlib import Path


def physical_cores() -> int:
    """Return the number of physical cores that this process may use; of logical ones if the kernel does not tell."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return len({_siblings(cpu) for cpu in allowed})


def _siblings(cpu: int) -> str:
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return str(cpu)
