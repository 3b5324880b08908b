"""What /proc tells of other processes; nothing where there is none."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def is_stopped(pid: int) -> bool:
    """Return whether every thread of a process is stopped or has ended; True where the system does not tell."""
    # no pathlib: this is asked between the turns of lockstep
    folder = f"/proc/{pid}/task"
    try:
        return all(_state(f"{folder}/{name}/stat") in b"TtZX" for name in os.listdir(folder))  # noqa: PTH208
    except OSError:  # macOS, where the signal takes effect in a moment; or a thread has just ended
        return not os.path.exists(folder)  # noqa: PTH110


def has_ended(pid: int) -> bool:
    """Return whether a process is gone, or nothing but an exit status that nobody has asked for; True off Linux."""
    try:
        return _state(f"/proc/{pid}/stat") in b"ZX"
    except OSError:
        return True


def _state(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return file.read(1024).rpartition(b")")[2][1:2]


def executed(process: int | str = "self") -> dict[str, str]:
    """Return the file that a process executes, as ``executable``, where the system tells.

    A process under an emulator is told its own program, and others are told the emulator.
    """
    try:
        return {"executable": os.readlink(f"/proc/{process}/exe")}  # noqa: PTH115 - asked of every worker
    except OSError:  # macOS, or another user's process
        return {}


def oom_kills() -> int:
    """Return how many processes the system has ended since its start because memory ran out; 0 if it does not tell."""
    with contextlib.suppress(OSError, ValueError), Path("/proc/vmstat").open(encoding="ascii") as lines:
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
    return 0
