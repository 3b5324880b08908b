"""What the first runs teach: how many runs there will be, and how long each."""

from __future__ import annotations

import dataclasses
import statistics
from typing import TYPE_CHECKING

from lpbench import stats, timing
from lpbench.measure import NANO, Limits
from lpbench.monitor import Unavailable
from lpbench.stats import PilotRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.measure import Recorder

PILOT = 3
FEWEST = 8
"""Runs that a verdict takes (METHOD 12)."""
MOST = 20


def rest_of(done: Sequence[Limits], tracks: Sequence[Sequence[Recorder]], width: float, left_s: float) -> list[Limits]:
    """Return the limits of all runs: those of the pilot, which are done, and what follows from them.

    The run is the unit, so the number of runs follows from how far runs differ (Kalibera and Jones);
    a run is as long as that asks for, and at least as long as its own interval takes.

    :param tracks: The pilot's recorders of each configuration.
    :param width: The interval that is wanted, as a share of the latency.
    :param left_s: Seconds that the remaining runs may take together.
    """
    first = done[0]
    pilots = [list(filter(None, map(_pilot, track))) for track in tracks]
    known = [found for found in pilots if len(found) > 1]
    if not known:
        return [*done, *(first,) * (FEWEST - len(done))]
    affordable = len(done) + max(0, int(left_s * NANO / sum(map(_cost, known))))
    ceiling = max(PILOT, min(MOST, affordable))
    limits = stats.Limits(fewest=min(FEWEST, ceiling), most=ceiling, longest=first.most_s * NANO)
    plans = [stats.plan(found, width, limits) for found in known]
    reached = max(statistics.median(each.samples for each in found) for found in known)
    samples = max(int(reached), *(plan.samples for plan in plans))
    later = dataclasses.replace(first, most=max(first.need, min(first.most, samples)))
    return [*done, *(later,) * (max(plan.runs for plan in plans) - len(done))]


def _cost(runs: Sequence[PilotRun]) -> float:
    """Return what a run of one configuration takes, in nanoseconds, lockstep left out."""
    return statistics.fmean(run.start_cost + run.samples * run.sample_cost for run in runs)


def _pilot(recorder: Recorder) -> PilotRun | None:
    totals = recorder.columns[timing.TOTAL]
    variance = stats.median_variance(totals)
    if isinstance(variance, Unavailable):
        return None
    cost = recorder.whole_ns / max(1, len(totals))
    return PilotRun(statistics.median(totals), variance, len(totals), recorder.start_ns, cost)
