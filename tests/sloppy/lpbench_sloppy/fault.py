"""The contract to break on purpose, and ways to break the contracts that all kinds share."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FAULT = os.environ.get("SLOPPY", "")
HELD: list[Any] = []
"""Leaked objects."""


def is_broken(check: str) -> bool:
    """Return whether this is the fault that SLOPPY names."""
    return check == FAULT


def leak(check: str) -> None:
    """Leak a descriptor, a thread or memory."""
    if is_broken(f"{check}:descriptors"):
        os.open(os.devnull, os.O_RDONLY)
    if is_broken(f"{check}:threads"):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    if is_broken(f"{check}:memory"):
        HELD.append(b"x" * 100_000)


def meddle(kind: str) -> None:
    """Change the process, or print to standard output."""
    check = f"{kind}/process_is_left_as_it_was"
    ways: dict[str, Callable[[], object]] = {
        f"{check}:environment": lambda: os.environ.update(OMP_NUM_THREADS="1"),
        f"{check}:native": lambda: ctypes.CDLL(None).setenv(b"KMP_AFFINITY", b"compact", 1),
        f"{check}:folder": lambda: os.chdir("/"),
        f"{check}:signal": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        f"{check}:umask": lambda: os.umask(0o1),
        f"{kind}/standard_output_is_silent:python": lambda: sys.stdout.write("hello\n"),
        f"{kind}/standard_output_is_silent:native": lambda: ctypes.CDLL(None).puts(b"vendor banner"),
    }
    ways.get(FAULT, lambda: None)()
