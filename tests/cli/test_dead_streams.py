"""Standard streams that are full, closed or read by nobody: a documented status, and what was measured is saved."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.results import store

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Path]

pytestmark = pytest.mark.long
FEW = ("--number", "12", "--runs", "2")
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
NO_ANSWER = [
    pytest.param(">/dev/full", marks=FULL),
    ">&-",
    pytest.param(">/dev/full 2>/dev/full", marks=FULL),
    ">&- 2>&- <&-",
]
NO_MESSAGES = [pytest.param("2>/dev/full", marks=FULL), "2>&-"]


def shell(streams: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run lpbench with its streams as a shell's words say."""
    command = ["sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-m", "lpbench", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("streams", NO_ANSWER)
@pytest.mark.parametrize(
    "words", [["--version"], ["--help"], ["show", "--help"], ["results", "--json"], ["plugins"]], ids=" ".join
)
def test_an_answer_that_cannot_be_written_is_an_error(streams: str, words: list[str]) -> None:
    done = shell(streams, *words)
    assert done.returncode == 2
    assert done.stderr.startswith("error: standard output: cannot be used: ") or "2>" in streams
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("streams", NO_MESSAGES)
@pytest.mark.parametrize(
    ("words", "status"), [(["--version"], 0), (["results", "--json"], 0), (["show", "nothing"], 2), (["--nothing"], 2)]
)
def test_messages_that_cannot_be_written_change_nothing(streams: str, words: list[str], status: int) -> None:
    done = shell(streams, *words)
    assert done.returncode == status
    assert bool(done.stdout) == (status == 0)


@pytest.mark.parametrize("form", [[], ["--json"]])
@pytest.mark.parametrize("streams", NO_ANSWER)
def test_what_was_measured_is_saved_before_it_cannot_be_printed(fake_app: Make, streams: str, form: list[str]) -> None:
    done = shell(streams, "run", str(fake_app()), *FEW, *form)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    (path,) = store.folder().iterdir()
    assert store.load(path).state == "OK"
    assert f"saved {path}" in done.stderr or "2>" in streams


@pytest.mark.parametrize("streams", NO_MESSAGES)
def test_progress_and_notes_that_nobody_gets_cost_nothing(fake_app: Make, streams: str) -> None:
    done = shell(streams, "run", str(fake_app(work_us=2000)), "--runs", "3", "--max-time", "4", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["state"] == "OK"


def test_a_reader_that_leaves_before_the_answer_finds_it_saved(fake_app: Make) -> None:
    done = shell("| head -0; wait", "run", str(fake_app()), *FEW)
    assert "Traceback" not in done.stderr
    (path,) = store.folder().iterdir()
    assert f"saved {path}" in done.stderr


@FULL
@pytest.mark.parametrize("place", ["/dev/full", "full.json"])
def test_a_file_that_cannot_be_written_is_said_and_the_result_is_saved(
    fake_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "full.json").symlink_to("/dev/full")
    monkeypatch.chdir(tmp_path)
    done = shell("", "run", str(fake_app()), *FEW, "-o", place)
    assert done.returncode == 2
    assert f"{place}: cannot be written: No space left on device" in done.stderr
    assert store.load("last").state == "OK"
