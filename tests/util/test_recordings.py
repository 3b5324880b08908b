"""Recordings come from strangers: whatever they hold, reading them neither raises nor leads out of them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.errors import ConfigError
from lpbench.util.file_tree import LONGEST
from lpbench.util.recordings import COMMANDS, COMMANDS_LATER, Recording, answers, is_recording
from lpbench.util.unavailable import Unavailable

GOOD = {"format": "lpbench-recording", "version": 1, "seconds": 2.0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty recording."""
    return made(tmp_path / "board")


def made(folder: Path, head: Any = GOOD) -> Path:
    """Return a folder with a head, which may be text that is no JSON."""
    folder.mkdir(exist_ok=True)
    text = head if isinstance(head, str) else json.dumps(head)
    (folder / "recording.json").write_text(text, encoding="utf-8")
    return folder


def write(path: Path, text: str) -> None:
    """Write a file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "head",
    [
        "",
        "{",
        "[]",
        "null",
        '{"a":' * 5000,
        "\ufeff{}",
        {},
        {**GOOD, "format": "other"},
        {**GOOD, "version": 2},
        {**GOOD, "version": "1"},
        *({**GOOD, "seconds": seconds} for seconds in (0, -1, "2", None, True, [1], 1e300, float("nan"), float("inf"))),
        "x" * 100_000,
    ],
    ids=lambda head: str(head)[:40],
)
def test_a_head_that_is_none_is_named_with_its_file(tmp_path: Path, head: Any) -> None:
    with pytest.raises(ConfigError, match=r"recording\.json") as error:
        Recording(made(tmp_path / "board", head))
    assert len(str(error.value)) < 1000


def test_a_folder_without_a_head_is_no_recording(tmp_path: Path) -> None:
    assert not is_recording(tmp_path)
    (tmp_path / "recording.json").mkdir()
    assert not is_recording(tmp_path)
    with pytest.raises(ConfigError):
        Recording(tmp_path)


def test_files_and_clock_go_on_to_the_second_moment(folder: Path) -> None:
    write(folder / "root/proc/stat", "cpu 1\n")
    write(folder / "root/proc/same", "same\n")
    write(folder / "later/proc/stat", "cpu 2\n")
    recording = Recording(folder)
    assert (recording.clock(), recording.files.text("proc/stat")) == (0.0, "cpu 1")
    recording.advance()
    assert (recording.clock(), recording.files.text("proc/stat")) == (2.0, "cpu 2")
    assert recording.files.text("proc/same") == "same"
    assert not recording.files.here


def test_commands_answer_fail_or_are_not_installed(folder: Path) -> None:
    write(folder / "commands/a.txt", "$ vcgencmd measure_temp\nexit 0\n\ntemp=41.0'C\n")
    write(folder / "commands/b.txt", "$ vcgencmd measure_volts\nexit 2\n\nfirst\nunknown command\n")
    write(folder / "commands-later/a.txt", "$ vcgencmd measure_temp\nexit 0\n\ntemp=42.0'C\n")
    recording = Recording(folder)
    commands = recording.commands
    assert commands.run("vcgencmd", "measure_temp") == "temp=41.0'C\n"
    failed = commands.run("vcgencmd", "measure_volts")
    assert failed == Unavailable("vcgencmd measure_volts: exit status 2: unknown command", "failed")
    assert commands.run("vcgencmd", "get_mem") == Unavailable("not installed: vcgencmd", "not-installed")
    assert (commands.installed("vcgencmd"), commands.installed("tegrastats")) == (True, False)
    recording.advance()
    assert commands.run("vcgencmd", "measure_temp") == "temp=42.0'C\n"


def test_a_command_that_goes_on_gives_its_lines_once_at_each_moment(folder: Path) -> None:
    write(folder / "commands/a.txt", "$ tegrastats --interval 1000\nexit 0\n\none\ntwo\n")
    write(folder / "commands-later/a.txt", "$ tegrastats --interval 1000\nexit 0\n\nthree\n")
    recording = Recording(folder)
    stream = recording.commands.follow("tegrastats", "--interval", "100")
    assert not isinstance(stream, Unavailable)
    assert (stream.lines(), stream.lines()) == (["one", "two"], [])
    recording.advance()
    assert (stream.lines(), stream.lines(), stream.ended()) == (["three"], [], "")
    stream.close()
    assert isinstance(recording.commands.follow("tegrastats", "--other"), Unavailable)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$",
        "$ \nexit 0\n\nx",
        "vcgencmd\nexit 0\n\nx",
        "$ a\n\nx",
        "$ a\nexit x\n\n",
        "$ a\nexit 99999\n\n",
        "\0" * 9,
    ],
)
def test_a_file_that_is_no_answer_is_left_out(folder: Path, text: str) -> None:
    write(folder / "commands/a.txt", text)
    assert answers(folder) == []
    assert not Recording(folder).commands.installed("a")


@pytest.mark.skipif("os.name == 'nt'", reason="links need a privilege")
@pytest.mark.parametrize("whole", [True, False], ids=["a part", "a file"])
def test_links_that_lead_out_of_a_recording_lead_nowhere(tmp_path: Path, folder: Path, whole: bool) -> None:  # noqa: FBT001 - parametrised
    outside = tmp_path / "outside"
    for part in ("root", "later"):
        write(outside / part / "etc/shadow", "secret")
    write(outside / "commands/a.txt", "$ secret\nexit 0\n\nsecret\n")
    if whole:
        for part in ("root", "later", "commands"):
            (folder / part).symlink_to(outside / part)
    else:
        (folder / "root/etc").mkdir(parents=True)
        (folder / "root/etc/shadow").symlink_to(Path("../../../outside/root/etc/shadow"))
        (folder / "commands").mkdir()
        (folder / "commands/a.txt").symlink_to(outside / "commands/a.txt")
        (folder / "later").symlink_to(outside / "later")
    recording = Recording(folder)
    for _ in range(2):
        files = recording.files
        assert files.text("etc/shadow") is None
        assert not files.exists("etc/shadow")
        assert files.names("etc") == []
        assert "secret" not in files.missing("etc/shadow").reason
        assert not recording.commands.installed("secret")
        recording.advance()


def test_names_that_climb_out_lead_nowhere(tmp_path: Path, folder: Path) -> None:
    write(tmp_path / "secret", "secret")
    write(folder / "root/proc/stat", "cpu")
    files = Recording(folder).files
    for name in ("../../secret", "proc/../../../secret", str(tmp_path / "secret")):
        assert files.text(name) is None
        assert not files.exists(name)


@pytest.mark.skipif("os.name == 'nt'", reason="links need a privilege")
def test_links_within_a_recording_are_followed(tmp_path: Path, folder: Path) -> None:
    write(folder / "root/sys/devices/cpu0/temp", "41")
    (folder / "root/sys/class").symlink_to("devices")
    (tmp_path / "link").symlink_to(folder)
    assert Recording(folder).files.text("sys/class/cpu0/temp") == "41"
    assert Recording(tmp_path / "link").files.text("sys/class/cpu0/temp") == "41"


@pytest.mark.skipif("os.name == 'nt'", reason="there are no pipes in folders")
def test_huge_files_pipes_and_folders_in_the_place_of_files_are_bounded(folder: Path) -> None:
    for name in ("root/huge", "commands/huge.txt"):
        write(folder / name, "$ huge\nexit 0\n\n")
        with (folder / name).open("ab") as file:
            file.write(b"x" * 100)
            file.truncate(1 << 40)
    os.mkfifo(folder / "commands/pipe.txt")
    os.mkfifo(folder / "root/pipe")
    (folder / "commands/folder.txt").mkdir()
    recording = Recording(folder)
    assert len(recording.files.text("huge") or "") <= LONGEST
    assert recording.files.text("pipe") is None
    assert len(str(recording.commands.run("huge"))) <= LONGEST


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=200), max_size=4), st.binary(max_size=100))
def test_no_bytes_make_reading_raise(
    tmp_path_factory: pytest.TempPathFactory, commands: list[bytes], content: bytes
) -> None:
    folder = made(tmp_path_factory.mktemp("board"))
    for part in (COMMANDS, COMMANDS_LATER, "root", "later"):
        (folder / part).mkdir()
    for number, answer in enumerate(commands):
        (folder / COMMANDS / f"{number}.txt").write_bytes(b"$ a\nexit 0\n" + answer if number % 2 else answer)
    (folder / "root/temp").write_bytes(content)
    recording = Recording(folder)
    for _ in range(2):
        recording.files.number("temp")
        recording.commands.run("a")
        stream = recording.commands.follow("a", "1")
        assert isinstance(stream, Unavailable) or isinstance(stream.lines(), list)
        recording.advance()
