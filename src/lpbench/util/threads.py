"""Threads of this process: starting them, how long they ran, and how long they waited for a core."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lpbench.util.processes import cannot_start

if TYPE_CHECKING:
    from threading import Thread


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


def start(thread: Thread, what: str) -> None:
    """Start a thread.

    :param what: What it is, for the error: ``the thread that reads``.
    :raises LpbenchError: The system did not start it.
    """
    try:
        thread.start()
    except RuntimeError as error:  # "can't start new thread", where a limit is reached
        raise cannot_start(what, error) from error
