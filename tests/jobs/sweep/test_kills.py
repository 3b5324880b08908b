"""kill -9 at any moment: nothing is lost, and nothing that was kept is measured again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
