"""What a sweep tells while it is under way: how much there is to do, what it does, how long the rest takes."""

from __future__ import annotations

import dataclasses
import statistics
from typing import TYPE_CHECKING

from lpbench.jobs.measuring.progress import Progress
from lpbench.jobs.sweep._plan import CONFIGURATION_S
from lpbench.util.text import amount, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.jobs.sweep._plan import SweepPlan
    from lpbench.jobs.sweep._queue import Block, Queue
    from lpbench.results.sweep import Sweep

    Report = Callable[[Progress], None]


def step(app: str, what: str) -> Progress:
    """Return what is done for an app beside measuring it."""
    return Progress(app, what, 0, 0, 0.0, None, None, 0)


def announce(sweep: Sweep, expected_s: float, report: Report) -> None:
    """Say before anything is measured how much there is to do."""
    done, every = sweep.blocks
    left = f"{every - done} of {amount(every, 'block')} to measure, about {seconds(expected_s)}"
    note = f"{sweep.in_short()}; {left}"
    report(dataclasses.replace(step("", ""), note=note))


def expected_s(blocks: Sequence[Block], queue: Queue, plan: SweepPlan) -> float:
    """Return the seconds that blocks will take: as those before them, or as long as they may."""
    each_s = plan.max_time or CONFIGURATION_S
    known = queue.seconds()
    return sum(statistics.fmean(known) if known else each_s * (len(block.entries) + 1) for block in blocks)


class Share:
    """Passes the progress of a block on as that of the sweep."""

    def __init__(self, report: Report, queue: Queue, left: Sequence[Block], plan: SweepPlan) -> None:
        self._report = report
        self._done, self._all = queue.done
        self._app = queue.apps[left[0].app].name
        self._block_s = expected_s(left[:1], queue, plan)
        self._later_s = expected_s(left[1:], queue, plan)

    def __call__(self, progress: Progress) -> None:
        left = progress.left_s if progress.left_s is not None else self._block_s * (1 - progress.done)
        place = f"block {self._done + 1}/{self._all} {self._app} {progress.configuration}".rstrip()
        done = (self._done + progress.done) / self._all
        self._report(dataclasses.replace(progress, configuration=place, done=done, left_s=left + self._later_s))
