"""What is recorded of a board reads the same again: tested on boards as text, whose commands are scripts meanwhile."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.jobs.measuring.resources.latest import LatestReadings
from lpbench.util.recorder import FIRST, SECOND, Recorder, RecordingCommands, RecordingTree
from lpbench.util.recordings import COMMANDS, answers
from lpbench.util.scrubbing import Scrubber
from lpbench.worker.sampler.messages import Assignment, ChosenMonitor
from lpbench.worker.sampler.monitor_runner import MonitorRunner
from lpbench_monitors import MONITORS

if TYPE_CHECKING:
    from lpbench.plugin.monitor import MonitorTarget
    from lpbench.util.commands import Answer
    from lpbench.worker.sampler.messages import Report

BOARDS = Path(__file__).parent / "boards"
NEEDED = ("jtop", "nvml", "psutil")
"""Monitors that ask libraries of this machine, not files and commands."""
HEAD = '{"format": "lpbench-recording", "version": 1, "seconds": 1.0}'
pytestmark = pytest.mark.skipif("os.name == 'nt'", reason="programs are scripts of a shell")


def _script(name: str, told: list[Answer]) -> str:
    """Return a script that answers as a board does; what goes on printing does not end."""
    cases = [
        f"{shlex.quote(' '.join(each.words[1:]))}) printf %s {shlex.quote(each.output)}; "
        f"{'sleep 60' if name == 'tegrastats' or 'watch' in each.words else f'exit {each.status}'};;"
        for each in told
        if each.words[0] == name
    ]
    return "\n".join(["#!/bin/sh", 'case "$*" in', *cases, "esac", "echo no such answer >&2; exit 9", ""])


def _told(board: Path, target: MonitorTarget | None = None, recorder: Recorder | None = None) -> dict[str, float]:
    """Return the values that monitors tell at the second of two moments.

    :param target: Instead of the recording that ``board`` is.
    """
    latest = LatestReadings()

    def take(report: Report) -> None:
        assert not report.failure
        if report.monitor:
            latest.take(report)

    chosen = tuple(ChosenMonitor(spec.name) for spec in MONITORS if spec.name not in NEEDED)
    members = MonitorRunner(Assignment(chosen, None, 1.0, str(board)), take)
    members.target = target or members.target
    members.enter()
    for moment in (FIRST, SECOND):
        if recorder:
            recorder.begin(moment)
            _wait(members.target)
        members.sample()
        members.advance()
    members.leave()
    told = latest.resources()
    return {f"{each.name} {each.monitor}": each.mean for each in told if each.mean is not None}


def _wait(target: MonitorTarget) -> None:
    """Give commands that go on printing the time to print."""
    import time

    begun = target.clock()
    while target.clock() - begun < 1.0:
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["raspberrypi5", "jetson-nano", "jetson-orin", "hpc-nvidia", "atlas-200-dk"])
def test_a_board_that_was_recorded_tells_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, made = tmp_path / "bin", tmp_path / "made"
    programs.mkdir()
    made.mkdir()
    told = answers(BOARDS / name, COMMANDS)
    for program in {each.words[0] for each in told}:
        (programs / program).write_text(_script(program, told), encoding="utf-8")
        (programs / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    recorder = Recorder(made, Scrubber(["workbench7"]))
    files = RecordingTree(recorder, BOARDS / name / "root")
    watched = replace(
        MonitorRunner(Assignment(()), lambda _: None).target, files=files, commands=RecordingCommands(recorder)
    )
    live = _told(BOARDS / name, watched, recorder)
    (made / "recording.json").write_text(HEAD, encoding="utf-8")
    again = _told(made)
    assert again.keys() >= {key for key in live if not key.startswith("CPU_LOAD")}
    for key in live.keys() & again.keys():
        assert again[key] == pytest.approx(live[key], rel=0.05), key
    assert len(live) > 5
