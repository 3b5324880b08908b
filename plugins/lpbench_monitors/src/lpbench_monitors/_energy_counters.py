"""Counters of microjoules that wrap around, start anew, stand still, or show the same energy twice."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MICRO = 1e-6
MOST_WATTS = 10_000.0
"""Power that no counter's domain draws: more is not growth but a counter that was set."""
SUSTAINED_WATTS = 500.0
"""What the largest processor packages draw for long."""
STILL = 5
"""Samples in a row without growth after which a counter does not count: they are updated each millisecond."""
SLACK = 1_000_000
"""Microjoules that two counters of one source may differ by, because one is read after the other."""
SEVERAL = 3
"""Samples in which two counters that move are equal before they count as one."""


def safe_interval(span: int) -> float:
    """Return the longest time in s between two samples in which a counter surely wraps around once at most.

    Half the time in which ``SUSTAINED_WATTS`` count through ``span`` microjoules: 262 s for 262 kJ, 65 s for 65 kJ.
    """
    return span * MICRO / 2 / SUSTAINED_WATTS


class Counter:
    """Turns what a counter shows into growth.

    :param span: Microjoules after which it wraps around; 0 if that is not known, then it starts anew instead.
    """

    def __init__(self, span: int = 0) -> None:
        self.span = span
        self.gap = 0.0
        """The time in s between two samples that was too long to know how often it wrapped around; 0 without one."""
        self._last: int | None = None
        self._at = 0.0

    def follow(self, shown: int, now: float) -> int | None:
        """Return the microjoules since the last call; None if that is not known, as at the first one.

        :param now: Seconds of a clock.
        """
        last, elapsed = self._last, now - self._at
        self._last, self._at = shown, now
        if last is None:
            return None
        if self.span and elapsed > safe_interval(self.span):
            self.gap = max(self.gap, elapsed)
            return None
        grown = self._unwrapped(shown - last)
        absurd = grown is not None and elapsed > 0 and grown * MICRO / elapsed > MOST_WATTS
        return None if absurd else grown

    def _unwrapped(self, difference: int) -> int | None:
        """Return growth; None for a counter that jumped back further than wrapping around explains."""
        if difference >= 0:
            return difference
        return difference + self.span if difference + self.span >= 0 and -difference > self.span / 2 else None


class Meter:
    """Adds growth up, and divides it by time.

    :param start: Microjoules to count from.
    """

    def __init__(self, start: int, now: float) -> None:
        self.microjoules = start
        self.watts: float | None = None
        """Mean power since the growth before; None if there was none now."""
        self._moved = now
        self._still = 0

    @property
    def stands_still(self) -> bool:
        """Whether there has been no growth for several samples."""
        return self._still >= STILL

    def add(self, grown: int, now: float, *, known: bool = True) -> None:
        """Take growth.

        :param grown: Microjoules since the last call.
        :param known: Whether that is all growth there was.
        """
        moved = grown > 0 or not known
        self.watts = grown * MICRO / (now - self._moved) if known and grown and now > self._moved else None
        self.microjoules += grown
        self._still = 0 if moved else self._still + 1
        self._moved = now if moved else self._moved


class Sum:
    """Adds up the growth of several counters, each time once all of them are known."""

    def __init__(self) -> None:
        self.meter: Meter | None = None
        self._grown, self._known = 0, True

    def take(self, grown: int | None) -> None:
        """Take one counter's growth; None if it is not known."""
        self._grown += grown or 0
        self._known = self._known and grown is not None

    def settle(self, start: int, now: float) -> None:
        """Take note that every counter was read now.

        :param start: Microjoules to count from if this is the first time.
        """
        if self.meter is None:
            self.meter = Meter(start, now)
        else:
            self.meter.add(self._grown, now, known=self._known)
        self._grown, self._known = 0, True


class Mirrors:
    """Finds counters that show the energy of another one, as the dies of one AMD package do.

    Counters that are equal at first, or equal several times while they move, are one until they differ.
    """

    def __init__(self) -> None:
        self._equal: dict[tuple[str, str], int] = {}
        self._seen: dict[str, int] = {}
        self._pairs: set[tuple[str, str]] = set()

    def update(self, shown: Mapping[str, int], span: Mapping[str, int]) -> dict[str, str]:
        """Take what counters show, and return which of them mirror which other one, by name.

        :param span: Microjoules after which each wraps around.
        """
        for pair in itertools.combinations(shown, 2):
            self._compare(pair, shown, span)
        self._seen |= shown
        mirrored: dict[str, str] = {}
        for first, second in sorted(self._pairs):
            mirrored.setdefault(second, mirrored.get(first, first))
        return mirrored

    def _compare(self, pair: tuple[str, str], shown: Mapping[str, int], span: Mapping[str, int]) -> None:
        first, second = pair
        apart = abs(shown[first] - shown[second])
        if span[first] != span[second] or min(apart, abs(span[first] - apart)) > SLACK:
            self._pairs.discard(pair)
            self._equal[pair] = 0
        elif apart == 0 and 0 < shown[first] != self._seen.get(first):
            at_first = pair not in self._equal
            self._equal[pair] = SEVERAL if at_first else self._equal[pair] + 1
            if self._equal[pair] >= SEVERAL:
                self._pairs.add(pair)
        self._equal.setdefault(pair, 0)
