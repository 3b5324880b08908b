"""Readings of one metric over time, at constant memory: sums, extremes, and a series that is thinned as it grows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from lpbench.results.resources import MOST_POINTS, TimeSeries


@dataclass
class Thinned:
    """Points, of which neighbours are merged once there are too many."""

    most: int = MOST_POINTS
    _stride: int = 1
    _points: list[tuple[float, float]] = field(default_factory=list)
    _open: list[tuple[float, float]] = field(default_factory=list)

    def add(self, at: float, value: float) -> None:
        """Take in a point, in the order of time."""
        self._open.append((at, value))
        if len(self._open) == self._stride:
            self._points.append(_mean(self._open))
            self._open.clear()
        if len(self._points) == self.most:
            self._points = [_mean(self._points[at : at + 2]) for at in range(0, self.most, 2)]
            self._stride *= 2

    def series(self, since: float) -> TimeSeries:
        """Return the points, with seconds since a moment."""
        points = [*self._points, *([_mean(self._open)] if self._open else [])]
        return TimeSeries(
            tuple(round(at - since, 6) for at, _ in points), tuple(float(f"{value:.7g}") for _, value in points)
        )


def _mean(points: list[tuple[float, float]]) -> tuple[float, float]:
    times, values = zip(*points, strict=True)
    return math.fsum(times) / len(points), math.fsum(values) / len(points)


@dataclass
class Gauge:
    """A value that rises and falls: its mean over time between two moments.

    Between two readings it is taken to change evenly; before the first and after the last it is that one's.
    """

    n: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    points: Thinned = field(default_factory=Thinned)
    _area: float = 0.0
    _first: float = 0.0
    _begun: float = 0.0
    _last: float = 0.0
    _at: float = 0.0

    def add(self, at: float, value: float) -> None:
        """Take in a reading; one that is older than the last is left out."""
        if self.n and at < self._at:
            return
        if not self.n:
            self._first, self._begun = value, at
        else:
            self._area += (at - self._at) * (value + self._last) / 2
        self._last, self._at = value, at
        self.n += 1
        self.minimum, self.maximum = min(self.minimum, value), max(self.maximum, value)
        self.points.add(at, value)

    def mean(self, begin: float, end: float) -> float | None:
        """Return the mean between two moments; None without a reading.

        Readings that claim to lie outside widen the time, so that the mean is never beyond the readings themselves.
        """
        if not self.n:
            return None
        begin, end = min(begin, self._begun), max(end, self._at)
        if end <= begin:
            return self._last
        edges = self._first * max(0.0, self._begun - begin) + self._last * max(0.0, end - self._at)
        return (self._area + edges) / (end - begin)


@dataclass
class Counter:
    """A value that counts up: its growth, over the stretches in which somebody counted.

    A value below the last one begins a new stretch: the counter was started again, or is another one.
    """

    n: int = 0
    growth: float = 0.0
    counted_s: float = 0.0
    points: Thinned = field(default_factory=Thinned)
    _last: float = 0.0
    _at: float = 0.0

    def add(self, at: float, value: float) -> None:
        """Take in a reading; one that is older than the last is left out."""
        if self.n and at < self._at:
            return
        if self.n and value >= self._last:
            self.growth += value - self._last
            self.counted_s += at - self._at
        self._last, self._at = value, at
        self.n += 1
        self.points.add(at, self.growth)

    def rate(self) -> float | None:
        """Return the growth per second; None where it was not read twice."""
        return self.growth / self.counted_s if self.counted_s > 0 else None
