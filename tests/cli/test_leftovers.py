"""What an engine's library has started is gone however a command ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.long


def _runs(pid: int) -> bool:
    """Say whether a process is there and no mere remainder that nobody waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait(until: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def _measuring(app: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "lpbench", "run", str(app), "--engine", "fake", *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda n: n.name)
def test_no_process_is_left_by_a_command_that_is_ended(
    fake_app: Callable[..., Path], tmp_path: Path, number: signal.Signals
) -> None:
    litter = tmp_path / "litter"
    with _measuring(fake_app(litter=str(litter), work_us=1000), "--runs", "3", "--number", "100000") as command:
        _wait(litter.is_file)
        pids = list(map(int, litter.read_text(encoding="ascii").split()))
        assert all(map(_runs, pids))
        command.send_signal(number)
    _wait(lambda: not any(map(_runs, pids)))


def test_no_process_is_left_by_a_command_that_is_done(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    litter = tmp_path / "litter"
    with _measuring(fake_app(litter=str(litter)), "--runs", "1", "--number", "12") as command:
        pass
    assert command.returncode == 0
    assert not any(map(_runs, map(int, litter.read_text(encoding="ascii").split())))


COMMANDS = {
    "check": ["check", "fake", "--model", "{app}/model.fake"],
    "doctor": ["doctor"],
}


def _begun(words: list[str], temporary: Path) -> subprocess.Popen[bytes]:
    """Begin a command whose temporary folder is this one, and wait until it has a child."""
    temporary.mkdir(exist_ok=True)
    command = subprocess.Popen(
        [sys.executable, "-m", "lpbench", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    children = Path(f"/proc/{command.pid}/task/{command.pid}/children")
    _wait(lambda: children.read_text(encoding="ascii").strip())
    return command


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_is_ended_leaves_neither_processes_nor_temporary_files(
    fake_app: Callable[..., Path], tmp_path: Path, words: list[str], number: signal.Signals
) -> None:
    if words[0] == "check":
        pytest.importorskip("numpy")  # else it is over in a moment
    litter, temporary = tmp_path / "litter", tmp_path / "temporary"
    app = fake_app(litter=str(litter), work_us=200_000)
    with _begun([word.format(app=app) for word in words], temporary) as command:
        if words[0] != "doctor":
            _wait(lambda: litter.is_file() and litter.read_text(encoding="ascii").strip())
        command.send_signal(number)
    assert command.returncode == 128 + number
    assert not any(temporary.iterdir())
    if litter.is_file():
        _wait(lambda: not any(map(_runs, map(int, litter.read_text(encoding="ascii").split()))))


def test_the_temporary_files_of_a_command_that_was_killed_are_removed_by_the_next(
    fake_app: Callable[..., Path], tmp_path: Path
) -> None:
    pytest.importorskip("numpy")
    temporary = tmp_path / "temporary"
    words = ["check", "fake", "--model", str(fake_app(work_us=200_000) / "model.fake")]
    with _begun(words, temporary) as command:
        _wait(lambda: any(temporary.iterdir()))
        command.kill()
    (left,) = temporary.iterdir()
    with _begun(words, temporary) as command:
        _wait(lambda: not left.exists())
        command.send_signal(signal.SIGTERM)
    assert not any(temporary.iterdir())
