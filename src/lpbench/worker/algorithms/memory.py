"""The memory of one run: how far the high-water mark of this process rises, or that of a program."""

from __future__ import annotations

import contextlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.machine.process_memory import KIB, memory
from lpbench.worker.algorithms.adapters import Command
from lpbench.worker.stage_memory import StageMeter, resets

if TYPE_CHECKING:
    from concurrent.futures import Future

    from lpbench.plugin.algorithm import Algorithm, Values

GLANCE_S = 0.002
"""Most seconds between two looks at a program."""
LOOKS = 10
"""Fewer looks at a program may all have been before it grew."""


def measured(algorithm: Algorithm, values: Values, prepared: Any) -> int | None:
    """Return the bytes that one run takes at its peak; None where the system does not tell."""
    if isinstance(algorithm, Command):
        return _of_program(algorithm, prepared)
    meter = StageMeter()
    meter.run("run", algorithm.run, values, prepared)
    return meter.peaks["run"].increase_bytes if resets() else None


def _of_program(algorithm: Command, words: list[str]) -> int | None:
    """Return the peak of a program; None where it ended too soon to be seen.

    The kernel's account of an ended child begins at what this process had when it started it, so that smaller
    programs are looked at while they run.
    """
    child = algorithm.start(words)
    floor = memory()["peak_bytes"]
    with ThreadPoolExecutor(1) as reader:
        ended = reader.submit(algorithm.output, child, words[0])
        seen = _watched(child.pid, ended)
    ended.result()
    told = _greatest_child()
    return told if told > floor else seen


def _watched(pid: int, ended: Future[str]) -> int | None:
    """Return the greatest peak that was seen of a program; the last look is in the last tenth of its time."""
    began, peaks = time.perf_counter(), []
    while not ended.done():
        peaks.append(_peak(pid))
        time.sleep(min(GLANCE_S, (time.perf_counter() - began) / 10))
    return max(peaks) if len(peaks) - peaks.count(0) >= LOOKS else None


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
