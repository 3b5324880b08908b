"""Counters whose total never goes back."""

from __future__ import annotations


class Total:
    """The total of a counter; one that goes back, as after a reset, goes on from where the total was."""

    def __init__(self) -> None:
        self.value = 0.0
        self._last: float | None = None

    def follow(self, count: float) -> float:
        """Return the total at a count: the first count, and the growth since."""
        if self._last is None:
            self.value = float(count)
        elif count > self._last:
            self.value += count - self._last
        self._last = count
        return self.value
