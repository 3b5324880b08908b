"""Helper programs end with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.util import processes

if TYPE_CHECKING:
    from collections.abc import Callable

NESTED = """
import sys
from pathlib import Path
from lpbench.util import processes
command = ["sh", "-c", f"echo $$ > {sys.argv[1]}; sleep 60"]
processes.run(command, log=Path(sys.argv[2]), timeout=60, tick=lambda _: None, own_group=False)
"""


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not until():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def test_a_helper_of_a_helper_ends_with_its_group(tmp_path: Path) -> None:
    """A converter's tool does not outlive the conversion that was given up."""
    number, log = tmp_path / "pid", tmp_path / "log"
    helper = subprocess.Popen([sys.executable, "-c", NESTED, str(number), str(log)], start_new_session=True)
    wait(lambda: number.is_file() and number.read_text().endswith("\n"))
    os.killpg(helper.pid, signal.SIGKILL)
    helper.wait()
    wait(lambda: not runs(int(number.read_text())))


def runs(pid: int) -> bool:
    """Say whether a process is there and no mere remainder that nobody waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("own_group", [True, False])
def test_a_late_helper_is_ended(tmp_path: Path, *, own_group: bool) -> None:
    with pytest.raises(TimeoutError, match=r"ran longer than 0\.3 s"):
        processes.run(["sleep", "60"], log=tmp_path / "log", timeout=0.3, tick=lambda _: None, own_group=own_group)
