"""What an engine's library has started is gone however a command ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


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
