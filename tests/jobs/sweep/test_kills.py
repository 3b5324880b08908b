"""kill -9 at any moment: nothing is lost, and nothing that was kept is measured again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lpbench
from lpbench.jobs.sweep import begun

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_sweep_killed_at_any_statement_goes_on_as_if_it_had_not_been(
    fake_app: Callable[..., Path], tmp_path: Path
) -> None:
    program = Path(__file__).with_name("killed.py")
    command = [sys.executable, str(program), str(fake_app()), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    kept = {len(each["before"]) for each in found}
    assert kept == {0, 1, 2, 3}, "they were killed before anything was kept, after each block, and after the last"
    for each in found:
        assert each["complete"]
        assert each["states"] == ["OK"]
        assert len(each["rows"]) == 3
        assert sorted(each["before"] + each["after"]) == sorted(each["rows"])


@pytest.mark.long
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_sweep_killed_while_it_measures_keeps_what_it_had_and_measures_the_rest(
    fake_app: Callable[..., Path], tmp_path: Path
) -> None:
    """Killed after each block and somewhere in the next one, until there is none: rows that were kept never change."""
    app, folder = fake_app(work_us=50), tmp_path / "rows"
    chance = random.Random(7)  # noqa: S311 - a test that can be repeated, no secret
    words = ["--engines", "fake,fake:extra_us=100,fake:extra_us=200", "--block", "1", "--runs", "2"]
    command = [sys.executable, "-m", "lpbench", "sweep", str(app), *words, "--max-time", "0.5", "-o", str(folder)]
    kept: dict[int, object] = {}
    for killed in range(4):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if killed < 3:
            while running.poll() is None and len(measured(folder)) < killed:
                time.sleep(0.05)
            time.sleep(chance.uniform(0.0, 1.5))
            running.kill()
        _, said = running.communicate(timeout=250)
        found = measured(folder)
        assert kept.items() <= found.items(), said
        kept = found
    assert running.returncode == 0, said
    sweep = lpbench.load_sweep(folder)
    assert sweep.complete
    assert len(kept) == len(sweep.rows) == 3
    assert all((folder / row.result).is_file() for row in sweep.rows)


def measured(folder: Path) -> dict[int, object]:
    """Return what was measured of each row that is kept, by its number."""
    if not begun(folder):
        return {}
    rows = [row for row in lpbench.load_sweep(folder).rows if row.state == "OK"]
    return {row.number: (row.metrics["LATENCY"], row.metrics["LATENCY_RATIO"]) for row in rows}
