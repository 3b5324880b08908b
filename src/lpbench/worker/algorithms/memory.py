"""The memory of one run: how far the high-water mark of this process rises, or that of a program."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.machine.process_memory import KIB, memory
from lpbench.worker.algorithms.adapters import Command
from lpbench.worker.stage_memory import StageMeter, resets

if TYPE_CHECKING:
    import subprocess

    from lpbench.plugin.algorithm import Algorithm, Values

GLANCE_S = 0.002
"""Seconds between two looks at a program."""


def measured(algorithm: Algorithm, values: Values, prepared: Any) -> int | None:
    """Return the bytes that one run takes at its peak; None where the system does not tell."""
    if isinstance(algorithm, Command):
        return _of_program(algorithm, prepared)
    meter = StageMeter()
    meter.run("run", algorithm.run, values, prepared)
    return meter.peaks["run"].increase_bytes if resets() else None


def _of_program(algorithm: Command, words: list[str]) -> int | None:
    """Return the peak of a program.

    The kernel's account of an ended child begins at what this process had when it started it, so that smaller
    programs are looked at while they run.
    """
    floor = memory()["peak_bytes"]
    child = algorithm.start(words)
    seen = _watched(child)
    algorithm.output(child, words[0])
    told = _greatest_child()
    return told if told > floor else seen or None


def _watched(child: subprocess.Popen[str]) -> int:
    seen = 0
    while _running(child):
        seen = max(seen, _peak(child.pid))
        time.sleep(GLANCE_S)
    return seen


def _running(child: subprocess.Popen[str]) -> bool:
    """Say whether a program runs and has not yet filled its pipe, which nobody empties meanwhile."""
    import select

    assert child.stdout is not None  # noqa: S101 - it was started with a pipe
    return child.poll() is None and not select.select([child.stdout], [], [], 0)[0]


def _peak(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * KIB
    return 0


def _greatest_child() -> int:
    """Return the greatest peak of the children that have ended, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else KIB)
