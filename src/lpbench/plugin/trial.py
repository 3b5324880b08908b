"""Tries plugins, each in a process of its own: imports them, and asks them for everything that they offer."""

from __future__ import annotations

import os
import select
import sys
import time
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError, either
from lpbench.util.processes import Child, ending, python

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

TIMEOUT = 20.0
"""Seconds that importing and listing one plugin may take: a hook module imports nothing heavy."""
LEAST = 1.0
"""Seconds for a process whose turn comes when the time is over; all run at once."""
BLOCK = 65536
PATIENCE = 2.0
"""Seconds after which is said what is waited for."""
CODE = "import sys; sys.path[:] = sys.argv[3:]; from lpbench.plugin.tried import main; main(*sys.argv[1:3])"
"""Imports from where this process does; before that, nothing that the working directory could shadow."""
IMPORTED, LISTED = "imported", "listed"
LEFT = "starts a process that goes on"
DOING = {"": "while it is imported", IMPORTED: "while it lists what it offers", LISTED: "when the process ends"}
"""What a plugin was doing, by the last step that it reported."""


class Trial:
    """The process in which one plugin is tried.

    :param variable: Set in it.
    :raises LpbenchError: No process can be started.
    """

    def __init__(self, point: EntryPoint, variable: str) -> None:
        import subprocess

        self._point = point
        self._report = b""
        self._child = Child(
            python("-c", CODE, point.name, point.value, *map(str, sys.path)),
            what="the trial of a plugin",
            streams=(subprocess.DEVNULL, subprocess.PIPE, subprocess.DEVNULL),
            variables={**os.environ, variable: "1"},
        )

    def outcome(self, late: float) -> list[str]:
        """Return why the plugin must not be imported, empty if it may, and the files that it imports.

        :param late: When it is ended, on the clock of ``time.monotonic``.
        """
        in_time = self._ends_before(time.monotonic() + PATIENCE)
        if not in_time:
            left = max(late - time.monotonic(), LEAST)
            self._announce(left)
            in_time = self._ends_before(time.monotonic() + left)
        self.end()
        lines = self._report.decode(errors="surrogateescape").splitlines()
        files = [line[1:] for line in lines if line.startswith("=")]
        steps = [line for line in lines if not line.startswith("=")]
        return [self._reason(steps[-1] if steps else "", in_time=in_time), *files]

    def end(self) -> None:
        """End the process and what it started."""
        self._child.end()
        if self._child.process.stdout:
            self._child.process.stdout.close()

    def _ends_before(self, late: float) -> bool:
        """Read the report to its end, which is that of the process; False if that comes too late."""
        pipe = self._child.process.stdout
        assert pipe  # noqa: S101 - it was asked for
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while poll.poll(max(0.0, late - time.monotonic()) * 1000):
            part = pipe.read(BLOCK)
            if not part:
                return self._child.wait(max(0.0, late - time.monotonic())) is not None
            self._report += part
        return False

    def _reason(self, step: str, *, in_time: bool) -> str:
        doing = DOING.get(step)
        if doing is None:
            return step
        if not in_time:
            return f"hangs {doing}: it was ended after {TIMEOUT:g} s"
        status = self._child.process.returncode
        if status or step != LISTED:
            return f"ends its process {doing}: {ending(status)}"
        return ""

    def _announce(self, left: float) -> None:
        waiting = f'trying plugin "{self._point.name}" in a process of its own, for at most {left:.0f} s more\n'
        if sys.stderr is not None:
            sys.stderr.write(either(waiting, ""))


def attempt(points: Sequence[EntryPoint], variable: str) -> list[list[str]]:
    """Try plugins side by side and return for each what ``Trial.outcome`` does.

    Where the system lacks what a trial needs, or starts no further process, the list is empty.

    :param variable: Set in their processes.
    """
    if not hasattr(select, "poll"):
        return [[] for _ in points]
    late = time.monotonic() + TIMEOUT
    trials = [_started(point, variable) for point in points]
    try:
        return [trial.outcome(late) if trial else [] for trial in trials]
    finally:
        for trial in filter(None, trials):
            trial.end()


def _started(point: EntryPoint, variable: str) -> Trial | None:
    try:
        return Trial(point, variable)
    except (LpbenchError, ValueError):  # no process is left for us; a NUL in a path
        return None
