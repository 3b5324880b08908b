"""A sweep from its first row to its last: what is kept, what is refused, and where it goes on."""

from __future__ import annotations

import dataclasses
import errno
import os
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.errors import LpbenchError
from lpbench.jobs.measuring import session
from lpbench.jobs.sweep import _sweep
from lpbench.results.settings import RunSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_every_configuration_has_a_row_and_is_measured_once(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path
) -> None:
    app, folder = fake_app(), tmp_path / "rows"
    sweep = pretended.swept(app, folder)
    assert sweep.complete
    assert sweep.blocks == (pretended.BLOCKS, pretended.BLOCKS)
    assert sorted(ledger.measured()) == sorted(row.configuration for row in sweep.rows)
    assert len(sweep.rows) == 10
    assert lpbench.load_sweep(folder) == sweep
    assert pretended.swept(app, folder) == sweep == lpbench.sweep(None, folder)
    assert len(ledger.measured()) == 10, "nothing is measured again"


def test_rows_of_different_hours_are_compared_by_the_reference(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine takes four times as long from the third block on; what a row is compared by does not show it."""
    folder, app = tmp_path / "rows", fake_app()

    def measure(*given: Any) -> Any:
        ledger.reference_ns *= 4.0 if len(ledger.measured()) == 4 else 1.0
        return ledger(*given)

    monkeypatch.setattr(_sweep, "measure", measure)
    sweep = pretended.swept(app, folder)
    raw = {row.configuration: row.metrics["LATENCY"].value for row in sweep.rows}
    assert raw["fake:extra_us=40:threads=2"] == pytest.approx(4 * raw["fake:extra_us=40:threads=1"])
    times = {row.configuration: row.metrics["LATENCY_REFERENCED"].value for row in sweep.rows}
    for us in (10, 20, 30, 40, 50):
        assert times[f"fake:extra_us={us}:threads=2"] == pytest.approx(times[f"fake:extra_us={us}:threads=1"])
    first = sweep.best_first().rows[0]
    assert first.metrics["LATENCY_RATIO"].value == pytest.approx(11.0)
    assert first.asked.engine == "fake:extra_us=10"


def test_what_cannot_be_measured_is_a_row_with_the_reason(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path
) -> None:
    sweep = lpbench.sweep(fake_app(), tmp_path / "rows", engines=["fake", "absent"], precisions=["F32", "S8"])
    reasons = {(row.asked.engine, row.asked.precision): (row.state, row.reason) for row in sweep.rows}
    assert reasons["fake", "F32"] == ("OK", "")
    assert reasons["fake", "S8"][0] == reasons["absent", "F32"][0] == "impossible"
    assert "pip install no-such-library" in reasons["absent", "F32"][1]
    assert 'no converter makes "s8"' in reasons["fake", "S8"][1]
    assert sweep.complete


def test_an_error_of_one_does_not_end_the_others(
    fake_app: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One configuration makes measuring fail as a whole; its row has the error, the others their figures."""
    folder, measured = tmp_path / "rows", session.measure
    quick = {"engine": "fake", "isolate": False, "number": 12, "yardstick": False}

    def measure(app: Any, settings: Any, **_: Any) -> Any:
        if any("extra_us=2" in words for words in settings.engine):
            raise LpbenchError("no such device")
        return measured(app, RunSettings.of(quick))

    monkeypatch.setattr(session, "measure", measure)
    engines = ["fake", "fake:extra_us=2"]
    sweep = lpbench.sweep(fake_app(), folder, engines=engines, reference="fake")
    assert (folder / sweep.rows[0].result).is_file()
    assert [row.state for row in sweep.rows] == ["OK", "failed"]
    assert "no such device" in sweep.rows[1].reason


def test_another_plan_another_app_and_another_machine_do_not_go_on_with_it(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, folder = fake_app(), tmp_path / "rows"
    pretended.swept(app, folder)
    with pytest.raises(LpbenchError, match="other seed"):
        pretended.swept(app, folder, seed=3)
    machines = {"hashes": {"machine": "another"}}
    with monkeypatch.context() as patch:
        patch.setattr("lpbench.machine.environment", lambda: machines)
        with pytest.raises(LpbenchError, match="another machine"):
            pretended.swept(None, folder)
    with sqlite3.connect(folder / "sweep.sqlite") as connection:
        connection.execute("UPDATE blocks SET reference = NULL WHERE block = 2")
    (app / "model.fake").write_text('{"work_us": 1}', encoding="ascii")
    with pytest.raises(LpbenchError, match="changed since"):
        pretended.swept(None, folder)


def test_a_finished_sweep_is_not_the_answer_for_an_app_that_has_changed(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path
) -> None:
    app, folder = fake_app(), tmp_path / "rows"
    done = pretended.swept(app, folder)
    assert ledger.measured()
    assert pretended.swept(app, folder).rows == done.rows
    (app / "model.fake").write_text('{"work_us": 1}', encoding="ascii")
    with pytest.raises(LpbenchError, match="changed since"):
        pretended.swept(app, folder)
    assert lpbench.load_sweep(folder).rows == done.rows


def test_ctrl_c_discards_the_block_and_keeps_those_before(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, folder = fake_app(), tmp_path / "rows"

    def measure(*given: Any) -> Any:
        if len(ledger.measured()) == 4:
            raise KeyboardInterrupt
        return ledger(*given)

    with monkeypatch.context() as patch:
        patch.setattr(_sweep, "measure", measure)
        with pytest.raises(KeyboardInterrupt):
            pretended.swept(app, folder)
    assert lpbench.load_sweep(folder).blocks == (2, pretended.BLOCKS)
    assert pretended.swept(app, folder).complete
    assert len(ledger.measured()) == 10


def test_two_sweeps_do_not_write_into_one_folder(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, folder = fake_app(), tmp_path / "rows"
    refused = []

    def measure(*given: Any) -> Any:
        with pytest.raises(LpbenchError, match="another sweep is writing there") as caught:
            pretended.swept(app, folder)
        refused.append(caught.value)
        assert lpbench.load_sweep(folder).rows, "reading does not wait"
        return ledger(*given)

    monkeypatch.setattr(_sweep, "measure", measure)
    assert pretended.swept(app, folder).complete
    assert len(refused) == pretended.BLOCKS


def test_a_full_disk_loses_nothing(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file may not grow from the third block on, as on a full disk; with space again, the same call goes on."""
    app, folder = fake_app(), tmp_path / "rows"
    from lpbench.jobs.sweep._queue import Queue

    finish = Queue.finish

    def full(queue: Queue, *given: Any) -> None:
        if queue.done[0] == 2:
            [(pages,)] = queue._rows("PRAGMA page_count")
            queue._rows(f"PRAGMA max_page_count = {pages}")
            block, outcomes, *rest = given
            outcomes = [type(each)(each.state, "x" * 100_000, each.found) for each in outcomes]
            given = (block, outcomes, *rest)
        finish(queue, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Queue, "finish", full)
        with pytest.raises(LpbenchError, match="the disk is full") as caught:
            pretended.swept(app, folder)
    assert "goes on" in caught.value.hint
    assert lpbench.load_sweep(folder).blocks == (2, pretended.BLOCKS)
    assert pretended.swept(app, folder).complete
    assert len(ledger.measured()) == 11, "the block that could not be kept was measured again, nothing else"


def test_a_result_that_cannot_be_kept_says_how_to_go_on(
    fake_app: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, measured = tmp_path / "rows", session.measure
    quick = RunSettings.of({"engine": "fake", "isolate": False, "number": 12, "yardstick": False})
    monkeypatch.setattr(session, "measure", lambda app, *_, **__: measured(app, quick))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("lpbench.results.files._write", full)
        with pytest.raises(LpbenchError, match="No space left on device; what was measured before is kept") as caught:
            lpbench.sweep(fake_app(), folder, engines="fake")
    assert "00001.json" in caught.value.where
    assert "free space" in caught.value.hint
    assert "goes on" in caught.value.hint
    assert lpbench.sweep(None, folder).complete


@pytest.mark.skipif(os.name != "posix" or not os.geteuid(), reason="needs a user other than root")
def test_a_folder_that_cannot_be_written_is_refused_before_anything(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path
) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(LpbenchError, match="cannot hold a sweep"):
        pretended.swept(fake_app(), tmp_path / "rows")


def test_going_on_with_nothing_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(LpbenchError, match="holds no sweep"):
        lpbench.sweep(None, tmp_path / "rows")
    assert not (tmp_path / "rows").exists()


def test_a_file_in_place_of_the_folder_is_named(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "rows").touch()
    with pytest.raises(LpbenchError, match="is a file") as caught:
        lpbench.sweep(fake_app(), tmp_path / "rows")
    assert "another folder" in caught.value.hint


def test_samples_that_are_not_there_are_an_error_before_anything_is_measured(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    for data, words in (("nowhere", "no such file or folder"), ("empty", "holds no samples")):
        with pytest.raises(LpbenchError, match=words):
            lpbench.sweep(fake_app(f"for-{data}"), tmp_path / "rows", engines="fake", data=tmp_path / data)
    assert not ledger.measured()


def test_rows_are_filtered_and_sorted_by_column(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path
) -> None:
    sweep = pretended.swept(fake_app(), tmp_path / "rows")
    chosen = sweep.where(threads=2).best_first("latency")
    assert [row.asked.engine for row in chosen.rows] == list(pretended.ENGINES)
    assert {row.asked.threads for row in chosen.rows} == {2}
    with pytest.raises(LpbenchError, match="there is no column"):
        sweep.where(thread=2)
    with pytest.raises(LpbenchError, match="there is no column"):
        sweep.best_first("speed")


def test_a_sample_measures_so_many(fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path) -> None:
    sweep = pretended.swept(fake_app(), tmp_path / "rows", sample=4, seed=1)
    assert len(sweep.rows) == len(set(ledger.measured())) == 4


def test_what_misses_the_quality_gate_is_not_the_best(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(*given: Any) -> Any:
        found = ledger(*given)
        barred = {"BARRED": "misses the quality gate"}
        outcomes = tuple(
            dataclasses.replace(each, found=dataclasses.replace(each.found, facts=barred))
            if "extra_us=10" in entry.words
            else each
            for entry, each in zip(given[2], found.outcomes, strict=True)
        )
        return dataclasses.replace(found, outcomes=outcomes)

    monkeypatch.setattr(_sweep, "measure", measure)
    sweep = pretended.swept(fake_app(), tmp_path / "rows", threads=1).best_first()
    assert [row.asked.engine[-2:] for row in sweep.rows] == ["20", "30", "40", "50", "10"]
