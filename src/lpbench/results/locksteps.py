"""What the turns of all runs come to: ratios to a reference, and the times that stand beside them."""

from __future__ import annotations

import collections
import statistics
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lpbench.results.run import Lockstep
from lpbench.results.stages import SAMPLE, STAGES, TOTAL
from lpbench.results.stats import run_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.recorded import RunRecord

FEWEST = 2
"""Contenders that take turns, the yardstick among them."""
TURNS = "turns"
"""Name of the notes about them."""

Slices = Mapping[str, "Sequence[float]"]
"""The median of each slice in nanoseconds, by stage."""
Taken = Mapping[int, Slices]
"""Whoever took turns in a run to the end, by the index of the configuration."""


def locksteps(runs: Mapping[int, Sequence[RunRecord]]) -> tuple[Lockstep, ...]:
    """Return the ratios of all configurations to the reference, of the runs that were not repeated.

    :param runs: By the index of the configuration, of those that may take turns with others.
    """
    taken: dict[int, dict[int, Slices]] = {}
    for target, records in runs.items():
        for each in records:
            if each.turns and not each.superseded:
                taken.setdefault(each.index, {})[target] = each.turns
    counted = [taken[index] for index in sorted(taken) if len(taken[index]) >= FEWEST]
    first = _reference(counted)
    seconds = sorted({index for run in counted if first in run for index in run} - {first})
    return tuple(_lockstep(first, second, counted) for second in seconds)


def slice_ratios(first: Slices, second: Slices) -> dict[str, float]:
    """Return second over first by stage, from slices of the same rounds; what is too short for the clock has none."""
    pairs = {stage: list(zip(first[stage], second[stage], strict=False)) for stage in second if stage in first}
    return {stage: run_ratio(found) for stage, found in pairs.items() if found and all(min(pair) > 0 for pair in found)}


def _reference(runs: Sequence[Taken]) -> int:
    """Return the first that took turns in at least half as many runs as the one that did in most.

    The first of all, unless it failed before or while it took turns in so many runs that little is to be compared.
    """
    count = collections.Counter(index for run in runs for index in run)
    return min((index for index, some in count.items() if 2 * some >= max(count.values())), default=0)


def _lockstep(first: int, second: int, runs: Sequence[Taken]) -> Lockstep:
    """Return the ratios by stage; one that is too short for the clock in a run is left out."""
    pairs = [(run[first], run[second]) for run in runs if first in run and second in run]
    found = [slice_ratios(*pair) for pair in pairs]
    stages = [stage for stage in (*STAGES, TOTAL, SAMPLE) if all(stage in each for each in found)]
    return Lockstep(
        first,
        second,
        {stage: tuple(each[stage] for each in found) for stage in stages},
        {stage: tuple(float(statistics.median(one[stage])) for one, _ in pairs) for stage in stages},
    )
