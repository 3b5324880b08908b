"""Counters of the kernel through perf_event_open(2), without a library: one system call, a structure and read(2)."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lpbench.plugin.monitor import Unavailable

NUMBERS = {
    ("x86_64", 64): 298,
    ("x86_64", 32): 336,
    ("aarch64", 64): 241,
    ("aarch64", 32): 364,
    ("armv7l", 32): 364,
    ("armv8l", 32): 364,
    ("riscv64", 64): 241,
}
"""Numbers of the system call by the kernel's architecture and the bits of this program (the kernel's tables)."""
ATTRIBUTES = struct.Struct("=IIQQQQQIIQQ")
"""struct perf_event_attr as of its second version: type, size, config, sample_period, sample_type, read_format, flags,
wakeup_events, bp_type, config1, config2."""
COUNT = struct.Struct("=QQQ")
ENABLED, RUNNING = 1, 2
"""Of ``read_format``: that the times for which it was enabled, and for which it really counted, follow the count."""
CLOSE_ON_EXEC = 8
EVERY_PROCESS = -1
EVERY_CPU = -1
NO_GROUP = -1
PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EBUSY)
"""Errors that say nothing of what the kernel can count."""
NO_PERMISSION = Unavailable(
    "this user may not count events of the whole machine",
    "no-permission",
    "sudo sysctl kernel.perf_event_paranoid=0, or sudo setcap cap_perfmon+ep PYTHON, with the path of the interpreter",
)


@dataclass(frozen=True)
class Event:
    """What is counted.

    :param type: Number of the unit that counts, from its file ``type``.
    :param cpu: The core on which it is opened; for a unit outside the cores one of its ``cpumask``.
    """

    type: int
    cpu: int
    config: int = 0
    config1: int = 0
    config2: int = 0


@dataclass(frozen=True)
class Count:
    """What a counter has counted; fewer nanoseconds running than enabled means that it shared its register."""

    value: int
    enabled_ns: int
    running_ns: int


class Counter(Protocol):
    """An open counter."""

    def read(self) -> Count | None:
        """Return what it has counted; None if it counts no more."""

    def close(self) -> None:
        """Close it."""


Opener = Callable[[Event], "Counter | Unavailable"]


class PerfCounter:
    """A counter of this machine's kernel.

    :param descriptor: Its file descriptor, which it owns.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self) -> Count | None:
        """Return what it has counted."""
        try:
            content = os.read(self._descriptor, COUNT.size)
        except OSError:
            return None
        return Count(*COUNT.unpack(content)) if len(content) == COUNT.size else None

    def close(self) -> None:
        """Close it; twice is allowed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def open_event(event: Event, pid: int = EVERY_PROCESS) -> PerfCounter | Unavailable:
    """Open a counter on this machine, or return why not.

    :param pid: The process whose events count; 0 is this one.
    """
    call, number = _system_call(), system_call_number(platform.machine(), 64 if sys.maxsize >> 32 else 32)
    if call is None or number is None:
        return Unavailable(f"counters cannot be opened on {sys.platform} {platform.machine()}", "not-supported")
    read_format, size = ENABLED | RUNNING, ATTRIBUTES.size
    attributes = ATTRIBUTES.pack(
        event.type, size, event.config, 0, 0, read_format, 0, 0, 0, event.config1, event.config2
    )
    memory = ctypes.create_string_buffer(attributes, size)
    where = (ctypes.c_int(pid), ctypes.c_int(event.cpu), ctypes.c_int(NO_GROUP), ctypes.c_ulong(CLOSE_ON_EXEC))
    descriptor = call(ctypes.c_long(number), memory, *where)
    return PerfCounter(descriptor) if descriptor >= 0 else refusal(ctypes.get_errno())


def system_call_number(machine: str, bits: int) -> int | None:
    """Return the number of perf_event_open, or None if it is not known."""
    return NUMBERS.get((machine, bits))


def refusal(error: int) -> Unavailable:
    """Return why the kernel refused to open a counter."""
    if error in {errno.EPERM, errno.EACCES}:
        return NO_PERMISSION
    reason = f"the kernel opens no such counter: {os.strerror(error)}"
    return Unavailable(reason, "failed") if error in PASSING else Unavailable(reason, "not-supported")


def _system_call() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    return call
