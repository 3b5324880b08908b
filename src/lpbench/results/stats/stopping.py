"""Rules that end warm-up and end a run: pure functions of windows of samples, evaluated between timed windows."""

from __future__ import annotations

import math
from collections import deque
from operator import mul
from typing import TYPE_CHECKING

from lpbench.results.stats.intervals import median_interval
from lpbench.results.stats.samples import Number, as_numbers, middle
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_AGAIN = 1.1
"""The interval is tested again after 10 % more samples: every test makes stopping by chance more likely."""


def interval_reached(values: Iterable[Number], target: float = 0.01, confidence: float = 0.95) -> bool:
    """Whether the interval of the median is within ±``target`` of it.

    :param values: In the order of measuring.
    """
    samples = as_numbers(values)
    interval = median_interval(samples, confidence)
    return not isinstance(interval, Unavailable) and interval.relative(middle(sorted(samples))) <= target


class WarmUp:
    """Warm-up ends when the median of the last ``k`` windows stops falling, or at the cap.

    It is falling while it is more than ``tolerance`` below the median of the ``k`` windows before.

    :param k: Windows on either side of the comparison; at least 2k are measured.
    :param cap: Largest number of windows.
    """

    def __init__(self, k: int = 3, tolerance: float = 0.01, cap: int = 50) -> None:
        self._windows: deque[list[Number]] = deque(maxlen=2 * k)
        self._k = k
        self._tolerance = tolerance
        self._cap = cap
        self.windows = 0
        self.samples = 0
        self.capped = False

    def feed(self, window: Iterable[Number]) -> bool:
        """Take one window of samples and return whether warm-up is over."""
        samples = as_numbers(window)
        self._windows.append(samples)
        self.windows += 1
        self.samples += len(samples)
        if self._settled():
            return True
        self.capped = self.windows >= self._cap
        return self.capped

    def _settled(self) -> bool:
        if len(self._windows) < 2 * self._k:
            return False
        before, after = (self._median(part) for part in (range(self._k), range(self._k, 2 * self._k)))
        return after >= before * (1 - self._tolerance)

    def _median(self, part: range) -> Number:
        return middle(sorted(value for at in part for value in self._windows[at]))


class NoisePlateau:
    """Detects that the noise no longer decreases: more samples of this kind would not improve the figure.

    After nvbench's ``stdrel`` criterion: at least 10 samples and 0.5 s, and then either a relative standard
    deviation of all samples under 0.5 %, or more than 64 successive values of it, tested every 16 samples, whose
    own relative standard deviation is under 5 %.

    :param shortest: Total time that the samples must reach, in the unit of the samples (nanoseconds).
    """

    _SAMPLES, _NOISE, _KEPT, _EVERY, _FLAT = 10, 0.005, 64, 16, 0.05

    def __init__(self, shortest: Number = 500_000_000) -> None:
        self._shortest = shortest
        self._noises: deque[float] = deque(maxlen=512)
        self._count = 0
        self._total: Number = 0
        self._square: Number = 0

    def feed(self, window: Iterable[Number]) -> bool:
        """Take one window of samples and return whether the plateau is reached."""
        flat = False
        for value in as_numbers(window):
            self._count += 1
            self._total += value
            self._square += value * value
            flat = self._flat() or flat
        return flat

    def _flat(self) -> bool:
        if self._count < self._SAMPLES:
            return False
        noise = self._noise()
        self._noises.append(noise)
        if self._total < self._shortest:
            return False
        if noise < self._NOISE:
            return True
        look = self._count % self._EVERY == 0 and len(self._noises) > self._KEPT
        return look and _relative(list(self._noises)) < self._FLAT

    def _noise(self) -> float:
        if not self._total:
            return 0.0
        square = (self._count * self._square - self._total * self._total) / (self._count * (self._count - 1))
        return math.sqrt(max(0.0, square)) * self._count / self._total


class Stopping:
    """Decides when a run may end, and why: ``interval``, ``plateau`` or ``cap``.

    :param target: Half width of the interval of the median, as a share of the median.
    :param cap: Longest total time of the samples, in their unit (nanoseconds).
    :param need: Samples required before anything but the cap ends the run, for example for a percentile.
    :param plateau: None disables this criterion.
    """

    def __init__(
        self, target: float = 0.01, *, cap: Number, need: int = 6, plateau: NoisePlateau | None = None
    ) -> None:
        self._target = target
        self._cap = cap
        self._need = need
        self._plateau = plateau
        self._values: list[Number] = []
        self._total: Number = 0
        self._next = need

    def feed(self, window: Sequence[Number]) -> str | None:
        """Take one window of samples and return the reason to stop, or None to go on."""
        samples = as_numbers(window)
        self._values += samples
        self._total += sum(samples)
        flat = self._plateau.feed(samples) if self._plateau else False
        if self._due() and interval_reached(self._values, self._target):
            return "interval"
        if flat and len(self._values) >= self._need:
            return "plateau"
        return "cap" if self._total >= self._cap else None

    def _due(self) -> bool:
        due = len(self._values) >= self._next
        if due:
            self._next = math.ceil(len(self._values) * _AGAIN)
        return due


def _relative(values: list[float]) -> float:
    """Return the relative standard deviation of ``values``."""
    count, total = len(values), math.fsum(values)
    square = max(0.0, math.fsum(map(mul, values, values)) / count - (total / count) ** 2)
    return math.sqrt(square) * count / total if total else 0.0
