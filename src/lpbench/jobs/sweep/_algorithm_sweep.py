"""Carries out the sweep of an algorithm, block by block, as those of apps are."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

from lpbench.errors import ResultError
from lpbench.jobs.sweep._algorithm_measure import measure
from lpbench.jobs.sweep._algorithm_points import entries, in_blocks
from lpbench.jobs.sweep._plan import CONFIGURATION_S
from lpbench.jobs.sweep._queue import Block, Queue, SweptApp
from lpbench.jobs.sweep._told import Share, announce, expected_s, step
from lpbench.jobs.sweep._words import stated
from lpbench.results.sweep import FAILED, Found, Sweep, SweepRow
from lpbench.results.sweep_metrics import Level
from lpbench.util import interrupts

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.jobs.sweep._algorithm import SweptAlgorithm
    from lpbench.jobs.sweep._plan import SweepPlan
    from lpbench.jobs.sweep._queue import Entry
    from lpbench.jobs.sweep._told import Report


def carry_out(  # noqa: PLR0913 - what a sweep consists of
    algorithm: SweptAlgorithm, plan: SweepPlan, queue: Queue, report: Report, *, here: str, retry: bool
) -> Sweep:
    """Measure what is not measured yet, and return everything.

    :param here: The hash of this machine.
    """
    swept = SweptApp(algorithm.name, algorithm.name, algorithm.digest, "", algorithm.columns)
    if not queue.begun:
        queue.fill(plan, here, [swept], entries(algorithm, plan))
    _refuse_changed(queue, swept)
    if retry:
        failed = [row for row in queue.sweep().rows if row.state == FAILED]
        queue.enter_again(in_blocks([(row.number, row.asked) for row in failed], plan.block))
    blocks = queue.waiting()
    if blocks:
        announce(queue.sweep(), expected_s(blocks, queue, plan), report)
        for at, block in enumerate(blocks):
            _measured(algorithm, block, queue, plan, Share(report, queue, blocks[at:], plan))
            if interrupts.requested():
                raise KeyboardInterrupt
    return queue.sweep()


def outlined(algorithm: SweptAlgorithm, plan: SweepPlan, folder: Path) -> tuple[Sweep, float]:
    """Return the rows of a plan without measuring or writing anything, and the seconds that it may take."""
    asked = entries(algorithm, plan)
    rows = tuple(
        SweepRow(each.number, each.asked, each.words, each.state, each.reason, stated(each.asked, "", Found()))
        for each in asked
    )
    blocks = len({each.block for each in asked})
    return Sweep(folder, rows, {}, (0, blocks), algorithm.columns), len(rows) * (plan.max_time or CONFIGURATION_S)


def _refuse_changed(queue: Queue, swept: SweptApp) -> None:
    (kept,) = queue.apps.values()
    if (kept.digest, kept.columns) != (swept.digest, swept.columns):
        what = f"{swept.name} changed since the sweep began"
        raise ResultError(what, where=str(queue.folder), hint="its rows would not compare: give another folder")


def _measured(algorithm: SweptAlgorithm, block: Block, queue: Queue, plan: SweepPlan, report: Report) -> None:
    """Measure a block and keep it."""
    began = time.monotonic()

    def tick(entry: Entry, done: float) -> None:
        report(dataclasses.replace(step(entry.words, "measuring"), done=done))

    outcomes = measure(algorithm, block.entries, plan, tick)
    queue.finish(block, outcomes, Level(), time.monotonic() - began)
