"""Makes Linux look like another system, for this process and those that it starts: Python imports this when it starts.

ELSEWHERE names the system, ``macos`` or ``windows``.  What that system lacks is gone before anything else is imported.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess  # noqa: F401 - it looks up what is about to go
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEDULER = ("sched_getaffinity", "sched_setaffinity", "waitid")
POSIX = ("killpg", "setsid", "getpriority", "setpriority", "PRIO_PROCESS", "sysconf", "confstr", "getloadavg", "sync")
FLAGS = ("O_NOFOLLOW", "O_DIRECTORY", "getuid", "geteuid", "fork", "nice")
LACKING: dict[str, dict[Any, tuple[str, ...]]] = {
    "macos": {os: SCHEDULER},
    # numpy calls os.uname where sys.platform says Linux, so it stays
    "windows": {
        os: (*SCHEDULER, *POSIX, *FLAGS),
        signal: ("SIGSTOP", "SIGCONT", "SIGKILL"),
        select: ("poll", "PIPE_BUF"),
    },
}
MODULES = {"macos": (), "windows": ("fcntl", "resource", "termios", "pwd", "grp")}
HIDDEN = ("/proc", "/sys")
SYSTEM = os.environ["ELSEWHERE"]


class Library(ctypes.CDLL):
    """A library of a system without prctl; on Windows, none is opened without a name."""

    def __init__(self, name: str | None, *given: Any, **options: Any) -> None:
        if name is None and SYSTEM == "windows":
            raise TypeError("a library needs a name")
        super().__init__(name, *given, **options)

    def __getattr__(self, name: str) -> Any:
        if name == "prctl":
            raise AttributeError(name)
        return super().__getattr__(name)


def refuse(path: Any) -> None:
    """Raise the error of a missing file for one of Linux's own folders."""
    if isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith(HIDDEN):
        raise FileNotFoundError(2, "No such file or directory", os.fsdecode(path))


def audited(event: str, given: tuple[Any, ...]) -> None:
    """Refuse to open and to list."""
    if event in {"open", "os.listdir", "os.scandir"}:
        refuse(given[0])


class Guarded:
    """A call that refuses Linux's folders; no function, which pathlib of Python 3.10 would bind as a method."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, path: Any, *given: Any, **options: Any) -> Any:
        refuse(path)
        return self._call(path, *given, **options)


for module, names in LACKING[SYSTEM].items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
for name in MODULES[SYSTEM]:
    sys.modules[name] = None  # type: ignore[assignment] # this makes an import fail
for module, name, replacement in (
    (ctypes, "CDLL", Library),
    *((os, name, Guarded(getattr(os, name))) for name in ("stat", "lstat", "readlink")),
):
    setattr(module, name, replacement)
sys.addaudithook(audited)
