"""A target's worker in one run: what it is asked in, and what becomes of it when something goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError, WorkerError
from lpbench.machine.own_cgroup import OwnCgroup, own_cgroup
from lpbench.util.outcome import RunOutcome
from lpbench.util.text import abridge

if TYPE_CHECKING:
    from lpbench.jobs.measuring.interleave import Contender
    from lpbench.jobs.measuring.recording import Recorder
    from lpbench.jobs.measuring.tracks import TargetProgress
    from lpbench.worker.requests import RunnerClient

LONGEST = 20_000
"""Characters of an error that a result keeps."""


@dataclass
class LiveRun:
    """A target's worker in the present run.

    :param group: A control group of its own, where its resources are watched and that is allowed.
    """

    track: TargetProgress
    recorder: Recorder
    client: RunnerClient
    contender: Contender | None = None
    group: OwnCgroup | None = None

    def watch_apart(self) -> None:
        """Give the worker a control group of its own, where that is allowed; what it takes is counted there."""
        found = own_cgroup(self.client.pid)
        self.group = found if isinstance(found, OwnCgroup) else None

    def fail(self, error: LpbenchError) -> None:
        """Note why the run did not go as planned."""
        book(self.track, self.recorder, error, self.client.stderr_tail)

    def end(self) -> None:
        """End the worker: one that failed at once, as it may be in the middle of anything."""
        self.track.done += 1
        self.client.close() if self.recorder.outcome.ok else self.client.kill()
        if self.group is not None:
            self.group.remove()


def book(track: TargetProgress, recorder: Recorder, error: LpbenchError, printed: str = "") -> None:
    """Note in a run why it did not go as planned; a target whose engine refuses has no use for another run.

    :param printed: What its worker printed last.
    """
    if isinstance(error, WorkerError):
        recorder.end(error.outcome, printed or str(error))
    else:
        recorder.end(RunOutcome("failed", detail=abridge(str(error.what), LONGEST)), abridge(str(error), LONGEST))
        track.failure = error
