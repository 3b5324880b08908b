"""Runs a helper program to its end, with its output in a log file, a heartbeat and a time limit."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

HEARTBEAT = 0.2
"""Seconds between two calls of ``tick``."""


def run(  # noqa: PLR0913 - each describes the one child process
    command: Sequence[str],
    *,
    log: Path,
    timeout: float,
    tick: Callable[[float], None],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    own_group: bool = True,
) -> int:
    """Run ``command`` and return its exit status, negative for a signal.

    By default the child gets its own process group, so that an interrupted or late child
    is killed together with every process that it started; systems without process groups kill the child alone.

    :param log: File that receives its standard output and standard error.
    :param timeout: Seconds after which it is killed.
    :param tick: Called with the seconds since the start, at intervals while it runs.
    :param environment: Variables added to the environment of this process.
    :param folder: Its working directory; by default that of this process.
    :param own_group: False keeps the child in the process group of this process, which was itself started by
        ``run``, so that a signal to the group ends both.
    :raises TimeoutError: The child was killed because it ran too long.
    """
    import subprocess

    with log.open("wb") as stream:
        started = time.monotonic()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            # a module in the working directory must not shadow a library
            env={**os.environ, "PYTHONSAFEPATH": "1", **(environment or {})},
            cwd=folder,
            start_new_session=own_group,
        )
    try:
        while _runs(child):
            _beat(time.monotonic() - started, timeout, tick)
        return child.returncode
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL) if own_group and hasattr(os, "killpg") else child.kill()
            child.wait()


def _runs(child: subprocess.Popen[bytes]) -> bool:
    import subprocess

    try:
        child.wait(HEARTBEAT)
    except subprocess.TimeoutExpired:
        return True
    return False


def _beat(seconds: float, timeout: float, tick: Callable[[float], None]) -> None:
    if seconds > timeout:
        raise TimeoutError(f"ran longer than {timeout:g} s")
    tick(seconds)


def last_line(log: Path) -> str:
    """Return the last line of a log that is not blank, or an empty string."""
    lines = log.read_text("utf-8", "replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def ending(status: int) -> str:
    """Return an exit status as text."""
    return f"exit status {status}" if status >= 0 else f"crashed: {signal_name(-status)}"


def signal_name(number: int) -> str:
    """Return a signal's name: SIGSEGV; SIGRTMIN+2, since Python names only the ends of the real-time signals."""
    try:
        return signal.Signals(number).name
    except ValueError:
        first = getattr(signal, "SIGRTMIN", number + 1)
        return f"SIGRTMIN+{number - first}" if first < number else f"signal {number}"
