"""Something that is done again and again while the command waits."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Heartbeat:
    """Calls a function from a thread of its own, between ``start`` and ``stop``.

    :param seconds: Between two calls, and before the first.
    """

    def __init__(self, call: Callable[[], None], seconds: float) -> None:
        self._call, self._seconds = call, seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def start(self) -> None:
        """Begin; may be called once.  Where the system starts no more threads, the command goes on without."""
        with contextlib.suppress(RuntimeError):
            self._thread.start()

    def stop(self) -> None:
        """Return when the last call has ended."""
        self._over.set()
        if self._thread.ident:  # it was started
            self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._seconds):
            self._call()
