"""Progress on standard error: one line rewritten in place on a terminal, one line for each run elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Protocol

from lpbench.cli import _console
from lpbench.cli._heartbeat import Heartbeat
from lpbench.cli._streams import raw
from lpbench.render import percent, seconds, time_left
from lpbench.results.stats import READABLE
from lpbench.util.text import clean, shorten

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

    from typing_extensions import Self

    from lpbench.jobs.measuring.progress import Progress

PATIENCE = 2.0
"""Seconds from the start before the first line is printed."""
EVERY = 0.1
"""Seconds between two updates of the line: drawing disturbs the measurement."""
PULSE = 1.0
"""Seconds between two updates while nothing is measured."""
AGAIN = 10.0
"""Seconds after which another line about the same run is printed."""
SILENT = frozenset({"starting", "loading"})
"""Phases that may take minutes without reporting progress."""
BAR = 24


class Screen(Protocol):
    """A way of showing progress."""

    def show(self, progress: Progress, words: str) -> None:
        """Show the state of the benchmark."""

    def say(self, line: str) -> None:
        """Print a line that stays."""

    def close(self) -> None:
        """Remove the progress from the screen."""


class Live:
    """Shows the progress that ``lpbench.benchmark`` reports; a context manager.

    A thread updates the line during phases that report nothing, such as loading; it is silent while samples are timed.
    """

    def __init__(self, stream: TextIO) -> None:
        self._begun = time.monotonic()
        self._screen = _screen(stream, self._begun)
        self._last: Progress | None = None
        self._lock = threading.Lock()
        self._heartbeat = Heartbeat(self._beat, PULSE)

    def __call__(self, progress: Progress) -> None:
        """Show the progress."""
        with self._lock:
            if progress.note:
                self._screen.say(clean(f"note: {progress.note}"))
                return
            self._last = progress
            self._screen.show(progress, words(progress, time.monotonic() - self._begun))

    def __enter__(self) -> Self:
        self._heartbeat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeat.stop()
        self._screen.close()

    def _beat(self) -> None:
        last = self._last
        if last is not None and last.phase in SILENT:
            self(last)


def words(progress: Progress, spent: float) -> str:
    """Return the run, the phase, the time spent, the interval reached so far and the time left."""
    runs = f"run {progress.run + 1}/{progress.runs}" if progress.runs else ""
    phase = ": ".join(filter(None, (progress.phase, progress.activity)))
    parts = [runs, phase, seconds(spent) if spent >= 1 else ""]
    if progress.interval is not None and progress.interval <= READABLE:
        parts.append(f"±{percent(progress.interval)}")
    if progress.left_s is not None:
        parts.append(time_left(progress.left_s))
    return " · ".join(filter(None, parts))


class Lines:
    """One line for each run, from ``PATIENCE`` seconds on."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self._last: tuple[str, int] | None = None
        self._printed = begun

    def show(self, progress: Progress, words: str) -> None:
        """Print a line when another run has begun, or when one takes longer than ``AGAIN``."""
        now = time.monotonic()
        same = (progress.configuration, progress.run) == self._last and now - self._printed < AGAIN
        if same or now - self._begun < PATIENCE:
            return
        self._last, self._printed = (progress.configuration, progress.run), now
        _console.say(f"{clean(progress.configuration)} {words}")

    def say(self, line: str) -> None:
        """Print it."""
        _console.say(line)

    def close(self) -> None:
        """Do nothing: no line is open."""


class Line:
    """One line of a terminal, rewritten in place."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = 0.0

    def show(self, progress: Progress, words: str) -> None:
        """Rewrite the line, at most every ``EVERY`` seconds."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        full = round(BAR * progress.done)
        text = f"{clean(progress.configuration)} {'━' * full}{' ' * (BAR - full)} {clean(words)}"
        self._write(f"\r{shorten(text, _console.width(self._stream) - 1)}\x1b[K")

    def say(self, line: str) -> None:
        """Print it in place of the progress, which comes again below."""
        self._write("".join(["\r\x1b[K", *(f"{each}\n" for each in _wrapped(line, self._stream))]))

    def close(self) -> None:
        """Clear the line."""
        self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Rich:
    """The same line, drawn with rich."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._stream = stream
        self._columns = Progress(
            TextColumn("{task.fields[engine]}", markup=False),
            BarColumn(BAR),
            TextColumn("{task.description}", markup=False),
            console=Console(file=stream),
            auto_refresh=False,  # its thread would run during the measurement
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._columns.add_task("", total=1.0, engine="")
        self._next = 0.0

    def show(self, progress: Progress, words: str) -> None:
        """Redraw the line, at most every ``EVERY`` seconds."""
        now = time.monotonic()
        if now < self._next:
            return
        if not self._next:
            self._columns.start()
        self._next = now + EVERY
        self._columns.update(
            self._task, completed=progress.done, description=clean(words), engine=clean(progress.configuration)
        )
        self._columns.refresh()

    def say(self, line: str) -> None:
        """Print it above the progress."""
        for each in _wrapped(line, self._stream):
            self._columns.console.print(each, markup=False, highlight=False)

    def close(self) -> None:
        """Clear the line."""
        if self._next:
            self._columns.stop()


def _wrapped(line: str, stream: TextIO) -> list[str]:
    import textwrap

    return textwrap.wrap(line, _console.width(stream) - 1, subsequent_indent="  ")


def _screen(stream: TextIO, begun: float) -> Screen:
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return Lines(begun)
    try:
        return Rich(stream)
    except ImportError:  # optional
        return Line(stream)


def live() -> Live:
    """Return progress on standard error."""
    return Live(raw(sys.stderr))
