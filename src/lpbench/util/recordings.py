"""A machine's files and commands as a folder of text, so that what its sensors say can be read elsewhere.

::

    recording.json        {"format": "lpbench-recording", "version": 1, "seconds": 1.0}
    root/…                files at a first moment
    later/…               those that were different ``seconds`` later
    commands/*.txt        "$ vcgencmd measure_temp", "exit 0", an empty line, what it printed
    commands-later/*.txt  those that answered differently later
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from lpbench.errors import ConfigError
from lpbench.util.commands import Answer, Commands, Stream
from lpbench.util.file_tree import FileTree
from lpbench.util.json_files import parse_json
from lpbench.util.regular_files import read_regular
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

FORMAT, VERSION = "lpbench-recording", 1
HEAD = "recording.json"
HEAD_LIMIT = 1 << 16
ROOT, LATER, COMMANDS, COMMANDS_LATER = "root", "later", "commands", "commands-later"
MOST_ANSWERS = 500
"""Commands at each moment that are read."""
LONGEST_STAY = 1e6
"""Seconds between the two moments, at most."""
_NUMBER = re.compile(r"\d+(\.\d+)?")


class Recording:
    """A recorded machine, at the first of two moments until ``advance`` is called.

    :raises ConfigError: The folder holds no recording.
    """

    def __init__(self, folder: Path) -> None:
        self.seconds = _seconds(folder / HEAD)
        self.files = RecordedTree(folder)
        self.commands = RecordedCommands(answers(folder, COMMANDS), answers(folder, COMMANDS_LATER))
        self._now = 0.0

    def clock(self) -> float:
        """Return the recording's own time in seconds."""
        return self._now

    def advance(self) -> None:
        """Go on to the second moment."""
        self._now = self.seconds
        self.files.advance()
        self.commands.advance()


class ConfinedTree(FileTree):
    """Files that somebody else packed: links that lead out of their folder lead nowhere.

    :param top: The folder.
    """

    def __init__(self, path: Path, top: Path) -> None:
        super().__init__(path)
        self._top = os.path.join(os.path.realpath(top), "")  # noqa: PTH118 - as its parent class does

    def _content(self, name: str) -> bytes | None:
        return super()._content(name) if self._inside(name) else None

    def names(self, folder: str, pattern: str = "*") -> list[str]:
        """Return the paths that match in a folder."""
        return [name for name in super().names(folder, pattern) if self._inside(name)]

    def exists(self, name: str) -> bool:
        """Return whether a file or folder exists."""
        return self._inside(name) and super().exists(name)

    def _inside(self, name: str) -> bool:
        try:
            return os.path.realpath(self.path / name).startswith(self._top)
        except (OSError, ValueError):
            return False


class RecordedTree(ConfinedTree):
    """Recorded files; those of the second moment take the place of the first ones'."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / ROOT, folder)
        self._later = ConfinedTree(folder / LATER, folder)
        self._advanced = False

    def text(self, name: str) -> str | None:
        """Return a file's text."""
        found = self._later.text(name) if self._advanced else None
        return super().text(name) if found is None else found

    def advance(self) -> None:
        """Go on to the second moment."""
        self._advanced = True


class RecordedCommands(Commands):
    """Recorded answers; a command that was not recorded counts as not installed."""

    def __init__(self, first: list[Answer], later: list[Answer]) -> None:
        self._answers, self._later = first, later
        self._streams: list[_RecordedStream] = []

    def advance(self) -> None:
        """Go on to the second moment."""
        self._answers = [*self._later, *self._answers]
        for stream in self._streams:
            stream.go_on(self._later)

    def run(self, *words: str, timeout: float = 5.0) -> str | Unavailable:
        """Return what a command printed."""
        found = next((each for each in self._answers if each.words == words), None)
        if found is None:
            return Unavailable(f"not installed: {words[0]}", "not-installed")
        return found.outcome()

    def follow(self, *words: str) -> Stream | Unavailable:
        """Return what a command printed as a stream; the numbers among its arguments may differ."""
        exact = [each for each in self._answers if each.words == words]
        alike = [each for each in self._answers if _pattern(each.words) == _pattern(words)]
        for found in [*exact, *alike]:
            self._streams.append(_RecordedStream(found))
            return self._streams[-1]
        return Unavailable(f"not installed: {words[0]}", "not-installed")

    def installed(self, name: str) -> bool:
        """Return whether an answer of the program was recorded."""
        return any(each.words[0] == name for each in self._answers)


class _RecordedStream(Stream):
    """All recorded lines at once, and again at the second moment."""

    def __init__(self, answer: Answer) -> None:
        self._answer, self._given = answer, False

    def go_on(self, later: list[Answer]) -> None:
        """Go on to the second moment, at which it may say something else."""
        self._answer = next((each for each in later if each.words == self._answer.words), self._answer)
        self._given = False

    def lines(self) -> list[str]:
        lines = [] if self._given else self._answer.output.splitlines()
        self._given = True
        return lines

    def ended(self) -> str:
        return f"exit status {self._answer.status}" if self._answer.status else ""

    def close(self) -> None:
        self._given = True


def is_recording(folder: Path) -> bool:
    """Return whether a folder holds a recording, rather than a file system."""
    return (folder / HEAD).is_file()


def answers(folder: Path, part: str = COMMANDS) -> list[Answer]:
    """Return the answers in a part of a recording; files that are none are left out."""
    tree = ConfinedTree(folder / part, folder)
    return [found for name in tree.names("", "*.txt")[:MOST_ANSWERS] if (found := _answer(tree.text(name) or ""))]


def _answer(text: str) -> Answer | None:
    first, _, rest = text.partition("\n")
    status, _, output = rest.partition("\n")
    if not first.startswith("$ ") or not first[2:].split() or not re.fullmatch(r"exit -?\d{1,3}", status.strip()):
        return None
    return Answer(tuple(first[2:].split()), int(status.split()[1]), output.removeprefix("\n") + "\n")


def _pattern(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("0" if _NUMBER.fullmatch(word) else word for word in words)


def _seconds(head: Path) -> float:
    """Return the time between the two moments.

    :raises ConfigError: The file is missing, or not of this format and version.
    """
    found = parse_json(read_regular(head, limit=HEAD_LIMIT, error=ConfigError), error=ConfigError, where=str(head))
    if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        raise ConfigError(f'expected "format": "{FORMAT}", "version": {VERSION}', where=str(head))
    seconds = found.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= LONGEST_STAY:
        raise ConfigError(f"seconds: found {seconds!r:.40}; expected a number above 0", where=str(head))
    return float(seconds)
