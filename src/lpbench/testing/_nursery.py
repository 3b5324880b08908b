"""Runs each check in a process of its own, forked from one that has lpbench imported: starting Python takes longer.

The forked process has a guardian, as every process that lpbench starts, so that what a check starts ends with it.
The first process imports lpbench and nothing of a plugin: a check loads the plugin, as in a process just started.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, NoReturn

from lpbench.util import guardian, processes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Tick = Callable[[float], None]

MODULE = "lpbench.testing"
CHANGING = "PYTEST_CURRENT_TEST"
"""Variable that is another in each test and that no plugin reads."""


def carry_out(order: Path, log: Path, *, tick: Tick, environment: Mapping[str, str]) -> int:
    """Run the check of an order and return the exit status of its process, negative for a signal.

    :param log: File that receives its standard output and standard error.
    :param tick: Called with the seconds since the start, at intervals while it runs; what it raises ends the check.
    :param environment: Variables added to the environment of this process.
    :raises LpbenchError: The system did not start the process.
    """
    if not processes.can_guard():
        command = processes.python("-m", MODULE, str(order))
        return processes.run(command, log=log, timeout=float("inf"), tick=tick, environment=environment)
    with _lock:
        try:
            return _nursery({**os.environ, **environment}, log).run(order, log, tick)
        except BaseException:
            close()
            raise


def close() -> None:
    """End the process from which checks are forked, if there is one."""
    global _current  # noqa: PLW0603 - one for all checks of this process
    with _lock:
        if _current is not None:
            _current.end()
            _current = None


class _Nursery:
    """The process from which checks are forked, as the one that asks sees it.

    :param variables: Its environment.
    :param log: File for what it says if it cannot start.
    """

    def __init__(self, variables: Mapping[str, str], log: Path) -> None:
        self.described = _described(variables)
        with log.open("wb") as errors:
            self._child = processes.Child(
                processes.python("-m", MODULE),
                what="a process for checks",
                streams=(subprocess.PIPE, subprocess.PIPE, errors),
                variables=variables,
            )
        stdin, stdout = self._child.process.stdin, self._child.process.stdout
        assert stdin  # noqa: S101 - pipes were asked for
        assert stdout  # noqa: S101 - likewise
        self._orders: IO[bytes] = stdin
        self._answers: IO[bytes] = stdout

    def run(self, order: Path, log: Path, tick: Tick) -> int:
        """Return the exit status of an order's process; that of this process if it ended."""
        started = time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # it has ended: the answer says so
            self._orders.write(json.dumps([str(order), str(log)]).encode() + b"\n")
        while not select.select([self._answers], [], [], processes.HEARTBEAT)[0]:
            tick(time.monotonic() - started)
        answer = self._answers.readline()
        if answer:
            return int(answer)
        close()
        return self._child.process.wait()

    def end(self) -> None:
        """End it, with all that it has started."""
        for stream in (self._orders, self._answers):
            with contextlib.suppress(OSError):
                stream.close()
        self._child.end()


_lock = threading.RLock()
_current: _Nursery | None = None
atexit.register(close)


def _nursery(variables: Mapping[str, str], log: Path) -> _Nursery:
    """Return the process from which checks are forked; another one if it began with another environment or folder."""
    global _current  # noqa: PLW0603 - one for all checks of this process
    if _current is None or _current.described != _described(variables):
        close()
        _current = _Nursery(variables, log)
    return _current


def _described(variables: Mapping[str, str]) -> tuple[int, str, Mapping[str, str]]:
    """Return what a forked process takes over from the one that asked."""
    kept = {name: value for name, value in variables.items() if name != CHANGING}
    with contextlib.suppress(FileNotFoundError):  # the folder was removed
        return os.getpid(), os.getcwd(), kept  # noqa: PTH109 - a text is compared
    return os.getpid(), "", kept


def serve(perform: Callable[[str], int]) -> None:
    """Fork a process for each order on standard input; returns at the end of the input.

    :param perform: Carries out an order in the forked process.
    """
    importlib.import_module("importlib.metadata")  # every check looks for plugins, and this takes longest of it
    orders, answers = os.fdopen(os.dup(0), "rb", buffering=0), os.dup(1)
    _point(os.devnull, os.O_RDWR, 0, 1)
    while line := orders.readline():
        order, log = json.loads(line)
        number = os.fork()
        if number == 0:
            orders.close()
            os.close(answers)
            _become(order, log, perform)
        status = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        os.write(answers, f"{status}\n".encode())


def _become(order: str, log: str, perform: Callable[[str], int]) -> NoReturn:
    """Carry out an order, guarded, in a process that was just forked."""
    status = 1
    try:
        _point(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 1, 2)
        guardian.split(os.getppid())
        importlib.invalidate_caches()  # plugins may have been written since Python looked
        status = perform(order)
    except BaseException:  # noqa: BLE001 - it must never return to serving
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


def _point(path: str, flags: int, *streams: int) -> None:
    """Have some of the standard streams read and write a file."""
    opened = os.open(path, flags, 0o666)
    for stream in streams:
        os.dup2(opened, stream)
    os.close(opened)
