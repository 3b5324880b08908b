"""What the turns of all runs come to: ratios to a reference, and the times that stand beside them."""

from __future__ import annotations

import collections
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.jobs.measuring.interleave import FEWEST, ratios
from lpbench.results.run import Lockstep
from lpbench.results.stages import STAGES, TOTAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.jobs.measuring.interleave import Contender
    from lpbench.jobs.measuring.recording import Recorder


@dataclass(frozen=True)
class Turns:
    """The turns of one configuration in one run, which it took to the end."""

    recorder: Recorder
    contender: Contender


Taken = Mapping[int, Turns]
"""Whoever took turns in a run to the end, by the index of the configuration."""


def locksteps(runs: Sequence[Taken]) -> tuple[Lockstep, ...]:
    """Return the ratios of all configurations to the reference, of the runs that were not repeated."""
    counted = [run for run in runs if len(run) >= FEWEST and not any(each.recorder.superseded for each in run.values())]
    first = _reference(counted)
    seconds = sorted({index for run in counted if first in run for index in run} - {first})
    return tuple(_lockstep(first, second, counted) for second in seconds)


def _reference(runs: Sequence[Taken]) -> int:
    """Return the first that took turns in at least half as many runs as the one that did in most.

    The first of all, unless it failed before or while it took turns in so many runs that little is to be compared.
    """
    count = collections.Counter(index for run in runs for index in run)
    return min((index for index, some in count.items() if 2 * some >= max(count.values())), default=0)


def _lockstep(first: int, second: int, runs: Sequence[Taken]) -> Lockstep:
    """Return the ratios by stage; one that is too short for the clock in a run is left out."""
    pairs = [(run[first].contender, run[second].contender) for run in runs if first in run and second in run]
    found = [ratios(*pair) for pair in pairs]
    stages = [stage for stage in (*STAGES, TOTAL) if all(stage in each for each in found)]
    return Lockstep(
        first,
        second,
        {stage: tuple(each[stage] for each in found) for stage in stages},
        {stage: tuple(float(statistics.median(one.medians[stage])) for one, _ in pairs) for stage in stages},
    )
