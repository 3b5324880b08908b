"""The roof of this machine: once for real, and what becomes of runs that a test states."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

import lpbench
from lpbench.cli import main
from lpbench.errors import LpbenchError
from lpbench.jobs.roofline import _probe as job
from lpbench.machine.roofline import ThreadRoof
from lpbench.worker.requests import RoofRates

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]

pytest.importorskip("numpy", reason="needs numpy")
CORES = len(os.sched_getaffinity(0))


class Runs:
    """Stated runs in place of worker processes; each is a little faster than the one before."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.blas = "OpenBLAS"

    def __call__(self, threads: int, array_bytes: int) -> job.RoofRun:
        """Return the next run."""
        assert array_bytes >= job.LEAST_BYTES
        self.threads.append(threads)
        rate = 50.0 * threads + len(self.threads)
        rates = RoofRates((rate - 9, rate), {"read": (8.0, 10.0), "add": (7.0, 9.0)}, "", self.blas)
        return job.RoofRun(rates, "other processes used 50% of the CPU time" if len(self.threads) == 3 else "")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Replace the worker processes, and the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    stated = Runs()
    monkeypatch.setattr(job, "_run", stated)
    return stated


def test_a_roof_is_measured_once_and_again_where_that_is_asked_for(runs: Runs) -> None:
    first = lpbench.roofline(threads=[1])
    assert runs.threads == [1] * job.RUNS
    assert lpbench.roofline(threads=[1]) == first
    assert len(runs.threads) == job.RUNS
    assert lpbench.roofline(threads=[1], refresh=True) != first
    assert len(runs.threads) == 2 * job.RUNS


def test_the_best_repetition_of_each_run_and_its_disturbance_are_kept(runs: Runs) -> None:
    point = lpbench.roofline(threads=[1]).at(1)
    assert isinstance(point, ThreadRoof)
    assert point.product.runs == (51.0, 52.0, 53.0, 54.0, 55.0, 56.0)
    assert point.product.repetitions == 2 * job.RUNS
    assert (point.stream, point.bandwidth.best) == ("read", 10.0)
    assert point.disturbances == ("other processes used 50% of the CPU time",)
    assert len(point.cores) == 1


@pytest.mark.skipif(CORES < 2, reason="needs two cores")
def test_numbers_of_threads_take_turns_and_are_added_to_what_is_known(runs: Runs) -> None:
    lpbench.roofline(threads=[1])
    both = lpbench.roofline(threads=[1, 2])
    assert runs.threads == [1] * job.RUNS + [2] * job.RUNS
    assert [point.threads for point in both.points] == [1, 2]
    lpbench.roofline(threads=[1, 2], refresh=True)
    assert runs.threads[2 * job.RUNS :] == [1, 2] * job.RUNS


@pytest.mark.skipif(CORES < 2, reason="needs two cores")
def test_another_blas_makes_another_roof(runs: Runs) -> None:
    lpbench.roofline(threads=[1])
    runs.blas = "another"
    assert [point.threads for point in lpbench.roofline(threads=[2]).points] == [2]


def test_more_threads_than_cores_are_refused_with_the_number_there_is(runs: Runs) -> None:
    with pytest.raises(LpbenchError, match=f"there are {CORES} here"):
        lpbench.roofline(threads=[CORES + 1])
    assert runs.threads == []


def test_too_little_memory_is_an_error_that_says_how_much(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lpbench.machine.available_memory", lambda: 100 << 20)
    with pytest.raises(LpbenchError, match="100 MiB are free"):
        lpbench.roofline(threads=[1])


def test_a_cache_that_cannot_be_written_costs_only_the_keeping(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    roof = lpbench.roofline(threads=[1])
    assert roof.points
    assert roof.unkept


def test_doctor_measures_the_roof_on_request_and_shows_the_one_that_is_kept(runs: Runs, capsys: Capture) -> None:
    assert main(["doctor"]) == 0
    assert "lpbench doctor --roofline does it" in capsys.readouterr().out
    assert not runs.threads
    assert main(["doctor", "--roofline", "--threads", "1"]) == 0
    shown = capsys.readouterr().out
    assert "56 (51)" in shown
    assert "doubtful: 1 thread: 1 run of 6" in shown
    assert main(["doctor", "--json"]) == 0
    (point,) = json.loads(capsys.readouterr().out)["roof"]["points"]
    assert (point["peak_gflops"], point["bandwidth_gbs"], point["ridge_flop_per_byte"]) == (56, 10, 5.6)
    assert len(runs.threads) == job.RUNS


@pytest.mark.long
def test_this_machine_has_a_roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose rates lie between those of a clock that stands and of the largest computers."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(job, "RUNS", 2)
    told: list[str] = []
    point = lpbench.roofline(threads=[1], progress=told.append).at(1)
    assert isinstance(point, ThreadRoof)
    assert point.cores == (max(os.sched_getaffinity(0)),)
    assert 0.01 < point.product.best < 1e4
    assert 0.01 < point.bandwidth.best < 1e4
    assert told == [f"measuring the roof of 1 thread, run {at} of 2" for at in (1, 2)]
