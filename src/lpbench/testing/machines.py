"""Machines that a test makes of files and of answers to commands, for the tests of monitors.

Example::

    def test_it_reads_the_fan(tmp_path):
        machine = Machine(tmp_path)
        machine.write("sys/class/hwmon/hwmon0/fan1_input", 1200)
        with Fan(machine.target()) as monitor:
            assert monitor.sample()["FAN_SPEED"].value == 1200
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Commands, FileTree, MonitorTarget, Stream, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Machine:
    """A machine in a folder.

    :param folder: Root of its files.
    :param answers: By command line: what it prints, or why it does not answer; of one that goes on, its first lines.
        Other commands are not installed.
    :param now: What its clock says, in seconds.
    """

    folder: Path
    answers: dict[str, str | Unavailable] = field(default_factory=dict)
    now: float = 100.0

    def __post_init__(self) -> None:
        self.commands = Answers(self.answers)

    def write(self, name: str, content: object) -> None:
        """Write a file and a line end; ``name`` is its path below the root."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n", encoding="utf-8")

    def remove(self, name: str) -> None:
        """Remove a file, as a sensor that is unplugged does."""
        (self.folder / name).unlink()

    def target(self, pid: int | None = None, interval: float = 0.1) -> MonitorTarget:
        """Return it as a monitor sees it."""
        return MonitorTarget(pid, FileTree(self.folder), self.commands, interval, lambda: self.now)


class Answers(Commands):
    """Commands with given answers.

    :param given: By command line.
    """

    def __init__(self, given: dict[str, str | Unavailable]) -> None:
        self.given = given
        self.asked: list[str] = []
        """Command lines, in order."""
        self.streams: list[Lines] = []
        """Those that go on, in the order in which they were started."""

    def run(self, *words: str, timeout: float = 5.0) -> str | Unavailable:
        """Return the answer to a command."""
        self.asked.append(" ".join(words))
        return self.given.get(" ".join(words), Unavailable(f"not installed: {words[0]}", "not-installed"))

    def follow(self, *words: str) -> Stream | Unavailable:
        """Return a stream of the answer's lines."""
        answer = self.run(*words)
        if isinstance(answer, Unavailable):
            return answer
        self.streams.append(Lines(answer.splitlines()))
        return self.streams[-1]

    def installed(self, name: str) -> bool:
        """Return whether there is an answer of this program."""
        return any(line.split()[0] == name for line in self.given)


class Lines(Stream):
    """A command that goes on, which a test feeds.

    :param ready: Lines that were printed and not yet read.
    """

    def __init__(self, ready: list[str]) -> None:
        self.ready = ready
        self.status = ""
        """How it ended; empty while it runs."""
        self.closed = False

    def lines(self) -> list[str]:
        """Return the lines that are ready."""
        lines, self.ready = self.ready, []
        return lines

    def ended(self) -> str:
        """Return how it ended."""
        return self.status

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True
