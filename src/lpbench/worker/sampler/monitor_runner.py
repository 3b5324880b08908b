"""The monitors of one sampler: built, entered, asked one after the other, and left."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.plugin import registry
from lpbench.plugin.monitor import MonitorTarget
from lpbench.plugin.monitors import build_monitor
from lpbench.util.recorder import FIRST, SECOND, Recorder, RecordingCommands, RecordingTree
from lpbench.util.text import words_of
from lpbench.worker.sampler.messages import Assignment, Report, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.plugin.monitor import Monitor, Readings
    from lpbench.util.recordings import Recording

SILENT_S = 1.0
"""Seconds between samples of a monitor that tells nothing but reasons: most monitors are for other machines."""
LONGEST = 300
"""Characters of an error that are told."""


@dataclass
class Member:
    """One monitor.

    :param interval: Seconds between two samples of it.
    :param due: When the next one is due, on the target's clock.
    :param silent: Whether its last sample held nothing but reasons.
    """

    name: str
    monitor: Monitor
    interval: float
    due: float = 0.0
    silent: bool = False


class MonitorRunner:
    """Calls monitors; before each call it tells which one, so that it is known who hung or crashed.

    :param tell: Sends a report.
    """

    def __init__(self, assignment: Assignment, tell: Callable[[Report], None]) -> None:
        self._assignment, self._tell = assignment, tell
        self._recording = _recording(assignment)
        self._recorder = _recorder(assignment)
        self.target = _target(assignment, self._recording, self._recorder)
        self._members: list[Member] = []

    def enter(self) -> None:
        """Build and enter each monitor."""
        for chosen in self._assignment.monitors:
            self._attempt(chosen.name, "load", partial(self._enter, chosen.name, chosen.options))

    def _enter(self, name: str, options: Mapping[str, Any]) -> None:
        spec = registry.current().get(registry.MONITORS, name).spec
        monitor = build_monitor(spec, self.target, options)
        self._tell(Report(calling=name, step="enter"))
        monitor.__enter__()
        self._members.append(Member(name, monitor, max(spec.interval, self._assignment.interval)))

    def sample(self) -> None:
        """Ask the monitors that are due."""
        if self._recorder is not None:
            self._recorder.begin(FIRST)
        now = self.target.clock()
        for member in [each for each in self._members if each.due <= now]:
            # Counted from the planned moment, so that the rate holds; what was missed is not made up for.
            seconds = max(member.interval, SILENT_S if member.silent else 0.0)
            member.due = max(member.due + seconds, now + seconds / 2)
            self._attempt(member.name, "sample", partial(self._read, member, member.monitor.sample))

    def survey(self) -> None:
        """Ask every monitor for what is too costly to sample."""
        for member in list(self._members):
            self._attempt(member.name, "survey", partial(self._read, member, member.monitor.survey, survey=True))

    def leave(self) -> None:
        """Leave every monitor."""
        while self._members:
            member = self._members.pop()
            self._attempt(member.name, "leave", partial(member.monitor.__exit__, None, None, None))

    def advance(self) -> None:
        """Go on to the second moment of a recording that is read or made, at which every monitor is due."""
        if self._recording is not None:
            self._recording.advance()
        if self._recorder is not None:
            self._recorder.begin(SECOND)
        for member in self._members:
            member.due = self.target.clock()

    @property
    def next_due(self) -> float:
        """When the next sample is due, on the target's clock."""
        return min((each.due for each in self._members), default=self.target.clock() + 1.0)

    def _read(self, member: Member, read: Callable[[], Readings], *, survey: bool = False) -> None:
        at = self.target.clock()
        readings = encode(read())
        until = self.target.clock()
        if not survey:
            member.silent = bool(readings) and all(map(_says_no_more, readings.values()))
        self._tell(Report(monitor=member.name, at=at, until=until, readings=readings, survey=survey))

    def _attempt(self, name: str, step: str, call: Callable[[], None]) -> None:
        """Call a monitor; one that raises is left out."""
        self._tell(Report(calling=name, step=step))
        try:
            call()
        except Exception as error:  # noqa: BLE001 - a third party's code may raise anything
            words = words_of(error.what if isinstance(error, LpbenchError) else error, LONGEST)
            why = f"{step} raised {type(error).__name__}: {words}"
            self._drop(name)
            self._tell(Report(monitor=name, failure=why))

    def _drop(self, name: str) -> None:
        for each in [each for each in self._members if each.name == name]:
            self._members.remove(each)
            _leave_quietly(each.monitor)


def _says_no_more(reading: Any) -> bool:
    """Return whether a reading is a reason that will hold for a while: the first sample of a load comes too soon."""
    return isinstance(reading, dict) and "reason" in reading and reading.get("code") != "too-short"


def _leave_quietly(monitor: Monitor) -> None:
    """Leave a monitor that has failed; that it fails again tells nothing."""
    with contextlib.suppress(Exception):
        monitor.__exit__(None, None, None)


def _recording(assignment: Assignment) -> Recording | None:
    from lpbench.util import recordings

    folder = Path(assignment.root)
    return recordings.Recording(folder) if recordings.is_recording(folder) else None


def _recorder(assignment: Assignment) -> Recorder | None:
    from lpbench.util.scrubbing import Scrubber

    return Recorder(Path(assignment.record), Scrubber.of_this_machine()) if assignment.record else None


def _target(assignment: Assignment, recording: Recording | None, recorder: Recorder | None) -> MonitorTarget:
    from lpbench.plugin.monitor import FileTree, SystemCommands
    from lpbench.util.recordings import RecordedCommands

    if recording is not None:
        return MonitorTarget(None, recording.files, recording.commands, assignment.interval, recording.clock)
    if recorder is not None:
        return MonitorTarget(assignment.pid, RecordingTree(recorder), RecordingCommands(recorder), assignment.interval)
    files = FileTree(Path(assignment.root))
    # this machine's commands say nothing about another one's files
    commands = SystemCommands() if files.here else RecordedCommands([], [])
    return MonitorTarget(assignment.pid, files, commands, assignment.interval)
