"""What the turns of a configuration and the reference come to: ratios, and the times that stand beside them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.jobs.measuring.interleave import ratios
from lpbench.results.run import Lockstep
from lpbench.results.stages import STAGES, TOTAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.jobs.measuring.interleave import Contender
    from lpbench.jobs.measuring.recording import Recorder


@dataclass(frozen=True)
class Turns:
    """The turns of one configuration and the reference in one run.

    :param recorder: The configuration's run.
    :param ratios: Its times over the reference's, by stage.
    :param first_ns: The reference's medians over its slices in nanoseconds, by stage.
    """

    recorder: Recorder
    ratios: Mapping[str, float]
    first_ns: Mapping[str, float]


def turns_of(recorder: Recorder, reference: Contender, other: Contender) -> Turns:
    """Return what the turns of one run came to; a stage that is too short for the clock is left out."""
    found = ratios(reference, other)
    return Turns(recorder, found, {stage: float(statistics.median(reference.medians[stage])) for stage in found})


def lockstep(first: int, second: int, found: Sequence[Turns]) -> Lockstep:
    """Return the ratios of one configuration to the reference, by stage, of the runs that were not repeated."""
    turns = [each for each in found if not each.recorder.superseded]
    stages = [stage for stage in (*STAGES, TOTAL) if turns and all(stage in each.ratios for each in turns)]
    return Lockstep(
        first,
        second,
        {stage: tuple(each.ratios[stage] for each in turns) for stage in stages},
        {stage: tuple(each.first_ns[stage] for each in turns) for stage in stages},
    )
