"""Names of the stages of a sample, and their durations from stored clock reads."""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


STAGES = ("preprocessing", "inference", "postprocessing")
TOTAL = "total"
SAMPLE = "sample"
"""Beside the stages: the wall time of a slice by its samples, where several go through at a time."""
READS = len(STAGES) + 1


def reads_of(components: int) -> int:
    """Return how many clock reads are stored for each sample of an app with this many components."""
    return len(STAGES) * components + 1


def durations(reads: array[int], components: Sequence[str] = ()) -> dict[str, array[int]]:
    """Return the durations in nanoseconds of every sample, by stage, and the total.

    :param reads: Clock reads in nanoseconds, ``reads_of`` for each sample, one sample after the other.
    :param components: Names of a chain's components; their stages (``face/inference``) are added to the sums.
    """
    width = reads_of(len(components) or 1)
    columns = [reads[at::width] for at in range(width)]
    stages = [array("q", map(int.__sub__, late, soon)) for soon, late in pairwise(columns)]
    total = array("q", map(int.__sub__, columns[-1], columns[0]))
    if not components:
        return {**dict(zip(STAGES, stages, strict=True)), TOTAL: total}
    sums = {name: array("q", map(sum, zip(*stages[at::3], strict=True))) for at, name in enumerate(STAGES)}
    named = [within(component, stage) for component in components for stage in STAGES]
    return {**sums, TOTAL: total, **dict(zip(named, stages, strict=True))}


def within(component: str, stage: str) -> str:
    """Return the name of a stage of one component of a chain."""
    return f"{component}/{stage}"


ALONE = "engine alone"
FRESH = "new input each time"
AFTER_PRE = "caches taken by preprocessing"
AFTER_POST = "caches taken by postprocessing"
PYTHON = "Python between the samples"
