"""Finished runs are kept at once, and what a benchmark that died left is a result like any other."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lpbench
from lpbench.errors import ResultError
from lpbench.jobs.measuring.session import benchmark, measure
from lpbench.results import store
from lpbench.results.journal import Journal, recover
from lpbench.results.saved import saved
from lpbench.results.settings import RunSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.jobs.measuring.progress import Progress
    from lpbench.results.model import Result

pytest.importorskip("fcntl", reason="needs fcntl")


def journals() -> list[Path]:
    return sorted(store.folder().glob("*.journal"))


def dies(app: Path, **asked: Any) -> Result:
    """Measure with a journal that is left behind, as by a process that is killed, and return what was found."""
    with store.begin() as journal:
        return measure(app, RunSettings.of({"number": 12, "runs": 2, **asked}), journal=journal)


@pytest.mark.long
def test_what_is_recovered_is_what_a_normal_end_would_have_saved(fake_app: Callable[..., Path]) -> None:
    whole = dies(fake_app(work_us=300), engine=["fake", "fake:threads=2", "absent"], number=None, max_time=4.0)
    recovered = lpbench.last()
    assert [each.runs for each in recovered.configurations] == [each.runs for each in whole.configurations]
    assert recovered.configurations == whole.configurations
    assert (recovered.lockstep, recovered.yardstick) == (whole.lockstep, whole.yardstick)
    assert (recovered.app, recovered.settings) == (whole.app, whole.settings)
    assert recovered.lockstep[0].ratios
    assert recovered.state == "interrupted"
    (note,) = (each for each in recovered.resolved.notes if each["name"] == "recovered")
    assert "4 finished runs" in note["reason"]
    assert not journals()


def test_a_chain_and_its_quality_are_recovered_too(fake_app: Callable[..., Path]) -> None:
    whole = dies(fake_app(), explain=True)
    assert lpbench.last().configurations == whole.configurations
    assert whole.configurations[0].predictions


def test_a_run_that_failed_is_recovered_with_the_reason(fake_app: Callable[..., Path]) -> None:
    app = fake_app(work_us=20_000, at="run", do="crash", after=80)
    whole = dies(app, number=240)
    assert whole.configurations[0].measured
    assert lpbench.last().configurations[0].state == whole.configurations[0].state
    assert "SIGSEGV" in whole.configurations[0].state


def test_a_benchmark_that_is_alive_is_left_alone(fake_app: Callable[..., Path]) -> None:
    with store.begin() as journal:
        measure(fake_app(), RunSettings.of({"number": 6}), journal=journal)
        assert len(journals()) == 1
        assert saved() == []
        with pytest.raises(ResultError, match="no result has been saved"):
            store.load("last")
        assert len(journals()) == 1
    (found,) = saved()
    assert found.state == "interrupted"


def test_nothing_is_written_unless_it_is_to_be_saved(fake_app: Callable[..., Path]) -> None:
    seen: list[bool] = []
    benchmark(fake_app(), number=12, runs=2, progress=lambda _: seen.append(store.folder().exists()))
    assert seen
    assert not any(seen)


def test_a_saved_result_leaves_no_journal(fake_app: Callable[..., Path]) -> None:
    kept: list[int] = []
    made = benchmark(fake_app(), number=12, runs=2, save=True, progress=lambda _: kept.append(len(journals())))
    assert kept[-1] == 1, "the first run was kept while the second was measured"
    assert [each.name.endswith(".json") for each in store.folder().iterdir()] == [True]
    assert lpbench.last() == made


def test_a_benchmark_without_a_finished_run_leaves_nothing(fake_app: Callable[..., Path]) -> None:
    assert not dies(fake_app(at="load", do="crash")).configurations[0].measured
    assert len(journals()) == 1
    assert saved() == []
    assert not journals()


def test_what_was_saved_just_before_the_end_is_not_recovered_twice(fake_app: Callable[..., Path]) -> None:
    made = dies(fake_app())
    (journal,) = journals()
    made.save(journal.with_suffix(".json"))
    assert lpbench.last() == made
    assert not journals()


def test_recovered_results_keep_their_place_among_the_others(fake_app: Callable[..., Path]) -> None:
    app = fake_app()
    dies(app)
    (journal,) = journals()
    os.utime(journal, (1_000_000_000, 1_000_000_000))
    newer = benchmark(app, number=6, save=True)
    assert lpbench.last() == newer
    assert [each.state for each in saved()] == ["OK", "interrupted"]


def test_a_full_disk_is_said_once_and_measuring_goes_on(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    notes: list[str] = []

    def note(progress: Progress) -> None:
        notes.extend(filter(None, [progress.note]))

    monkeypatch.setattr(os, "pwrite", full)
    made = benchmark(fake_app(), number=24, runs=4, save=True, progress=note)
    assert len(made.configurations[0].counted) == 4
    assert [each for each in notes if "not kept" in each] == [
        "finished runs are not kept until the end: No space left on device"
    ]
    assert lpbench.last() == made


def test_a_disk_that_fills_up_while_a_line_is_written_costs_that_line(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = os.pwrite, iter(range(1000))

    def fills_up(descriptor: int, data: bytes, at: int) -> int:
        call = next(calls)
        if call > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:50] if call == 2 else data, at)

    monkeypatch.setattr(os, "pwrite", fills_up)
    dies(fake_app(), number=24, runs=4)
    assert len(lpbench.last().configurations[0].counted) == 1


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the journal of two configurations with two runs each, made of values."""
    from array import array

    from lpbench import machine
    from lpbench.plugin.configuration import EngineConfiguration
    from lpbench.results.recorded import Course, RunRecord, Subject, TargetFacts
    from lpbench.results.run import Slice
    from lpbench.results.settings import Resolved

    names = ("a", "b")
    targets = tuple(TargetFacts(EngineConfiguration(name), name, "x 1", name) for name in names)
    app = {"name": "app", "class": "model", "digest": None}
    subject = Subject(app, RunSettings(), Resolved(), isolated=True, targets=targets)
    columns = {
        stage: array("q", [1000 * part] * 8)
        for stage, part in (("preprocessing", 1), ("inference", 2), ("postprocessing", 3), ("total", 6))
    }
    folder = tmp_path_factory.mktemp("left")
    with Journal(lambda: folder) as journal:
        for index in range(2):
            for target in range(2):
                run = RunRecord(
                    index,
                    opened=True,
                    columns=columns,
                    slices=(Slice(8, 1, 1.0, 1, 1),),
                    counters={"wall_ns": 9e6, "cpu_ns": 9e6, "switches": 0.0, "faults": 0.0},
                    resident=(9_000_000,),
                    environment=machine.environment(),
                    turns={"total": (1.0, 2.0)},
                )
                journal.add(lambda: subject, Course(("", ""), (None, None)), target, run)
    (path,) = folder.iterdir()
    return path


