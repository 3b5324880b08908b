"""The cores that this process may use, and how many threads may be asked for."""

from __future__ import annotations

from pathlib import Path

from lpbench.util.bounds import MOST
from lpbench.util.portable import allowed_cores
from lpbench.util.text import brief

__all__ = ["allowed_cores", "check_threads", "physical_cores"]


def check_threads(name: str, threads: int) -> None:
    """Check an engine's option that is a number of threads, 0 for its own choice, before a library counts them.

    :param name: The option's.
    :raises ValueError: It is below 0, or more than any machine has cores.
    """
    if not 0 <= threads <= MOST["threads"]:
        expected = "0 or more" if threads < 0 else f"at most {MOST['threads']}"
        raise ValueError(f"{name}: found {brief(threads)}; expected {expected}")


def physical_cores() -> int:
    """Return the number of physical cores that this process may use; of logical ones if the kernel does not tell."""
    return len({_siblings(cpu) for cpu in allowed_cores()})


def _siblings(cpu: int) -> str:
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return str(cpu)
