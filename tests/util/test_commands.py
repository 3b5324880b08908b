"""Commands as real programs that answer, fail, hang, flood and go on; none makes asking raise or leaves a child."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from lpbench.util.commands import LONGEST, Stream, SystemCommands
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif("os.name == 'nt'", reason="programs are scripts of a shell")
PATIENCE_S = 20.0


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that makes a script the program ``sensor``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def write(script: str) -> None:
        (folder / "sensor").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / "sensor").chmod(0o755)

    return write


def _reason(answer: str | Unavailable | Stream) -> Unavailable:
    assert isinstance(answer, Unavailable)
    return answer


def _gone(process: int) -> bool:
    """Return whether a process ends in time."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def _until(stream: Stream, enough: Callable[[list[str]], bool]) -> list[str]:
    """Return the lines of a stream as soon as they are enough."""
    lines: list[str] = []
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and not enough(lines):
        lines += stream.lines()
        time.sleep(0.01)
    return lines


def test_what_a_command_prints_is_the_answer_in_the_c_locale(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    program('echo "$LC_ALL $1"; echo to the errors >&2')
    assert SystemCommands().run("sensor", "a b; exit 1") == "C a b; exit 1\n"  # no shell takes the words apart


def test_nothing_is_typed_into_a_command(program: Callable[[str], None]) -> None:
    program("cat; echo end")
    assert SystemCommands().run("sensor", timeout=PATIENCE_S) == "end\n"


def test_a_program_that_is_not_there_is_not_installed(program: Callable[[str], None]) -> None:
    program("exit 0")
    commands = SystemCommands()
    assert (commands.installed("sensor"), commands.installed("other-sensor")) == (True, False)
    assert _reason(commands.run("other-sensor", "-x")) == Unavailable("not installed: other-sensor", "not-installed")
    assert _reason(commands.follow("other-sensor")).code == "not-installed"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo first >&2; echo no permission >&2; exit 3", ": no permission"),
        ("echo on standard output; exit 3", ": on standard output"),
        ("exit 3", "exit status 3"),
        ("kill -9 $$", "SIGKILL"),
        ("exec /nowhere/at/all", "exit status"),
    ],
)
def test_a_command_that_fails_is_told_with_how_and_its_last_line(
    program: Callable[[str], None], script: str, said: str
) -> None:
    program(script)
    reason = _reason(SystemCommands().run("sensor", "now"))
    assert reason.code == "failed"
    assert reason.reason.startswith("sensor now: ")
    assert said in reason.reason


def test_a_file_that_is_no_program_is_a_reason(program: Callable[[str], None], tmp_path: Path) -> None:
    program("")
    (tmp_path / "bin/sensor").write_bytes(b"\x7fELF nothing")
    assert _reason(SystemCommands().run("sensor")).code == "failed"
    assert _reason(SystemCommands().follow("sensor")).code == "failed"


@pytest.mark.parametrize("trap", ["", "trap '' TERM; "], ids=["ends", "ignores SIGTERM"])
def test_a_command_that_hangs_is_ended_with_its_children(
    program: Callable[[str], None], tmp_path: Path, trap: str
) -> None:
    program(f"{trap}sleep 600 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/parent; while :; do sleep 1; done")
    begun = time.monotonic()
    assert _reason(SystemCommands().run("sensor", timeout=0.7)).reason == "sensor did not answer within 0.7 s"
    assert time.monotonic() - begun < PATIENCE_S
    for name in ("child", "parent"):
        assert _gone(int((tmp_path / name).read_text(encoding="utf-8")))


def test_a_child_that_outlives_its_command_does_not_stay(program: Callable[[str], None], tmp_path: Path) -> None:
    program(f"sleep 600 >/dev/null 2>&1 & echo $! > {tmp_path}/child; echo 41")
    assert SystemCommands().run("sensor", timeout=PATIENCE_S) == "41\n"
    assert _gone(int((tmp_path / "child").read_text(encoding="utf-8")))


@pytest.mark.parametrize("end", ["", ">&2"], ids=["output", "errors"])
def test_a_flood_is_stopped(program: Callable[[str], None], end: str) -> None:
    program(f"head -c 10000000 /dev/zero {end}; sleep 600")
    reason = _reason(SystemCommands().run("sensor", timeout=PATIENCE_S))
    assert reason.reason == "sensor printed more than 1 MiB"


def test_binary_output_is_marked(program: Callable[[str], None]) -> None:
    program(r"printf '\377\376\000temp=41\n'")
    assert SystemCommands().run("sensor") == "\ufffd\ufffd\0temp=41\n"


def test_lines_come_when_they_are_complete(program: Callable[[str], None], tmp_path: Path) -> None:
    program(f"printf 'one\\ntw'; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; printf 'o\\nthree'; sleep 600")
    stream = SystemCommands().follow("sensor")
    assert not isinstance(stream, Unavailable)
    assert _until(stream, bool) == ["one"]
    assert stream.lines() == []
    (tmp_path / "go").touch()
    assert _until(stream, bool) == ["two"]
    assert stream.ended() == ""
    stream.close()
    stream.close()
    assert stream.lines() == []


def test_a_stream_that_ends_says_how_after_its_lines(program: Callable[[str], None]) -> None:
    program("echo last words; exit 4")
    stream = SystemCommands().follow("sensor")
    assert not isinstance(stream, Unavailable)
    assert _until(stream, bool) == ["last words"]
    end = time.monotonic() + PATIENCE_S
    while not stream.ended() and time.monotonic() < end:
        time.sleep(0.01)
    assert stream.ended() == "exit status 4"
    stream.close()


def test_a_line_without_end_is_forgotten_and_what_follows_is_read(program: Callable[[str], None]) -> None:
    program(f"head -c {3 * LONGEST} /dev/zero; echo; echo after; sleep 600")
    stream = SystemCommands().follow("sensor")
    assert not isinstance(stream, Unavailable)
    lines = _until(stream, lambda lines: "after" in lines)
    assert lines[-1] == "after"
    assert all(len(line) <= LONGEST for line in lines)
    stream.close()


@pytest.mark.parametrize("trap", ["", "trap '' TERM; "], ids=["ends", "ignores SIGTERM"])
def test_a_stream_is_closed_with_its_children(program: Callable[[str], None], tmp_path: Path, trap: str) -> None:
    program(f"{trap}sleep 600 & echo $! > {tmp_path}/child; echo ready; while :; do sleep 1; done")
    stream = SystemCommands().follow("sensor")
    assert not isinstance(stream, Unavailable)
    assert _until(stream, bool) == ["ready"]
    stream.close()
    assert _gone(int((tmp_path / "child").read_text(encoding="utf-8")))
