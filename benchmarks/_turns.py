"""What the processors' benchmarks share: jobs take turns in slices, as lpbench lets configurations take turns.

A job that runs once after another's finds caches, and a processor's memory of the code, that are full of the other's;
an app runs the same again and again.
"""

from __future__ import annotations

import collections
import statistics
import time
from typing import TYPE_CHECKING, Any

from lpbench.jobs.measuring.interleave import DISCARD_S, SLICE_S
from lpbench.results.stats import run_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Job = Callable[[], Any]

NANO = 1_000_000_000
ROUNDS = 4
"""In each place of memory; an even number, since the order is there and back."""
OURS = "lpbench"


class Turns:
    """Medians of slices, in microseconds, of jobs of the same names in several places of memory."""

    def __init__(self) -> None:
        self._slices: dict[str, list[float]] = collections.defaultdict(list)

    def take(self, jobs: Mapping[str, Job], rounds: int) -> None:
        """Let jobs take turns."""
        order = list(jobs.items())
        for _ in range(rounds):
            for name, job in order:
                _slice(job, DISCARD_S)
                self._slices[name].append(_slice(job, SLICE_S))
            order.reverse()

    @property
    def medians(self) -> dict[str, float]:
        """The median of each, the fastest first."""
        found = {name: statistics.median(each) for name, each in self._slices.items()}
        return dict(sorted(found.items(), key=lambda item: item[1]))

    def best_by_hand(self) -> str:
        """Return the fastest of all but ``lpbench``."""
        return next(name for name in self.medians if name != OURS)

    def ratio(self) -> float:
        """Return lpbench's median to that of the best by hand, from slices of the same rounds."""
        return run_ratio(zip(self._slices[self.best_by_hand()], self._slices[OURS], strict=True))


def _slice(job: Job, seconds: float) -> float:
    """Run a job for some time and return its median in microseconds."""
    clock, taken = time.perf_counter_ns, list[int]()
    end = clock() + int(seconds * NANO)
    while not taken or clock() < end:
        begun = clock()
        job()
        taken.append(clock() - begun)
    return statistics.median(taken) / 1000
