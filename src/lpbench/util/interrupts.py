"""Signals that end a command: the first is raised as Ctrl-C is, others wait until what was measured is saved.

Only the command line installs the handlers.  As a library lpbench leaves signals alone, and what is here does nothing.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any, Protocol

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
EXIT = 128
"""Added to a signal's number for the exit status, as shells do."""


class _State:
    """What has become of signals.

    :ivar first: The signal that came first, 0 before.
    :ivar held: Whether they wait.
    """

    first = 0
    held = False


class PutBack(Protocol):
    """Leaves signals as they were before ``install``."""

    def __call__(self, *, ends: bool) -> None:
        """Put things back.

        :param ends: Whether the process ends now: what comes then is ignored.
        """


def install() -> PutBack:
    """Have signals end what runs, unless they are ignored as under ``nohup``; return what puts things back."""
    _State.first, _State.held = 0, False
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    ours = {number: handler for number, handler in before.items() if handler not in {signal.SIG_IGN, None}}
    if threading.current_thread() is not threading.main_thread():  # handlers are the main thread's
        ours = {}
    for number in ours:
        signal.signal(number, _end)

    def put_back(*, ends: bool) -> None:
        _State.held = True  # nothing is raised half-way
        for number, handler in ours.items():
            # Python gives signals back to the system when it ends, which would change a status that is settled.
            signal.signal(number, signal.SIG_IGN if ends else handler)
        _State.first, _State.held = 0, False

    return put_back


def hold() -> None:
    """Have signals wait: what was measured is put together and saved first."""
    _State.held = True


def release() -> None:
    """Have signals end what runs again."""
    _State.held = False


def requested() -> bool:
    """Say whether a signal has come that ends what runs, even if what it raised was lost."""
    return bool(_State.first)


def status() -> int:
    """Return the exit status of a command that was ended: that of the first signal, or of Ctrl-C."""
    return EXIT + (_State.first or signal.SIGINT)


def hide_lost(unraisable: sys.UnraisableHookArgs) -> None:
    """Say nothing of a signal that came where nothing can be raised; it is asked for later.

    Takes the place of ``sys.unraisablehook``.
    """
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


def _end(number: int, _frame: Any) -> None:
    _State.first = _State.first or number
    if not _State.held:
        _State.held = True  # cleaning up is not disturbed by the same signal once more
        raise KeyboardInterrupt
