"""The process in which monitors run: ``python -m lpbench.worker.sampler``.

It speaks the frames of ``lpbench.worker.protocol``: an assignment comes first, then commands.  Samples stream out as
they are taken, since the next monitor may crash or hang.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from lpbench.util import dataclass_config
from lpbench.worker.protocol import ClosedError, SilenceError
from lpbench.worker.sampler.messages import Assignment, Report
from lpbench.worker.streams import take_streams

if TYPE_CHECKING:
    from lpbench.worker.protocol import Channel
    from lpbench.worker.sampler.monitor_runner import MonitorRunner

IDLE_S = 3600.0
"""Seconds until a sampler that nobody asks looks again."""


def main() -> int:
    """Serve one parent until it closes the stream."""
    channel = take_streams()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent alone decides what is kept
    with contextlib.suppress(ClosedError):
        message, _ = channel.receive()
        assignment: Assignment = dataclass_config.build(Assignment, message, where="assignment")
        _bind(assignment.affinity)
        _serve(channel, assignment)
    sys.stderr.flush()
    os._exit(0)  # tearing down the vendors' libraries only takes time


def _serve(channel: Channel, assignment: Assignment) -> None:
    from lpbench.worker.sampler.monitor_runner import MonitorRunner

    def tell(report: Report) -> None:
        channel.send(vars(report))  # the readings are JSON already

    runner = MonitorRunner(assignment, tell)
    runner.enter()
    tell(Report(done="enter", at=runner.target.clock()))
    sampling = False
    while True:
        command = _next(channel, runner.next_due - runner.target.clock() if sampling else IDLE_S)
        if command:
            sampling = {"sample": True, "pause": False}.get(command, sampling)
            _carry_out(runner, command)
            tell(Report(done=command, at=runner.target.clock()))
        if sampling and runner.next_due <= runner.target.clock():
            runner.sample()
            tell(Report())


def _carry_out(runner: MonitorRunner, command: str) -> None:
    calls: dict[str, Any] = {
        "survey": runner.survey,
        "advance": runner.advance,
        "leave": runner.leave,
        "sample": runner.sample,
    }
    if command in calls:
        calls[command]()


def _next(channel: Channel, seconds: float) -> str:
    """Return the next command, or an empty text if none comes in time."""
    try:
        message, _ = channel.receive(max(0.0, seconds))
    except SilenceError:
        return ""
    return str(message.get("command", ""))


def _bind(cores: tuple[int, ...]) -> None:
    """Keep this process, and what it starts, on some cores where the system can."""
    if cores and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):  # one of them is gone: anywhere then
            os.sched_setaffinity(0, cores)


if __name__ == "__main__":
    sys.exit(main())
