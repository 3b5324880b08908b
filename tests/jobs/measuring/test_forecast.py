"""What a benchmark says before it takes longer than it may, or asks for more threads than there are cores."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.cli import main
from lpbench.jobs.measuring.session import benchmark
from lpbench.render import text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.jobs.measuring.progress import Progress
    from lpbench.results.model import Result

    Make = Callable[..., Path]

pytestmark = pytest.mark.long


def notes(result: Result, name: str) -> list[str]:
    return [note["reason"] for note in result.resolved.notes if note["name"] == name]


@pytest.mark.long
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_time": 0.5}, "3 runs (fewer give no interval), each with "),
        ({"max_time": 0.5, "runs": 2}, "2 runs, each with "),
        ({"max_time": 0.5, "runs": 1, "number": 8}, "1 run, each with "),
    ],
    ids=["pilot", "runs", "number"],
)
def test_a_time_that_cannot_be_kept_is_told_before_anything_is_timed(
    fake_app: Make, settings: dict[str, Any], words: str
) -> None:
    seen: list[Progress] = []
    result = benchmark(fake_app(work_us=100_000), **settings, progress=seen.append)
    (told,) = [at for at, each in enumerate(seen) if each.note]
    assert not any(each.phase == "measuring" for each in seen[:told])
    assert seen[told].note.startswith("0.5 s are not enough: the shortest benchmark takes about ")
    assert words in seen[told].note
    (kept,) = notes(result, "time")
    assert kept.startswith(seen[told].note)
    assert "; it took " in kept, "and how it came out"
    assert kept.replace("  ", " ") in " ".join(text(result).split())


def test_the_time_of_all_engines_counts(fake_app: Make) -> None:
    result = benchmark(fake_app(work_us=50_000), engine=["fake", "fake:extra_us=1", "absent"], max_time=0.5, runs=1)
    (kept,) = notes(result, "time")
    assert "1 run of each of 2 engines" in kept


@pytest.mark.long
@pytest.mark.parametrize("settings", [{"max_time": 600.0}, {}], ids=["enough", "not asked"])
def test_nothing_is_said_of_a_time_that_is_kept_or_was_not_asked_for(fake_app: Make, settings: dict[str, Any]) -> None:
    result = benchmark(fake_app(work_us=100_000), runs=1, number=150, **settings)
    assert not result.resolved.notes


def test_more_threads_than_cores_are_told_before_the_start_and_kept(
    fake_app: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    cores = len(os.sched_getaffinity(0))
    seen: list[Progress] = []
    result = benchmark(fake_app(), engine=["fake", "fake:threads=4000"], number=6, runs=1, progress=seen.append)
    assert seen[0].note == f"fake:threads=4000: {notes(result, 'threads')[0].partition(': ')[2]}"
    assert f"4000 threads on {cores} core" in seen[0].note
    assert len([each for each in seen if each.note]) == 1
    assert main(["run", str(fake_app("other")), "--threads", "4000", "--number", "6", "--runs", "1"]) == 0
    shown = capsys.readouterr()
    assert "note: fake: 4000 threads on " in shown.err
    assert "threads: fake: 4000 threads on " in shown.out


def test_the_cores_are_those_that_the_worker_may_use(fake_app: Make) -> None:
    (core, *_) = sorted(os.sched_getaffinity(0))
    result = benchmark(fake_app(), threads=2, affinity=[core], number=6, runs=1)
    assert notes(result, "threads")[0].startswith("fake: 2 threads on 1 core: ")
    assert not benchmark(fake_app("one"), threads=1, affinity=[core], number=6, runs=1).resolved.notes


def test_the_time_left_is_shown_once_every_engine_was_loaded(fake_app: Make) -> None:
    seen: list[Progress] = []
    benchmark(fake_app(work_us=1000), engine=["fake", "fake:extra_us=1"], runs=2, max_time=4, progress=seen.append)
    first = next(at for at, each in enumerate(seen) if each.left_s is not None)
    assert {each.configuration for each in seen[:first]} == {"fake:extra_us=0.0", "fake:extra_us=1.0"} or first > 0
    assert all(each.left_s is None for each in seen[:first])
    assert all(each.left_s is not None and each.left_s >= 0 for each in seen[first:] if not each.note)
    assert seen[first].run == 0
    assert seen[first].phase not in {"starting", "loading"}
