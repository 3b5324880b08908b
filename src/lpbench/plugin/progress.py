"""Progress of what takes an engine or a converter long: building an engine for a device, compiling, unpacking.

``report`` may be called in any thread and from a library's callbacks.  Whoever runs the engine listens: a worker passes
it on to its parent, which shows it and does not count the worker as hung meanwhile.  Call it when something has been
done, never from a timer: a library that hangs would not be noticed.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.util.text import clean, shorten, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Activity", "Listener", "listening", "report"]

LONGEST = 120
"""Columns of what is shown of an activity's words."""
EVERY = 0.2
"""Seconds between two reports of the same words that are passed on."""
BURST, RATE = 8.0, 5.0
"""Reports that may be passed on at once, whatever their words, and those that may be in each second after."""
WHOLE = 100


@dataclass(frozen=True)
class Activity:
    """What takes long.

    :param what: In a few words, as ``building the engine``.
    :param done: Share that is done, from 0 to 1; None where nobody knows.
    """

    what: str
    done: float | None = None

    def __post_init__(self) -> None:
        if self.done is not None and not 0 <= self.done <= 1:
            raise ValueError(f"done: found {self.done}; expected a share from 0 to 1")

    def __str__(self) -> str:
        words = shorten(clean(self.what), LONGEST)
        return words if self.done is None else f"{words}, {int(WHOLE * self.done)} %"


Listener = Callable[[Activity], None]


class _Line:
    """Passes reports on to the listener, if there is one, a few times a second."""

    def __init__(self) -> None:
        # Reports come from threads of libraries: the lock keeps the messages whole and ends them with the listening.
        self._lock = threading.RLock()
        self._listener: Listener | None = None
        self._said, self._at, self._left = "", -math.inf, BURST
        self._error: Exception | None = None

    def tell(self, what: object, done: object) -> None:
        if self._listener is None:
            return
        activity = Activity(shorten(words_of(what, 2 * LONGEST), LONGEST), _share(done))
        with self._lock:
            if self._listener is not None and self._due(activity.what):
                try:
                    self._listener(activity)
                except Exception as error:  # noqa: BLE001 - kept: raised here, it would unwind through native frames
                    self._error, self._listener = error, None

    def _due(self, what: str) -> bool:
        """Say whether a report is passed on: a new word is, unless they are many, or it would be missed for minutes."""
        now = time.monotonic()
        left = min(BURST, self._left + RATE * (now - self._at))
        if left < 1 or (what == self._said and now - self._at < EVERY):
            return False
        self._said, self._at, self._left = what, now, left - 1
        return True

    def give_to(self, listener: Listener | None) -> tuple[Listener | None, Exception | None]:
        """Exchange the listener; return the one before, and what it raised."""
        with self._lock:
            before = self._listener, self._error
            self._listener, self._error, self._at = listener, None, -math.inf
            return before


_LINE = _Line()


def report(what: str, done: float | None = None) -> None:
    """Say what takes long, and how much of it is done; does nothing where nobody listens, and never raises.

    Only some reports a second are passed on, so calling it often costs little.

    :param what: In a few words, as ``building the engine``.
    :param done: Share that is done, from 0 to 1; None where nobody knows.
    """
    _LINE.tell(what, done)


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Pass reports on to a listener while the block runs; none comes once it has ended.

    What the listener raises ends the listening and is raised when the block ends.
    """
    before, _ = _LINE.give_to(listener)
    try:
        yield
    finally:
        _, error = _LINE.give_to(before)
    if error is not None:
        raise error


def _share(done: object) -> float | None:
    """Return a share within its bounds; None where it is no number."""
    if isinstance(done, bool) or not isinstance(done, (int, float)):
        return None
    try:
        return None if done != done else float(min(1, max(0, done)))  # noqa: PLR0124 - NaN
    except Exception:  # noqa: BLE001 - a third party's kind of number
        return None
