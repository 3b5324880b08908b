"""Shared by the processor benchmarks: jobs are interleaved in slices, as lpbench interleaves configurations.

A single run after another job would find that job's data in the caches and in the branch predictors; an app runs the
same code repeatedly.
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
"""Rounds for each memory placement; an even number, since the order alternates."""
OURS = "lpbench"


class Turns:
    """Medians of slices, in microseconds, of jobs of the same names in several memory placements."""

    def __init__(self) -> None:
        self._slices: dict[str, list[float]] = collections.defaultdict(list)

    def take(self, jobs: Mapping[str, Job], rounds: int) -> None:
        """Run jobs interleaved."""
        order = list(jobs.items())
        for _ in range(rounds):
            for name, job in order:
                _slice(job, DISCARD_S)
                self._slices[name].append(_slice(job, SLICE_S))
            order.reverse()

    @property
    def medians(self) -> dict[str, float]:
        """The median of each job, the fastest first."""
        medians = {name: statistics.median(slices) for name, slices in self._slices.items()}
        return dict(sorted(medians.items(), key=lambda item: item[1]))

    def best_by_hand(self) -> str:
        """Return the fastest of all but ``lpbench``."""
        return next(name for name in self.medians if name != OURS)

    def ratio(self) -> float:
        """Return the ratio of lpbench to the best handwritten job, from slices of the same rounds."""
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
