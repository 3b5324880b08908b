"""Inspects the check's own process: descriptors, threads, memory, environment, standard output."""

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
from lpbench.util.portable import allowed_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

STDOUT = 1
WAIT_S = 2.0
"""How long threads may take to end after their session or monitor was closed."""
STEP_S = 0.02
WAKER = """
import os, signal, sys, time
while True:
    time.sleep(float(sys.argv[2]))
    os.kill(int(sys.argv[1]), signal.SIGCONT)
"""
"""Program that sends SIGCONT repeatedly, since the first signal may arrive before the process is suspended."""


def descriptors() -> dict[str, str]:
    """Return the target of each open file descriptor."""
    targets = {}
    for name in _entries("fd"):
        with contextlib.suppress(OSError):  # the descriptor used for listing is closed by now
            targets[name] = str(Path(f"/proc/self/fd/{name}").readlink())
    return targets


def be_stopped(seconds: float) -> None:
    """Suspend this process with all of its threads (SIGSTOP) for a moment."""
    if not hasattr(signal, "SIGSTOP"):
        raise NotApplicable("this check needs SIGSTOP, which this system does not have")
    waker = subprocess.Popen([sys.executable, "-I", "-S", "-c", WAKER, str(os.getpid()), str(seconds)])
    try:
        os.kill(os.getpid(), signal.SIGSTOP)
    finally:
        waker.kill()
        waker.wait()


def threads() -> int:
    """Return the number of threads of this process."""
    return len(_entries("task"))


def threads_settled(limit: int) -> int:
    """Wait until at most ``limit`` threads are left or ``WAIT_S`` has passed; return the number left."""
    end = time.monotonic() + WAIT_S
    while threads() > limit and time.monotonic() < end:
        time.sleep(STEP_S)
    return threads()


def cpu_by_thread() -> dict[str, float]:
    """Return the CPU time of each living thread in seconds, in steps of the kernel's clock tick."""
    seconds = {}
    for thread in _entries("task"):
        with contextlib.suppress(OSError):  # the thread has ended
            # proc(5): fields 14 and 15; field 2, the name, is in parentheses and may contain blanks
            fields = Path(f"/proc/self/task/{thread}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            seconds[thread] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def resident() -> int:
    """Return this process's resident memory in bytes, after returning free memory to the system."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):  # a libc without this function
        ctypes.CDLL(None).malloc_trim(0)
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError as error:
        raise NotApplicable(f"this check needs /proc: {error}") from error
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def state() -> Mapping[str, object]:
    """Return the state that a plugin must not change: environment, working directory, affinity, handlers, umask."""
    mask = os.umask(0)
    os.umask(mask)
    python = {f"os.environ {name}": value for name, value in os.environ.items()}
    handlers = {f"handler of {number.name}": signal.getsignal(number) for number in signal.Signals}
    rest = {"working directory": str(Path.cwd()), "cores": allowed_cores(), "umask": mask}
    return {**python, **_c_environment(), **handlers, **rest}


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Return a description of each difference."""
    return [
        f"{key}: {before.get(key, 'unset')!r} became {after.get(key, 'unset')!r}"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]


@contextlib.contextmanager
def nothing_printed(folder: Path) -> Iterator[None]:
    """Require that neither Python nor native code prints to standard output inside the context."""
    file, kept = folder / "stdout", os.dup(STDOUT)
    sys.stdout.flush()
    with file.open("wb") as stream:
        os.dup2(stream.fileno(), STDOUT)
    try:
        yield
    finally:
        sys.stdout.flush()
        with contextlib.suppress(AttributeError, TypeError):  # a libc without this function
            ctypes.CDLL(None).fflush(None)
        os.dup2(kept, STDOUT)
        os.close(kept)
    printed = file.read_text("utf-8", "replace").strip()
    require(not printed, f"standard output received {printed[:200]!r}")


def in_a_thread(call: Callable[[], None]) -> Callable[[], None]:
    """Start ``call`` in a new thread; return a function that waits for it and re-raises its exception."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - re-raised in the waiting thread
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
        return [entry.name for entry in Path(f"/proc/self/{name}").iterdir()]
    except OSError as error:
        raise NotApplicable(f"this check needs /proc: {error}") from error


def _c_environment() -> dict[str, object]:
    """Return the variables that native code sees; those that a library sets are not in ``os.environ``."""
    try:
        place = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    except (TypeError, ValueError):  # only Linux has them under this name
        return {}
    variables: dict[str, object] = {}
    for index in itertools.count():
        entry = place[index]
        if entry is None:
            break
        name, _, value = entry.decode(errors="replace").partition("=")
        variables[f"variable {name}"] = value
    return variables
