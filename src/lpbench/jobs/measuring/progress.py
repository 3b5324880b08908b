"""Where a benchmark is, as its progress line shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.results.stats import Interval, median_interval

if TYPE_CHECKING:
    from array import array

GLANCE = 2000
"""Samples that the interval of the progress line looks at."""


@dataclass(frozen=True)
class Progress:
    """Where a benchmark is.

    :param configuration: What is measured, as the result and the tables call it: ``onnxruntime:threads=2``.
    :param run: From zero; ``runs`` is 0 while models are converted, before the first.
    :param done: Share of the whole benchmark, 0 to 1.
    :param left_s: Seconds left, as far as can be told.
    :param activity: What the engine reports that takes long while it opens: ``building the engine, 42 %``.
    :param note: Something that is told once: the time limit cannot be kept, there are more threads than cores.
    :param interval: Half width of this run's interval relative to its median, once there is one.
    """

    configuration: str
    phase: str
    run: int
    runs: int
    done: float
    left_s: float | None
    interval: float | None
    samples: int
    note: str = ""
    activity: str = ""


def width_so_far(totals: array[int] | None) -> float | None:
    """Return the half width of the interval so far relative to the median, from the last few samples at most."""
    interval = median_interval(totals[-GLANCE:]) if totals else None
    if not isinstance(interval, Interval):
        return None
    return interval.relative((interval.lower + interval.upper) / 2)
