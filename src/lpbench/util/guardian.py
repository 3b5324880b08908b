"""What a process that lpbench starts does first; ``lpbench.util.launcher`` runs it.

It settles two things.  Neither the working directory nor ``PYTHONPATH`` comes before what is installed.  And where
``LPBENCH_GUARDIAN`` names the process that asked for it, it splits in two: the child goes on, and this process
becomes its guardian, which ends everything that the child has started as soon as the child ends or the asking process
does, however either of them ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GUARDIAN, PATH = "LPBENCH_GUARDIAN", "LPBENCH_PATH"
"""Variables that this file takes: the process that asks for a guardian, and what ``PYTHONPATH`` is to be."""
CANNOT_START, NOT_FOUND = 71, 127
"""Exit statuses, of sysexits.h and of shells; the last line on standard error says why."""
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
PATIENCE = 10.0
"""Seconds until a process that cannot be killed, since it is stuck in a driver, is left to the system."""
STEP, LONGEST_STEP = 0.0005, 0.02
LOOK = 0.1
"""Seconds between two looks at the process that asked, where the system has no signal for its end."""
MOST_LIKELY_VICTIM = "1000"
"""Value of oom_score_adj, from proc(5)."""


def main(words: Sequence[str]) -> None:
    """Become what the words say; returns when it has run."""
    kind, target, *arguments = words
    if kind != "--":
        _settle_path()
    guarded = os.environ.pop(GUARDIAN, "")
    if guarded:
        split(int(guarded))
    _volunteer()
    if kind == "--":
        _execute([target, *arguments])
    sys.argv = [kind if kind == "-c" else target, *arguments]
    _run_code(target) if kind == "-c" else _run_module(target)


def _settle_path() -> None:
    """Append the folders of ``PYTHONPATH`` to the search path."""
    _load_lpbench()
    from lpbench.util import search_path

    search_path.append(os.environ.pop(PATH, ""))


def _load_lpbench() -> None:
    """Import the lpbench that this file belongs to, whatever else has that name on the search path."""
    from importlib import util

    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib takes time
    place = f"{folder}/__init__.py"
    spec = util.spec_from_file_location("lpbench", place, submodule_search_locations=[folder])
    assert spec  # noqa: S101 - the loader follows from the ending
    assert spec.loader  # noqa: S101
    module = util.module_from_spec(spec)
    sys.modules["lpbench"] = module
    spec.loader.exec_module(module)


def _run_module(name: str) -> None:
    import runpy

    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _run_code(code: str) -> None:
    from types import ModuleType

    module = sys.modules["__main__"] = ModuleType("__main__")
    exec(compile(code, "<string>", "exec"), module.__dict__)  # noqa: S102 - as python -c does


def _execute(command: Sequence[str]) -> NoReturn:
    for name in ("SIGPIPE", "SIGXFZ", "SIGXFSZ"):  # Python ignores them, and a program would inherit that
        with contextlib.suppress(AttributeError):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], list(command))  # noqa: S606 - no shell is wanted
    except OSError as error:
        _fail(f"{command[0]} cannot be started: {error.strerror}", NOT_FOUND)


def _fail(what: str, status: int) -> NoReturn:
    os.write(2, f"{what}\n".encode(errors="replace"))
    os._exit(status)


def _volunteer() -> None:
    """Be what the system ends where memory runs out, with all that is started here, rather than who asked."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(MOST_LIKELY_VICTIM)


class _Ordered(BaseException):
    """The guardian was told to end, or the process that asked for it is gone."""


def split(parent: int) -> None:
    """Return in a child; this process guards it and does not return.

    :param parent: The process that asked, whose end is theirs too.
    """
    order = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)

    def obey(number: int, _: object) -> None:
        # SIGUSR1 comes whenever the thread that started this process ends, though the process lives on
        if number != signal.SIGUSR1 or os.getppid() != parent:
            raise _Ordered

    before = signal.pthread_sigmask(signal.SIG_BLOCK, order)
    for number in order:
        signal.signal(number, obey)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored, nobody can be waited for
    _control(PR_SET_CHILD_SUBREAPER, 1)  # whoever loses its parent below becomes a child of this process
    told = _control(PR_SET_PDEATHSIG, signal.SIGUSR1)
    guardian = os.getpid()
    if os.getppid() != parent:  # it ended before the kernel knew
        os._exit(1)
    try:
        child = os.fork()
    except OSError as error:
        _fail(f"no process can be started: {error.strerror}", CANNOT_START)
    if child:
        _guard(child, None if told else parent)
    for number in order:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.setsid()  # signals to its group reach what it starts too, and not its guardian
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    _control(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != guardian:
        os._exit(1)


def _guard(child: int, watched: int | None) -> NoReturn:
    """Wait for the child or an order, end all that is left below, and end as the child did.

    :param watched: The process that asked, where no signal tells of its end.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # who reads them must see when the child closes them
        os.dup2(nothing, stream)
    ending: int | None = None
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        ending = _await(child) if watched is None else _look_out(child, watched)
    except _Ordered:
        pass
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    _end_all(child)
    _end_like(ending or 0)


def _await(child: int) -> int:
    """Return the exit status of a child when it has ended, negative for a signal; it is not yet waited for.

    A child that is stopped and continued wakes nobody up here, since a pidfd tells of the end alone.
    """
    with contextlib.suppress(AttributeError, OSError):  # macOS, and Linux before 5.3
        poll = select.poll()
        poll.register(os.pidfd_open(child), select.POLLIN)
        poll.poll()
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert ended  # noqa: S101 - without WNOHANG it waits
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _look_out(child: int, watched: int) -> int:
    """Do the same, and look now and then whether the process that asked is still there; the child is waited for.

    :raises _Ordered: It is not.
    """
    while os.getppid() == watched:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(LOOK)
    raise _Ordered


def _end_all(child: int) -> None:
    """Kill the child's group, and whoever else is a child of this process, until there is none."""
    # the child has not been waited for, so that its number is still its group's
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    step, late = STEP, time.monotonic() + PATIENCE
    while time.monotonic() < late:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        for each in _children():  # theirs become children of this process as they end
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)
        time.sleep(step)
        step = min(2 * step, LONGEST_STEP)


def _children() -> list[int]:
    """Return the children of this process; none where there is no /proc."""
    own = os.getpid()
    try:
        with open(f"/proc/{own}/task/{own}/children", encoding="ascii") as file:  # noqa: PTH123 - pathlib takes time
            return list(map(int, file.read().split()))
    except OSError:  # a kernel that was built without this file
        return list(_children_of(str(own)))


def _children_of(number: str) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):  # noqa: PTH208
            with contextlib.suppress(OSError):
                if name.isdecimal() and _parent(name) == number:
                    yield int(name)


def _parent(number: str) -> str:
    with open(f"/proc/{number}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[1]


def _end_like(status: int) -> NoReturn:
    """End with an exit status, or by the signal that a negative one says."""
    if status < 0:
        _control(PR_SET_DUMPABLE, 0)  # one core dump is enough
        with contextlib.suppress(OSError):  # SIGKILL cannot be handled and need not be
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(max(status, 0))


def _control(option: int, value: int) -> bool:
    """Call prctl(2) and return whether that did something; nothing happens where there is none."""
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError, TypeError):  # no Linux, or a Python without ctypes
        return False
