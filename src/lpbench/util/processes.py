"""Processes that lpbench starts: each is ended with everything that it has started, however it or lpbench ends.

Every one of them has a guardian, as ``lpbench.util.guardian`` describes.  ``run`` runs a helper program to its end,
with its output in a log file, a heartbeat and a time limit.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.util import guardian, search_path
from lpbench.util.process_state import has_ended

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

LAUNCHER = os.path.join(os.path.dirname(guardian.__file__), "launcher.py")  # noqa: PTH118, PTH120 - pathlib takes time
"""The file that Python runs by its path."""
PACKAGED = os.sep + os.path.join("lpbench", "util", "launcher.py")  # noqa: PTH118 - likewise
"""Its path's end, in whichever environment."""
HEARTBEAT = 0.2
"""Seconds between two calls of ``tick``."""
END_TIMEOUT = guardian.PATIENCE + 2.0
"""Seconds that a guardian may take to end what it guards."""
FAMILY = "LPBENCH_FAMILY"
"""Variable that says to which child of lpbench a process belongs: by it they are found if the guardian is killed."""
CRASH = "Fatal Python error:"
"""How the output of Python's faulthandler begins."""
NOT_INHERITED = ("PYTHONINSPECT", "PYTHONSTARTUP")
"""Variables that have a Python wait for a user at its end, or run a user's file."""
REMEDIES = {
    errno.EAGAIN: "the limit of processes and threads is reached: ulimit -u shows it; end other programs or raise it",
    errno.ENOMEM: "memory is used up: free -m shows by how much; end other programs",
    errno.EMFILE: "too many files are open: ulimit -n shows the limit; raise it",
    errno.ENFILE: "the system has too many open files: end other programs",
    errno.ENOENT: "it is not installed, or not on the PATH by an absolute folder",
    errno.EACCES: "it is not executable for this user",
}


def python(*words: str) -> list[str]:
    """Return the command line that runs ``-m MODULE`` or ``-c CODE`` with arguments in this Python.

    What is installed comes before ``PYTHONPATH`` there, and the working directory is not on the search path.
    """
    return [sys.executable, LAUNCHER, *words]


def is_python(command: Sequence[str]) -> bool:
    """Return whether a command line is one of ``python``, or of a Python elsewhere with an lpbench of its own."""
    return len(command) > 1 and command[1].endswith(PACKAGED)


def program(name: str) -> str:
    """Return the path of an installed program; empty if no absolute folder of ``PATH`` has it."""
    import shutil

    return shutil.which(name, path=search_path.absolute(os.environ.get("PATH", os.defpath))) or ""


def cannot_start(what: str, error: OSError | RuntimeError) -> LpbenchError:
    """Return the error of a process or thread that the system did not start."""
    number = error.errno if isinstance(error, OSError) else errno.EAGAIN  # threads fail without a number
    why = error.strerror if isinstance(error, OSError) else str(error)
    return LpbenchError(f"{what} cannot be started: {why}", hint=REMEDIES.get(number or 0, ""))


class Child:
    """A process that was started, with all that it starts in turn.

    :param command: A program with its arguments, or what ``python`` returns.
    :param what: What it is, for errors: ``a worker``.
    :param variables: All of its environment; by default that of this process.
    :param folder: Its working directory; by default that of this process.
    :param streams: Its standard input, output and error, as ``subprocess.Popen`` takes them.
    :raises LpbenchError: The system did not start it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        what: str,
        streams: tuple[int | IO[bytes], int | IO[bytes], int | IO[bytes]],
        variables: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        import subprocess

        self._family = os.urandom(8).hex()
        try:
            self.process = subprocess.Popen(
                _guarded(command),
                stdin=streams[0],
                stdout=streams[1],
                stderr=streams[2],
                bufsize=0,
                env=_environment(command, os.environ if variables is None else variables, self._family),
                cwd=folder,
                start_new_session=True,  # Ctrl-C does not reach it: the parent alone decides what is kept
            )
        except OSError as error:
            raise cannot_start(what, error) from error

    @property
    def pid(self) -> int:
        """Process id of the guardian, or of the process itself where systems have none."""
        return self.process.pid

    def ended(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        return self.process.poll()

    def wait(self, seconds: float) -> int | None:
        """Return the exit status, negative for a signal; None if it still runs after some time."""
        import subprocess

        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end_stream(self) -> IO[bytes] | None:
        """Return a stream that polls as readable once it has ended; None where the system has none."""
        try:
            return os.fdopen(os.pidfd_open(self.pid), "rb", buffering=0)
        except (AttributeError, OSError):  # macOS, and Linux before 5.3
            return None

    def end(self) -> None:
        """End it and everything that it has started, at once; returns when they are gone."""
        if self.ended() is None and can_guard():
            self.process.terminate()  # the guardian knows whom to kill
            self.wait(END_TIMEOUT)
        if self.ended() is None:
            self.process.kill()
        if self.process.wait() < 0:  # it may have been the guardian that a signal ended
            _end_family(self._family)


def can_guard() -> bool:
    """Return whether processes can have guardians here; where not, what they started is left."""
    return hasattr(os, "fork") and hasattr(os, "killpg") and hasattr(signal, "pthread_sigmask")


def _guarded(command: Sequence[str]) -> Sequence[str]:
    """Return a command line with the guardian before it.

    :raises FileNotFoundError: There is no such program.
    """
    if is_python(command) or not can_guard():
        return command
    found = command[0] if os.path.isabs(command[0]) else program(command[0])  # noqa: PTH117 - pathlib takes time
    if not os.path.exists(found):  # noqa: PTH110
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return [sys.executable, "-I", "-S", LAUNCHER, "--", found, *command[1:]]


def _environment(command: Sequence[str], given: Mapping[str, str], family: str) -> dict[str, str]:
    kept = {name: value for name, value in given.items() if name not in NOT_INHERITED}
    if "PATH" in kept:  # a version manager's shim would look for Python in the working directory
        kept["PATH"] = search_path.absolute(kept["PATH"])
    if path := search_path.absolute(kept.pop("PYTHONPATH", "")):
        # Python itself must not see the variable, since it would put the folders first
        kept[guardian.PATH if is_python(command) else "PYTHONPATH"] = path
    asked = {guardian.GUARDIAN: str(os.getpid())} if can_guard() else {}
    return {**kept, **asked, FAMILY: family}


def _end_family(family: str) -> None:
    """Kill the processes that have a family's variable; returns when all are gone."""
    mark, late = f"{FAMILY}={family}".encode(), time.monotonic() + END_TIMEOUT
    members = set(_having(mark))
    while members and time.monotonic() < late:
        for number in members:
            _kill(number)
        time.sleep(guardian.STEP)
        # one that is about to be gone has no variables any more
        members = {*(each for each in members if not has_ended(each)), *_having(mark)}


