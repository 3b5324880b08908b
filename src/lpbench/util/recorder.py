"""Writes a recording (``lpbench.util.recordings``) while somebody reads a machine's files and asks its commands."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.util.commands import Answer, Commands, Stream, SystemCommands
from lpbench.util.file_tree import FileTree
from lpbench.util.recordings import COMMANDS, COMMANDS_LATER, LATER, ROOT
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from lpbench.util.scrubbing import Scrubber

NOTES = "notes.txt"
"""What was scrubbed, left out or lost, a line each; whoever finishes the recording takes it away."""
SCRUBBED, LEFT_OUT, LOST = "scrubbed", "left out", "not written"
MOST_FILES = 20_000
MOST_BYTES = 64 << 20
MOST_NOTES = 1_000
LONGEST_NAME = 100
MOST_LINES = 20
"""Lines that are kept of a command that goes on printing, at each moment."""
NO_ANSWER = 124
"""Exit status of a command that did not end in time, as that of timeout(1)."""
_UNPLAIN = re.compile(r"[^A-Za-z0-9._]+")
BEFORE, FIRST, SECOND = range(3)


class Recorder:
    """Takes what was read; of each file the first reading at each moment.

    What is read before the first moment, while monitors look around, is kept unless it is read again then.

    :param folder: Of the recording.
    """

    def __init__(self, folder: Path, scrubber: Scrubber) -> None:
        self._folder, self._scrubber = folder, scrubber
        self._moment = BEFORE
        self._taken: set[str] = set()
        self._noted: set[str] = set()
        self._files = self._bytes = 0
        self._printed: dict[tuple[str, ...], list[str]] = {}

    def begin(self, moment: int) -> None:
        """Go on to a moment, unless it has begun."""
        if moment > self._moment:
            self._moment = moment
            self._taken.clear()
            self._printed = {words: [] for words in self._printed}

    def file(self, name: str, text: str) -> None:
        """Take in what a file says."""
        if not self._take(name):
            return
        first = self._folder / ROOT / name
        if self._moment == BEFORE and _has_content(first):
            return  # a recorder that was started again
        content = f"{self._clean(text)}\n"
        if self._moment == SECOND and _has_content(first):
            if _read(first) != content:
                self._write(self._folder / LATER / name, content)
        else:
            self._write(first, content)

    def there(self, name: str, *, folder: bool) -> None:
        """Take in that a file or folder exists, whatever it says: an empty one stands for it."""
        if name in self._taken or not self._take(f"{name}/") or self._scrubber.private(name):
            return
        path = self._folder / ROOT / name
        if not path.exists():
            self._write(path / "" if folder else path, None if folder else "")

    def answer(self, answer: Answer) -> None:
        """Take in what a command answered."""
        words = answer.words
        if not self._take(" ".join(("$", *words))):
            return
        if any(len(word.split()) != 1 for word in words):
            self._note(LOST, f"{words[0]}: one of its arguments has a space")
            return
        later = self._moment == SECOND and self._command(COMMANDS, words).exists()
        path = self._command(COMMANDS_LATER if later else COMMANDS, words)
        content = self._clean(f"$ {' '.join(words)}\nexit {answer.status}\n\n{answer.output.strip()}\n")
        if not later or _read(self._command(COMMANDS, words)) != content:
            self._write(path, content)

    def lines(self, words: tuple[str, ...], lines: list[str]) -> None:
        """Take in lines of a command that goes on printing."""
        kept = self._printed.setdefault(words, [])
        if len(kept) < MOST_LINES:
            kept += lines[: MOST_LINES - len(kept)]
            self._taken.discard(" ".join(("$", *words)))
            self.answer(Answer(words, 0, "\n".join(kept)))

    def _take(self, what: str) -> bool:
        """Return whether something is taken in now: not twice at a moment, nothing private, and not without end."""
        if what in self._taken:
            return False
        self._taken.add(what)
        if not what.startswith("$") and self._scrubber.private(what):
            self._note(LEFT_OUT, self._clean(what))
            return False
        if self._files >= MOST_FILES or self._bytes >= MOST_BYTES:
            self._note(LOST, f"more than {MOST_FILES} files or {MOST_BYTES >> 20} MiB")
            return False
        return True

    def _command(self, folder: str, words: tuple[str, ...]) -> Path:
        """Return the file of a command: its words as a name, and a number where another one is called so."""
        line, _ = self._scrubber.scrub(" ".join(words))
        stem = _UNPLAIN.sub("-", line).strip("-.")[:LONGEST_NAME]
        names = (f"{stem}-{number}.txt" if number > 1 else f"{stem}.txt" for number in itertools.count(1))
        first = self._folder / COMMANDS
        name = next(name for name in names if _first_line(first / name) in {"", f"$ {line}"})
        return self._folder / folder / name

    def _clean(self, text: str) -> str:
        clean, kinds = self._scrubber.scrub(text)
        for kind in kinds:
            self._note(SCRUBBED, kind)
        return clean

    def _write(self, path: Path, content: str | None) -> None:
        try:
            if content is None:
                path.mkdir(parents=True, exist_ok=True)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8", newline="")
        except OSError as error:  # a full disk; a name that is too long
            self._note(LOST, f"{path.relative_to(self._folder)}: {error.strerror}")
            return
        self._files, self._bytes = self._files + 1, self._bytes + len(content)

    def _note(self, kind: str, what: str) -> None:
        line = f"{kind}\t{' '.join(what.split())}\n"
        if line not in self._noted and len(self._noted) < MOST_NOTES:
            self._noted.add(line)
            with (self._folder / NOTES).open("a", encoding="utf-8") as notes:
                notes.write(line)


class RecordingTree(FileTree):
    """Files of a machine, by default this one; what is read of them is recorded."""

    def __init__(self, recorder: Recorder, path: Path = Path("/")) -> None:
        super().__init__(path)
        self._recorder = recorder

    def text(self, name: str) -> str | None:
        """Return a file's text."""
        text = super().text(name)
        if text is not None:
            self._recorder.file(name, text)
        elif super().exists(name):
            self._recorder.there(name, folder=(self.path / name).is_dir())
        return text

    def names(self, folder: str, pattern: str = "*") -> list[str]:
        """Return the paths that match in a folder."""
        names = super().names(folder, pattern)
        for name in names:
            self._recorder.there(name, folder=(self.path / name).is_dir())
        return names

    def exists(self, name: str) -> bool:
        """Return whether a file or folder exists."""
        exists = super().exists(name)
        if exists:
            self._recorder.there(name, folder=(self.path / name).is_dir())
        return exists