def recovered(data: bytes, folder: Path) -> list[int] | str:
    """Return the number of runs of each configuration that are recovered of a journal, or why none is."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "some.journal"
    path.write_bytes(data)
    failed = recover(folder)
    if path.exists():
        return failed[path]
    return [len(each.counted) for file in folder.glob("*.json") for each in store.load(file).configurations]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_wherever_a_journal_is_cut_short_the_whole_runs_are_recovered(left: Path, tmp_path: Path, share: float) -> None:
    data = left.read_bytes()
    cut = data[: round(share * len(data))]
    whole = max(0, cut.count(b"\n") - 1)
    assert recovered(cut, tmp_path / "store") == ([] if not whole else [(whole + 1) // 2, whole // 2])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4
    )
)
def test_a_damaged_journal_is_a_result_or_a_reason(
    left: Path, tmp_path: Path, places: list[tuple[float, bytes]]
) -> None:
    data = bytearray(left.read_bytes())
    for share, some in places:
        at = int(share * len(data))
        data[at : at + len(some)] = some
    found = recovered(bytes(data), tmp_path / "store")
    assert isinstance(found, (list, str))


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.update(target=2),
        lambda line: line.update(target=-1),
        lambda line: line.update(target="0"),
        lambda line: line["run"].update(index="x"),
        lambda line: line["run"]["columns"]["total"].update(count=7),
        lambda line: line["run"]["columns"]["total"].update(count=10**9),
        lambda line: line["run"]["columns"].update(total=[1]),
        lambda line: line["run"].update(environment=[]),
        lambda line: line["run"].update(outcome={"kind": "wonderful"}),
        lambda line: line["course"].update(apart=[]),
        lambda line: line.pop("course"),
        lambda line: line.update(run=[]),
    ],
)
def test_a_line_that_contradicts_the_others_ends_what_is_read(
    left: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any]
) -> None:
    head, *lines = map(json.loads, left.read_bytes().splitlines())
    change(lines[2])
    data = b"".join(json.dumps(each).encode() + b"\n" for each in (head, *lines))
    assert recovered(data, tmp_path / "store") == [1, 1]


def test_a_journal_that_cannot_be_recovered_is_listed_and_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    from lpbench.cli import main

    store.folder().mkdir(parents=True)
    (store.folder() / "x.journal").write_bytes(b'{"format": "other"}\n')
    assert main(["results"]) == 0
    assert "unreadable" in capsys.readouterr().out
    assert main(["results", "x.journal", "--delete", "--yes"]) == 0
    assert list(store.folder().iterdir()) == []


def test_numbers_of_a_benchmark_that_repeats_runs_are_recovered(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was repeated counts no more, after a crash too."""
    from lpbench.jobs.measuring import rounds

    def repeat(self: Any, index: int) -> None:
        for track in self._tracks:
            track.recorders[0].superseded = index == 1 or track.recorders[0].superseded

    monkeypatch.setattr(rounds.Rounds, "_repeat", repeat)
    whole = dies(fake_app(), number=24, runs=3)
    found = lpbench.last()
    assert [run.superseded for run in found.configurations[0].runs] == [True, False, False]
    assert dataclasses.replace(found.configurations[0]) == whole.configurations[0]
