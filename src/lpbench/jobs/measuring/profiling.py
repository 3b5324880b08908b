"""The pass that profiles layers: after the first run of a target, by a session that is opened for it alone.

The session that is timed is never profiled.  The profile comes from the same worker once that session is closed, so
no more models are in memory than before.  Whatever goes wrong in it, the run has its figures already.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.jobs.measuring.recording import NANO, finish, hearing
from lpbench.results.profile import LayerProfile
from lpbench.util.jsonable import whole_text
from lpbench.util.text import abridge
from lpbench.worker import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.jobs.measuring.live_run import LiveRun
    from lpbench.jobs.measuring.plan import Plan
    from lpbench.jobs.measuring.recording import ProgressCallback, RunBudget
    from lpbench.jobs.measuring.tracks import TargetProgress
    from lpbench.plugin.progress import Listener
    from lpbench.worker.requests import OpenRequest, RunnerClient

PROFILED_S = 0.5
"""Seconds that profiled runs take, about."""
PROFILED_RUNS = (4, 30)
"""Fewest and most of them, beside the first."""
LONGEST = 2_000
"""Characters of a reason."""


def complete(
    plan: Plan, one: LiveRun, budget: RunBudget, reporter: Callable[[TargetProgress], ProgressCallback]
) -> None:
    """Take what follows the timing of a run: resources, what ``finish`` takes, once for each target its layers.

    :param reporter: Returns what is told of a target's progress.
    :raises LpbenchError: As ``finish``; never for the profile.
    """
    report = reporter(one.track)
    if budget.watch_s and plan.watch:
        from lpbench.jobs.measuring.resources.watching import watch_resources  # most benchmarks watch nothing

        one.recorder.resources = watch_resources(one, plan.watch, one.recorder.configuration.affinity, report)
    finish(one.client, budget, one.recorder, report)
    if plan.settings.profile and not any(each.profile for each in one.track.recorders):
        report("profiling", one.recorder, 1.0)
        begun = time.monotonic()
        request = plan.request(one.track.target)
        hear = hearing("profiling", one.recorder, report)
        one.recorder.profile = _profile(one.client, request, one.recorder.expected_ns, hear)
        one.recorder.activity = ""
        one.recorder.profile_s = time.monotonic() - begun


def extra_s(tracks: Sequence[TargetProgress]) -> float:
    """Return the seconds so far that come on top of the time that was asked for: of profiles, and of first builds."""
    profiles = sum(each.profile_s for track in tracks for each in track.recorders)
    return profiles + sum(track.first_build_s for track in tracks)


def _profile(
    client: RunnerClient, request: OpenRequest, expected_ns: float, hear: Listener
) -> tuple[LayerProfile, ...]:
    """Return the profile of each component, or one that says why there is none."""
    try:
        client.request(_profiling(request), "opening the model to profile it", hear=hear)
        for _ in range(1 + runs_for(expected_ns)):  # one by one: none may take longer than a worker may be silent
            client.request(requests.MeasureSlice(1), requests.ReadProfiles.phase)
        found = client.request(requests.ReadProfiles())
    except LpbenchError as error:
        reason = "; ".join(filter(None, (error.what, error.hint)))
        return (LayerProfile(engine=request.configuration.engine, reason=abridge(whole_text(reason), LONGEST)),)
    with contextlib.suppress(LpbenchError):  # it has said all that it knows
        client.request(requests.CloseApp())
    return found


def _profiling(request: OpenRequest) -> OpenRequest:
    """Return the request that opens the same app with its profile: in one stream, and without pictures."""
    one_stream = dataclasses.replace(request.configuration, streams=1)
    return dataclasses.replace(request, configuration=one_stream, draw="", profile=True)


def runs_for(expected_ns: float) -> int:
    """Return how many runs are profiled of which each takes about so long."""
    fewest, most = PROFILED_RUNS
    return max(fewest, min(most, int(PROFILED_S * NANO / max(expected_ns, 1.0))))