class RecordingCommands(Commands):
    """Commands of this machine; what they answer is recorded."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder, self._commands = recorder, SystemCommands()

    def run(self, *words: str, timeout: float = 5.0) -> str | Unavailable:
        """Return what a command prints, or why there is no answer."""
        answer = self._commands.answer(*words, timeout=timeout)
        if isinstance(answer, Answer):
            self._recorder.answer(answer)
            return answer.outcome()
        if answer.code == "failed":
            self._recorder.answer(Answer(words, NO_ANSWER, ""))
        return answer

    def follow(self, *words: str) -> Stream | Unavailable:
        """Start a command that goes on printing."""
        stream = self._commands.follow(*words)
        if isinstance(stream, Unavailable):
            return stream
        self._recorder.lines(words, [])
        return _RecordedLines(self._recorder, words, stream)

    def installed(self, name: str) -> bool:
        """Return whether a program of this name can be run."""
        return self._commands.installed(name)


class _RecordedLines(Stream):
    def __init__(self, recorder: Recorder, words: tuple[str, ...], stream: Stream) -> None:
        self._recorder, self._words, self._stream = recorder, words, stream

    def lines(self) -> list[str]:
        lines = self._stream.lines()
        if lines:
            self._recorder.lines(self._words, lines)
        return lines

    def ended(self) -> str:
        return self._stream.ended()

    def close(self) -> None:
        self._stream.close()


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _first_line(path: Path) -> str:
    return _read(path).partition("\n")[0]
