"""What the first runs teach: how many runs there will be, and how long each."""

from __future__ import annotations

import dataclasses
import statistics
from typing import TYPE_CHECKING

from lpbench.jobs.measuring.recording import NANO, RunBudget
from lpbench.results import stats
from lpbench.results.stages import TOTAL
from lpbench.results.stats import PilotRun
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.jobs.measuring.recording import Recorder

PILOT = 3
FEWEST = 8
"""Runs that SAME takes, and FASTER and SLOWER are the surer for (method, rule 12)."""
MOST = 20
SHORTEST = 0.4
"""A run is not shortened to less than this share."""


def rest_of(
    done: Sequence[RunBudget], tracks: Sequence[Sequence[Recorder]], spent_s: float, max_s: float
) -> list[RunBudget]:
    """Return the limits of all runs: those of the pilot, which are done, and what follows from them.

    The run is the unit, so the number of runs follows from how far runs differ (Kalibera and Jones), eight at
    the least: where the time does not hold eight of this length, they become shorter first and fewer then.
    A run may take the time that is left over, and does where its own interval is wide.

    :param tracks: The pilot's recorders of each configuration.
    :param spent_s: Seconds that the pilot took, with all that surrounds the timing.
    :param max_s: Seconds that everything may take.
    """
    first = done[0]
    known = [found for found in (list(filter(None, map(_pilot, track))) for track in tracks) if len(found) > 1]
    # One run shows no spread between runs, so nothing can be planned from it.
    if not known:
        return [*done, *(first,) * (FEWEST - len(done))]
    # What a run costs beside timing (starting, loading, warming up) does not shrink with it.
    cost_s, left_s = spent_s / len(done), max(0.0, max_s - spent_s)
    timed_s = sum(map(_timed, tracks)) + first.lockstep_s * (len(tracks) + 1)
    # Runs become shorter before they become fewer: SAME takes eight, and a verdict's error falls with their number.
    scale = _scale(left_s / (FEWEST - len(done)), cost_s, min(timed_s, cost_s))
    cost_s -= (1 - scale) * min(timed_s, cost_s)
    ceiling = max(len(done), min(MOST, len(done) + int(left_s / cost_s + 0.5)))
    limits = stats.Limits(fewest=min(FEWEST, ceiling), most=ceiling, longest=first.most_s * NANO)
    plans = [stats.plan(found, first.width, limits) for found in known]
    # Not fewer samples than the pilot took: its variance is known only roughly, and time is there.
    reached = max(statistics.median(each.samples for each in found) for found in known)
    samples = max(int(reached), *(plan.samples for plan in plans))
    more = max(plan.runs for plan in plans) - len(done)
    longest_s = scale * first.most_s
    if len(tracks) == 1 and more:  # of several, turns are what counts
        longest_s = max(longest_s, left_s / more - cost_s + scale * _timed(tracks[0]))
    later = dataclasses.replace(
        first,
        need=max(first.need, min(first.most, samples)),
        most_s=min(longest_s, max(first.most_s, RunBudget.most_s)),
        least_s=scale * first.least_s,
        lockstep_s=scale * first.lockstep_s,
    )
    return [*done, *(later,) * more]


def _scale(share_s: float, cost_s: float, timed_s: float) -> float:
    """Return by how much timing must shrink for a run to fit its share, within reason."""
    fixed_s = cost_s - timed_s
    return min(1.0, max(SHORTEST, (share_s - fixed_s) / timed_s)) if timed_s > 0 else 1.0


def _timed(track: Sequence[Recorder]) -> float:
    """Return the seconds that a configuration was timed alone in each run."""
    return statistics.fmean(each.whole_ns for each in track) / NANO if track else 0.0


def _pilot(recorder: Recorder) -> PilotRun | None:
    totals = recorder.columns[TOTAL]
    # Of the median, since run medians are what the interval across runs is taken over.
    variance = stats.median_variance(totals)
    if isinstance(variance, Unavailable):
        return None
    cost = recorder.whole_ns / max(1, len(totals))
    return PilotRun(statistics.median(totals), variance, len(totals), recorder.start_ns, cost)
