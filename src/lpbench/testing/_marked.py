"""Processes that carry a mark in their environment: what they started carries it too, however it was started."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "LPBENCH_ATTACK_MARK"
PATIENCE, STEP = 3.0, 0.02
"""Seconds until a process that was told to end has to be gone, and between two looks."""


@dataclass(frozen=True)
class Mark:
    """A value that no other process has in its environment.

    :param name: The variable.
    """

    value: str
    name: str = VARIABLE

    @property
    def variable(self) -> dict[str, str]:
        """What marked processes are started with."""
        return {self.name: self.value}

    def pids(self) -> list[int]:
        """Return the processes that live and carry the mark; none where the system has no /proc."""
        line = f"{self.name}={self.value}".encode()
        return [int(path.name) for path in Path("/proc").glob("[0-9]*") if line in _environment(path) and _lives(path)]

    def left(self) -> str:
        """Return the programs of marked processes that do not end by themselves soon; empty if none is left."""
        late = time.monotonic() + PATIENCE
        while (pids := self.pids()) and time.monotonic() < late:
            time.sleep(STEP)
        return ", ".join(sorted({_program(pid) for pid in pids}))

    def end(self) -> None:
        """End the marked processes, but for this one."""
        for pid in set(self.pids()) - {os.getpid()}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def new(name: str = VARIABLE) -> Mark:
    """Return a new mark."""
    return Mark(uuid.uuid4().hex, name)


def _environment(process: Path) -> list[bytes]:
    with contextlib.suppress(OSError):
        return (process / "environ").read_bytes().split(b"\0")
    return []


def _lives(process: Path) -> bool:
    """Say whether a process is more than an entry that its parent has not read yet."""
    with contextlib.suppress(OSError):
        return (process / "stat").read_bytes().rpartition(b")")[2].split()[0] not in {b"Z", b"X"}
    return False


def _program(pid: int) -> str:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return " ".join(words.split())[:200]
    return f"process {pid}"
