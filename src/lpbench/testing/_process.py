"""What the checks see of their own process: descriptors, threads, memory, environment, standard output."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.testing._checks import NotApplicable, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

STDOUT = 1
WAIT_S = 2.0
"""How long threads may take to end after what they served was closed."""
STEP_S = 0.02
WAKER = """
import os, signal, sys, time
while True:
    time.sleep(float(sys.argv[2]))
    os.kill(int(sys.argv[1]), signal.SIGCONT)
"""
"""Again and again, since it may be earlier than the one that it is to wake."""


def descriptors() -> dict[str, str]:
    """Return what each open file descriptor leads to."""
    found = {}
    for name in _entries("fd"):
        with contextlib.suppress(OSError):  # the one that lists the folder is gone by now
            found[name] = str(Path(f"/proc/self/fd/{name}").readlink())
    return found


def be_stopped(seconds: float) -> None:
    """Stop this process, all of its threads, for a moment."""
    waker = subprocess.Popen([sys.executable, "-c", WAKER, str(os.getpid()), str(seconds)])
    try:
        os.kill(os.getpid(), signal.SIGSTOP)
    finally:
        waker.kill()
        waker.wait()


def threads() -> int:
    """Return how many threads this process has."""
    return len(_entries("task"))


def threads_settled(limit: int) -> int:
    """Return how many threads are left once they are no more than ``limit``, or a while has passed."""
    end = time.monotonic() + WAIT_S
    while threads() > limit and time.monotonic() < end:
        time.sleep(STEP_S)
    return threads()


def cpu_by_thread() -> dict[str, float]:
    """Return the seconds of CPU time of each living thread, to a hundredth."""
    found = {}
    for thread in _entries("task"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            # proc(5): fields 14 and 15 of the line; the name, field 2, is in brackets and may hold blanks
            fields = Path(f"/proc/self/task/{thread}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            found[thread] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def resident() -> int:
    """Return this process's resident memory in bytes, after what is free was given back."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # a libc without it
        ctypes.CDLL(None).malloc_trim(0)
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def state() -> Mapping[str, object]:
    """Return what a plugin must leave alone: environment, working directory, cores, signal handlers, umask."""
    mask = os.umask(0)
    os.umask(mask)
    python = {f"os.environ {name}": value for name, value in os.environ.items()}
    handlers = {f"handler of {each.name}": signal.getsignal(each) for each in signal.Signals}
    rest = {"working directory": str(Path.cwd()), "cores": sorted(os.sched_getaffinity(0)), "umask": mask}
    return {**python, **_c_environment(), **handlers, **rest}


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Return what differs, in words."""
    return [
        f"{key}: {before.get(key, 'unset')!r} became {after.get(key, 'unset')!r}"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]


@contextlib.contextmanager
def nothing_printed(folder: Path) -> Iterator[None]:
    """Require that neither Python nor native code prints to standard output meanwhile."""
    file, kept = folder / "stdout", os.dup(STDOUT)
    sys.stdout.flush()
    with file.open("wb") as stream:
        os.dup2(stream.fileno(), STDOUT)
    try:
        yield
    finally:
        sys.stdout.flush()
        with contextlib.suppress(AttributeError):  # a libc without it
            ctypes.CDLL(None).fflush(None)
        os.dup2(kept, STDOUT)
        os.close(kept)
    said = file.read_text("utf-8", "replace").strip()
    require(not said, f"printed {said[:200]!r}")


def in_a_thread(call: Callable[[], None]) -> Callable[[], None]:
    """Start ``call`` in a thread of its own; return a function that waits for it and raises what it raised."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()

    def wait() -> None:
        thread.join()
        if raised:
            raise raised[0]

    return wait


def _entries(name: str) -> list[str]:
    try:
        return [each.name for each in Path(f"/proc/self/{name}").iterdir()]
    except OSError as error:
        raise NotApplicable(f"needs /proc: {error}") from error


def _c_environment() -> dict[str, object]:
    """Return the variables that native code sees: what a library sets itself is not in ``os.environ``."""
    place = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    found: dict[str, object] = {}
    for at in itertools.count():
        entry = place[at]
        if entry is None:
            break
        name, _, value = entry.decode(errors="replace").partition("=")
        found[f"variable {name}"] = value
    return found
