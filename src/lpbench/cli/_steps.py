"""Progress of a job that has steps, on standard error: one line rewritten in place on a terminal, few elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from lpbench.cli import _console
from lpbench.cli._heartbeat import Heartbeat
from lpbench.cli._streams import raw
from lpbench.render import seconds as duration
from lpbench.util.text import clean, shorten

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

PATIENCE = 2.0
"""Seconds from the start before the first line is printed."""
PULSE = 1.0
"""Seconds between two updates while nothing is reported."""
QUIET = 5.0
"""Seconds between two lines about one step if standard error is not a terminal."""


class Steps:
    """Shows the step that is in progress."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._step: object = None
        self._printed = 0.0
        self._open = False

    def show(self, step: object, line: str, seconds: float) -> None:
        """Show a step that begins or continues.

        :param step: Identifies the step.
        :param seconds: Time since it began.
        """
        begins = step != self._step
        if begins:
            self.close()
            self._step, self._printed = step, 0.0
        if self._terminal:
            self._draw(f"\r{shorten(clean(line), _console.width(sys.stderr) - 1)}\x1b[K")
            self._open = True
        elif begins or seconds - self._printed >= QUIET:
            self._printed = seconds
            _console.say(line)

    def close(self) -> None:
        """Clear the line that is being rewritten."""
        if self._open:
            self._draw("\r\x1b[K")
            self._open = False

    def _draw(self, text: str) -> None:
        stream = raw(sys.stderr)
        stream.write(text)
        stream.flush()


class Beating(Steps):
    """Shows what was reported last and how long that takes, also while nothing is reported; a context manager.

    :param line: What is shown until something is reported.
    :param patience: Seconds in which nothing is shown; by default ``PATIENCE``.
    """

    def __init__(self, line: str, *, patience: float | None = None) -> None:
        super().__init__()
        self._patience = PATIENCE if patience is None else patience
        self._begun = self._since = time.monotonic()
        self._told: tuple[object, str] = (None, line)
        self._lock = threading.Lock()
        self._heartbeat = Heartbeat(self._beat, PULSE)

    def tell(self, step: object, line: str) -> None:
        """Show a step that begins or continues."""
        with self._lock:
            if step != self._told[0]:
                self._since = time.monotonic()
            self._told = step, line
            self._show()

    def __enter__(self) -> Self:
        self._heartbeat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeat.stop()
        self.close()

    def _beat(self) -> None:
        with self._lock:
            self._show()

    def _show(self) -> None:
        now = time.monotonic()
        spent = now - self._since
        if now - self._begun >= self._patience:
            step, line = self._told
            self.show((step,), f"{line} · {duration(spent)}" if spent >= 1 else line, spent)
