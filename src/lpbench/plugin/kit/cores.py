"""The cores that this process may use."""

from __future__ import annotations

from pathlib import Path

from lpbench.util.portable import allowed_cores

__all__ = ["allowed_cores", "physical_cores"]


def physical_cores() -> int:
    """Return the number of physical cores that this process may use; of logical ones if the kernel does not tell."""
    return len({_siblings(cpu) for cpu in allowed_cores()})


def _siblings(cpu: int) -> str:
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return str(cpu)
