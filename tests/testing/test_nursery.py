"""Checks run in processes forked from one: each has its own end, its own log, and nothing outlives it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lpbench.util.process_state import has_ended

if TYPE_CHECKING:
    from pathlib import Path

SERVER = """
import os, signal, subprocess, sys
from pathlib import Path
from lpbench.testing import _nursery

held = []

def perform(order):
    what, place = order.split(":", 1)
    print(f"said {what}, after {held}", flush=True)
    held.append(what)
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "raise":
        raise ValueError("out of range")
    if what == "leave":
        left = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        Path(place).write_text(str(left.pid))
    return 3 if what == "three" else 0

_nursery.serve(perform)
"""

pytestmark = pytest.mark.skipif("not hasattr(os, 'fork')", reason="needs fork")


def test_each_check_has_an_end_and_a_log_of_its_own_and_leaves_nothing(tmp_path: Path) -> None:
    """Nothing that one leaves in its memory, on its standard output or running is there for the next."""
    left = tmp_path / "left"
    asked = ["three", "crash", "raise", "leave", "none"]
    orders = [json.dumps([f"{what}:{left}", str(tmp_path / what)]) for what in asked]
    ended = subprocess.run(
        [sys.executable, "-c", SERVER],
        input="\n".join([*orders, ""]),
        text=True,
        capture_output=True,
        timeout=100,
        check=True,
    )
    assert ended.stdout.split() == ["3", "-11", "1", "0", "0"]
    assert [(tmp_path / what).read_text().splitlines()[0] for what in asked] == [
        f"said {what}, after []" for what in asked
    ]
    assert "ValueError: out of range" in (tmp_path / "raise").read_text()
    assert has_ended(int(left.read_text()))