def _kill(number: int) -> None:
    import contextlib

    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(number, signal.SIGKILL)


def _having(mark: bytes) -> list[int]:
    """Return the processes that were started with a variable, as far as /proc shows them."""
    from pathlib import Path

    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if mark in _variables(path)]


def _variables(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\0")
    except OSError:  # it has ended, or is another user's
        return []


def run(  # noqa: PLR0913 - each describes the one child process
    command: Sequence[str],
    *,
    log: Path,
    timeout: float,
    tick: Callable[[float], None],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> int:
    """Run ``command`` and return its exit status, negative for a signal; what it has started has ended too.

    :param command: A program with its arguments, or what ``python`` returns.
    :param log: File that receives its standard output and standard error.
    :param timeout: Seconds after which it is killed.
    :param tick: Called with the seconds since the start, at intervals while it runs.
    :param environment: Variables added to the environment of this process.
    :param folder: Its working directory; by default that of this process.
    :raises TimeoutError: The child was killed because it ran too long.
    :raises LpbenchError: The system did not start it.
    """
    import subprocess

    with log.open("wb") as stream:
        started = time.monotonic()
        child = Child(
            command,
            what=os.path.basename(command[0]),  # noqa: PTH119 - pathlib takes time
            streams=(subprocess.DEVNULL, stream, stream),
            variables={**os.environ, **(environment or {})},
            folder=folder,
        )
    try:
        while (status := child.wait(HEARTBEAT)) is None:
            _beat(time.monotonic() - started, timeout, tick)
        return status
    finally:
        child.end()


@dataclass(frozen=True)
class Captured:
    """What a helper printed, and its exit status, negative for a signal."""

    status: int
    output: str
    errors: str


def capture(command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None) -> Captured:
    """Run ``command`` and return what it printed; the parameters and errors are those of ``run``."""
    import subprocess

    child = Child(
        command,
        what=os.path.basename(command[0]),  # noqa: PTH119 - pathlib takes time
        streams=(subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE),
        variables={**os.environ, **(environment or {})},
    )
    try:
        output, errors = child.process.communicate(timeout=timeout)
        return Captured(child.process.returncode, output.decode(errors="replace"), errors.decode(errors="replace"))
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"ran longer than {timeout:g} s") from error
    finally:
        child.end()


def _beat(seconds: float, timeout: float, tick: Callable[[float], None]) -> None:
    if seconds > timeout:
        raise TimeoutError(f"ran longer than {timeout:g} s")
    tick(seconds)


def last_line(log: Path) -> str:
    """Return the last line of a log that is not blank, or an empty string; see ``last_words``."""
    return last_words(log.read_text("utf-8", "replace"))


def last_words(text: str) -> str:
    """Return the last line that a program printed by itself and that is not blank, or an empty string.

    The stack that Python's faulthandler prints after a crash tells a user nothing; what stands above it may.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    crash = next((at for at, line in enumerate(lines) if line.startswith(CRASH)), len(lines))
    return next(iter(lines[max(crash - 1, 0) :]), "")


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
