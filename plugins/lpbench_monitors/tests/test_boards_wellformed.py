"""The boards kept as text are complete recordings: small, readable, sourced, and of nobody's own machine."""

from __future__ import annotations

import json
import math
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from lpbench.plugin.monitor import SCOPES

BOARDS = Path(__file__).parent / "boards"
PARTS = {"recording.json", "about.md", "expected.json", "root", "later", "commands", "commands-later"}
LARGEST = 32 * 1024
"""Bytes; no sensor file or command of a board says more than this."""
UNITS = {"1", "%", "°C", "MHz", "MB", "MB/s", "W"}
NUL_ENDED = ("proc/device-tree/*", "*/of_node/name")
"""Files whose strings end in a NUL byte on the machine."""
SOURCE = re.compile(r"^\| `(?P<reading>[^`]+)` \| (?P<source>.+) \|$", re.MULTILINE)
COMMAND = re.compile(r"\$ (?P<line>\S.*)\nexit \d+\n\n(?s:.*)\n")
IDENTIFIERS = {
    "an address of a network card": re.compile(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b", re.IGNORECASE),
    "a UUID": re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE),
    "the id of a PCI device": re.compile(r"\b[0-9a-f]{4}:[0-9a-f]{4}\b(?!:)", re.IGNORECASE),
    "a serial number": re.compile(r"\bserial\b", re.IGNORECASE),
    "a long hexadecimal name": re.compile(r"\b(?=\w*[a-f])(?=\w*\d)[0-9a-f]{12,}\b", re.IGNORECASE),
    "a prompt with a host name": re.compile(r"\b[\w.-]+@[\w.-]+:[~/]"),
    "an internet address": re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
}
PRIVATE_FILES = re.compile(r"hostname|machine-id|serial|uuid|/address$|/net/|ssh|wtmp", re.IGNORECASE)


def _files(board: Path) -> list[Path]:
    return sorted(path for path in board.rglob("*") if not path.is_dir() or path.is_symlink())


def _beneath(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in _files(folder)}


def _command_line(path: Path) -> str:
    match = COMMAND.fullmatch(path.read_text(encoding="utf-8"))
    assert match, f"{path}: not a command line, its exit status, an empty line and its output"
    return match["line"]


def _sources(board: Path) -> list[str]:
    """Files and commands of which about.md names a document, by address."""
    about = (board / "about.md").read_text(encoding="utf-8")
    return [row["reading"] for row in SOURCE.finditer(about) if "://" in row["source"]]


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


@pytest.fixture(params=sorted(path.name for path in BOARDS.iterdir()))
def board(request: pytest.FixtureRequest) -> Path:
    """Return the folder of one board."""
    return BOARDS / str(request.param)


def test_a_board_has_the_parts_of_a_recording_and_no_others(board: Path) -> None:
    parts = {path.name for path in board.iterdir()}
    assert {"recording.json", "about.md", "expected.json"} <= parts <= PARTS
    assert parts & {"root", "commands"}, "a recording of nothing"
    recording = json.loads((board / "recording.json").read_text(encoding="utf-8"))
    assert (recording["format"], recording["version"]) == ("lpbench-recording", 1)
    assert _number(recording["seconds"])
    assert recording["seconds"] > 0


def test_every_file_is_small_plain_text(board: Path) -> None:
    for path in _files(board):
        assert path.is_file(), path
        assert not path.is_symlink(), path
        assert path.stat().st_size <= LARGEST, path
        text = path.read_bytes().decode("utf-8")
        nul_ended = any(fnmatch(path.relative_to(board).as_posix(), f"root/{pattern}") for pattern in NUL_ENDED)
        assert "\r" not in text, path
        assert ("\0" in text) == nul_ended, path
        assert text.endswith("\0" if nul_ended else "\n"), path


def test_the_second_moment_holds_only_what_changed(board: Path) -> None:
    for first, second in (("root", "later"), ("commands", "commands-later")):
        before, after = _beneath(board / first), _beneath(board / second)
        assert set(after) <= set(before)
        for name, path in after.items():
            assert path.read_bytes() != before[name].read_bytes(), path


def test_commands_are_answered_once_each_and_the_same_ones_later(board: Path) -> None:
    lines = {name: _command_line(path) for name, path in _beneath(board / "commands").items()}
    assert len(set(lines.values())) == len(lines)
    for name, path in _beneath(board / "commands-later").items():
        assert _command_line(path) == lines[name]


def test_about_names_a_document_for_every_file_and_command(board: Path) -> None:
    sources = _sources(board)
    for name in _beneath(board / "root"):
        assert any(fnmatch(name, pattern) for pattern in sources), f"{name}: no source in about.md"
    for path in _beneath(board / "commands").values():
        line = re.sub(r"-i \d+", "-i N", _command_line(path))
        assert line in sources, f"{line}: no source in about.md"


def test_expected_values_are_finite_numbers_with_unit_and_scope_or_missing(board: Path) -> None:
    expected = json.loads((board / "expected.json").read_text(encoding="utf-8"))
    assert expected
    for metric, reading in expected.items():
        assert re.fullmatch(r"[A-Z][A-Z_]+(/[a-z]+)?", metric)
        if reading != {"missing": True}:
            assert set(reading) == {"value", "unit", "scope"}, metric
            assert _number(reading["value"]), metric
            assert reading["unit"] in UNITS, metric
            assert reading["scope"] in SCOPES, metric


def test_nothing_tells_whose_machine_it_was(board: Path) -> None:
    for name, path in _beneath(board).items():
        assert not PRIVATE_FILES.search(name), name
        text = path.read_text(encoding="utf-8")
        for what, pattern in IDENTIFIERS.items():
            match = pattern.search(text)
            assert not match, f"{name}: {match[0]!r} looks like {what}"
