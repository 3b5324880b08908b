"""How long the threads of this process ran, and how long they waited for a core."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple


class ThreadTime(NamedTuple):
    """What the scheduler counted of one thread, in nanoseconds.

    :param ran: On a core.
    :param waited: Ready to run while other threads had the cores.
    """

    ran: int
    waited: int


def thread_times() -> dict[int, ThreadTime]:
    """Return the times of each thread of this process by its number; none where the system does not tell.

    Source: ``/proc/self/task/*/schedstat``.
    """
    found = {}
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, ValueError):  # it has just ended
            ran, waited, _ = map(int, path.read_text(encoding="ascii").split())
            found[int(path.parent.name)] = ThreadTime(ran, waited)
    return found
