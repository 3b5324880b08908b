"""Progress of a job that has steps, on standard error: one line rewritten in place on a terminal, few elsewhere."""

from __future__ import annotations

import os
import sys

from lpbench.cli import _console
from lpbench.util.text import shorten

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
            sys.stderr.write(f"\r{shorten(line, _console.width(sys.stderr) - 1)}\x1b[K")
            sys.stderr.flush()
            self._open = True
        elif begins or seconds - self._printed >= QUIET:
            self._printed = seconds
            _console.say(line)

    def close(self) -> None:
        """Clear the line that is being rewritten."""
        if self._open:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._open = False
