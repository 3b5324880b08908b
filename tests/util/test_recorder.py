"""What was read of a machine is recorded, and reads the same again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.util import recorder as recording
from lpbench.util.recorder import FIRST, SECOND, Recorder, RecordingCommands, RecordingTree
from lpbench.util.recordings import Recording
from lpbench.util.scrubbing import Scrubber
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif("os.name == 'nt'", reason="programs are scripts of a shell")


class Board:
    """A machine in a folder, and a recorder of it."""

    def __init__(self, folder: Path) -> None:
        self.root, self.made = folder / "machine", folder / "made"
        self.root.mkdir()
        self.made.mkdir()
        self.recorder = Recorder(self.made, Scrubber(["workbench7"]))
        self.files = RecordingTree(self.recorder, self.root)
        self.commands = RecordingCommands(self.recorder)

    def write(self, name: str, text: str) -> None:
        """Write a file of the machine."""
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")

    def read_again(self) -> Recording:
        """Return what was recorded."""
        head = '{"format": "lpbench-recording", "version": 1, "seconds": 2.0}'
        (self.made / "recording.json").write_text(head, encoding="utf-8")
        return Recording(self.made)

    def notes(self) -> str:
        """Return what was noted."""
        notes = self.made / recording.NOTES
        return notes.read_text(encoding="utf-8") if notes.exists() else ""


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """Return an empty machine."""
    return Board(tmp_path)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a maker of programs: a name, and a script for the shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def write(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)

    return write


def test_files_of_both_moments_read_the_same_again(board: Board) -> None:
    board.write("sys/energy", "100\n")
    board.write("sys/name", "package-0\n")
    board.files.text("sys/energy")  # while a monitor looks around
    board.write("sys/energy", "110\n")
    board.recorder.begin(FIRST)
    for heat in ("120", "130"):  # only the first reading of a moment counts
        board.files.text("sys/energy")
        board.files.text("sys/name")
        board.write("sys/energy", heat)
    board.recorder.begin(SECOND)
    board.files.text("sys/energy")
    board.files.text("sys/name")
    read = board.read_again()
    assert (read.files.number("sys/energy"), read.files.text("sys/name")) == (110, "package-0")
    read.advance()
    assert (read.files.number("sys/energy"), read.files.text("sys/name")) == (130, "package-0")
    assert not (board.made / "later/sys/name").exists()


def test_what_was_listed_or_asked_for_is_there_again(board: Board) -> None:
    board.write("sys/class/hwmon/hwmon0/name", "coretemp\n")
    board.write("sys/class/hwmon/hwmon10/temp1_input", "41000\n")
    (board.root / "sys/empty").mkdir()
    listed = board.files.names("sys/class/hwmon", "hwmon*")
    assert board.files.exists("sys/empty")
    assert not board.files.exists("sys/other")
    read = board.read_again()
    assert read.files.names("sys/class/hwmon", "hwmon*") == listed
    assert read.files.exists("sys/empty")
    assert not read.files.exists("sys/other")
    assert read.files.text("sys/class/hwmon/hwmon10/temp1_input") is None  # nobody looked at it


def test_private_files_are_left_out_and_texts_scrubbed_and_both_are_noted(board: Board) -> None:
    board.write("sys/id/product_serial", "A1B2C3")
    board.write("proc/cpuinfo", "Hardware\t: BCM\nSerial\t\t: 10000000b3c4d5e6\n")
    board.write("proc/version", "Linux workbench7 6.6")
    for name in ("sys/id/product_serial", "proc/cpuinfo", "proc/version"):
        assert board.files.text(name)
    recorded = "".join(path.read_text(encoding="utf-8") for path in board.made.rglob("*") if path.is_file())
    assert "A1B2C3" not in recorded
    assert "b3c4d5e6" not in recorded
    assert "workbench7" not in recorded
    assert "left out\tsys/id/product_serial" in board.notes()
    assert "scrubbed\tserial numbers" in board.notes()


def test_answers_and_failures_of_commands_are_the_same_again(board: Board, program: Callable[[str, str], None]) -> None:
    program("measure", 'echo "temp=$1"; exit 0')
    program("fail", "echo broken >&2; exit 3")
    program("hang", "sleep 60")
    told = [board.commands.run("measure", "41.2"), board.commands.run("fail"), board.commands.run("absent")]
    hung = board.commands.run("hang", timeout=0.2)
    read = board.read_again().commands
    assert [read.run("measure", "41.2"), read.run("fail"), read.run("absent")] == told
    assert isinstance(hung, Unavailable)
    assert isinstance(read.run("hang"), Unavailable)
    assert read.installed("measure")
    assert not read.installed("absent")


def test_a_command_that_answers_otherwise_later_does_so_again(
    board: Board, program: Callable[[str, str], None], tmp_path: Path
) -> None:
    program("measure", f'echo x >> {tmp_path}/calls; echo "$(wc -l < {tmp_path}/calls)"')
    for moment in (FIRST, SECOND):
        board.recorder.begin(moment)
        board.commands.run("measure")
    read = board.read_again()
    first = read.commands.run("measure")
    read.advance()
    assert (str(first).strip(), str(read.commands.run("measure")).strip()) == ("1", "2")


def test_lines_of_a_command_that_goes_on_are_told_at_their_moment(
    board: Board, program: Callable[[str, str], None]
) -> None:
    program("stats", "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done")
    stream = board.commands.follow("stats", "--interval", "50")
    assert not isinstance(stream, Unavailable)
    first = _some_lines(stream.lines)
    board.recorder.begin(FIRST)
    second = _some_lines(stream.lines)
    board.recorder.begin(SECOND)
    third = _some_lines(stream.lines)
    stream.close()
    read = board.read_again()
    again = read.commands.follow("stats", "--interval", "1000")  # numbers among the arguments may differ
    assert not isinstance(again, Unavailable)
    assert again.lines() == second != first
    assert again.lines() == []
    read.advance()
    assert again.lines() == third


def _some_lines(lines: Callable[[], list[str]]) -> list[str]:
    import time

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if found := lines():
            return found
        time.sleep(0.02)
    return []


def test_commands_that_are_alike_are_kept_apart_and_named_without_what_is_private(
    board: Board, program: Callable[[str, str], None]
) -> None:
    program("measure", 'echo "$*"')
    asked = [("a", "b"), ("a-b",), ("-a", "b"), ("a.workbench7",), ("a_b",), ("x" * 300,), ("x" * 301,), ("../../b",)]
    told = [board.commands.run("measure", *words) for words in asked]
    read = board.read_again().commands
    assert [read.run("measure", *words) for words in asked if "workbench7" not in words[0]] == [
        answer for answer in told if "workbench7" not in str(answer)
    ]
    assert all("workbench7" not in path.name for path in board.made.rglob("*"))
    assert len(list((board.made / "commands").iterdir())) == len(asked)


def test_what_cannot_be_recorded_is_noted_and_reading_goes_on(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    board.write("sys/a", "1")
    (board.made / "root").write_text("in the way", encoding="utf-8")
    assert board.files.text("sys/a") == "1"
    assert "not written\troot/sys/a" in board.notes()
    monkeypatch.setattr(recording, "MOST_FILES", 0)
    board.write("sys/b", "2")
    assert board.files.text("sys/b") == "2"
    assert "more than 0 files" in board.notes()
