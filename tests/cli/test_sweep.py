"""``lpbench sweep`` and ``lpbench show`` of its folder."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.cli import main
from lpbench.jobs.sweep import _sweep
from lpbench.jobs.sweep._queue import Outcome
from lpbench.results.sweep import FAILED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]

PUBLISHED = (
    *("MODEL", "VERSION", "INPUT_TILE", "ENGINE", "PROCESSOR", "PRECISION", "THREADS", "BATCH", "STREAMS"),
    *("QUALITY_VALUE", "GFLOP", "#PARAMS", "STORAGE", "PREPROCESSING_TIME", "INFERENCE_TIME", "POSTPROCESSING_TIME"),
    *("LATENCY", "THROUGHPUT", "DMIPS"),
)


@pytest.fixture
def folder(fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, capsys: Capture) -> Path:
    """Return the folder of a sweep of three configurations, one of them impossible."""
    place = tmp_path / "rows"
    engines = "fake:extra_us=20,fake:extra_us=10,absent"
    assert main(["sweep", str(fake_app()), "--engines", engines, "-o", str(place)]) == 0
    assert "next: lpbench show" in capsys.readouterr().out
    return place


def test_the_best_comes_first_and_reasons_last(folder: Path, capsys: Capture) -> None:
    assert main(["show", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "3 configurations: 2 measured, 1 impossible" in shown
    best, worse, missing = shown.index("extra_us=10"), shown.index("extra_us=20"), shown.index("not installed")
    assert best < worse < missing


def test_the_published_columns_come_first_in_their_order(folder: Path, capsys: Capture) -> None:
    assert main(["show", str(folder), "--csv"]) == 0
    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert tuple(header[: len(PUBLISHED)]) == PUBLISHED
    records = [dict(zip(header, row, strict=True)) for row in rows]
    assert [each["STATE"] for each in records] == ["OK", "OK", "impossible"]
    assert float(records[0]["LATENCY"]) == 11.0
    assert records[2]["LATENCY"] == ""
    assert records[2]["ENGINE"] == "absent"


def test_rows_as_json_are_filtered(folder: Path, capsys: Capture) -> None:
    assert main(["show", str(folder), "--json", "--filter", "engine=fake,state=ok", "--sort", "latency"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["asked"]["engine"] for row in rows] == ["fake:extra_us=10", "fake:extra_us=20"]
    assert main(["show", str(folder), "--filter", "engin=fake"]) == 2
    assert "engine" in capsys.readouterr().err
    assert main(["show", "last", "--sort", "latency"]) == 2
    assert "rows of a sweep" in capsys.readouterr().err
    assert main(["show", str(folder), "-v"]) == 2
    assert "00001.json" in capsys.readouterr().err


def test_each_reason_names_an_engine_once_with_what_all_it_stops_have_in_common(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, capsys: Capture
) -> None:
    apps = [str(fake_app(name)) for name in ("first", "second")]
    axes = ["--engines", "fake,absent", "--threads", "1,2", "--precisions", "F32,S8"]
    place = tmp_path / "rows"
    assert main(["sweep", *apps, *axes, "-o", str(place)]) == 0
    capsys.readouterr()
    assert main(["show", str(place)]) == 0
    _, missing = capsys.readouterr().out.split("not measured")
    absent, fake = [line.strip() for line in missing.splitlines() if "configurations" in line][::-1]
    assert absent.startswith("absent (8 configurations): impossible: ")
    assert fake.startswith("fake:precision=S8 (4 configurations): impossible: ")
    assert "first" not in missing, "all apps share the reason"
    assert main(["show", str(place), "--filter", "precision=s8,threads=2"]) == 0
    assert "fake:threads=2:precision=S8 (2 configurations): " in capsys.readouterr().out


def test_a_reason_names_the_app_that_it_is_of_where_it_is_not_of_all(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    first, second = fake_app("first"), fake_app("second")
    measured = ledger.__call__

    def measure(app: Any, *given: Any) -> Any:
        found = measured(app, *given)
        outcomes = tuple(Outcome(FAILED, "crashed") for _ in found.outcomes)
        return dataclasses.replace(found, outcomes=outcomes) if app.name == "second" else found

    monkeypatch.setattr(_sweep, "measure", measure)
    axes = ["--engines", "fake", "--threads", "1,2"]
    assert main(["sweep", str(first), str(second), *axes, "-o", str(tmp_path / "rows")]) == 0
    assert "fake (2 configurations of second): failed: crashed" in capsys.readouterr().out


def test_rows_that_other_processes_disturbed_are_told(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    measured, why = ledger.__call__, "3 of 8 runs: other processes used 64% of the CPU time"

    def measure(*given: Any) -> Any:
        found = measured(*given)
        first, *others = found.outcomes
        facts = {**first.found.facts, "DISTURBED": why}
        first = dataclasses.replace(first, found=dataclasses.replace(first.found, facts=facts))
        return dataclasses.replace(found, outcomes=(first, *others))

    monkeypatch.setattr(_sweep, "measure", measure)
    place = tmp_path / "rows"
    axes = ["--engines", "fake:extra_us=10,fake:extra_us=20"]
    assert main(["sweep", str(fake_app()), *axes, "-o", str(place)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"disturbed: 1 of 2 configurations, such as fake:extra_us=10:threads=1: {why}" in shown
    assert main(["show", str(place), "--csv"]) == 0
    rows = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert [row["DISTURBED"] for row in rows] == [why, ""]


@pytest.mark.parametrize("form", ["--markdown", "--html"])
def test_rows_for_issues_and_pages(folder: Path, form: str, capsys: Capture) -> None:
    assert main(["show", str(folder), form]) == 0
    shown = capsys.readouterr().out
    assert "11" in shown
    assert "pip install no-such-library" in shown


def test_a_dry_run_measures_and_writes_nothing(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, capsys: Capture
) -> None:
    place = tmp_path / "rows"
    words = ["sweep", str(fake_app()), "--engines", "fake,absent", "--threads", "1,2", "-o", str(place), "--dry-run"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "4 configurations, 2 blocks: about" in shown
    assert "no-such-library" in shown
    assert not place.exists()
    assert not ledger.measured()


def test_contradictions_of_the_command_line_are_usage_errors(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, capsys: Capture
) -> None:
    app, place = str(fake_app()), str(tmp_path / "rows")
    wrong = {
        "-o DIR names it": [app],
        "leave the apps": ["--resume", place, app],
        "name apps": ["-o", place],
        "holds no sweep": ["--resume", place],
        'did you mean "fake"': [app, "--engines", "fakee", "-o", place],
        "expected a whole number": [app, "--threads", "1,x", "-o", place],
        "F33": [app, "--precisions", "F33", "-o", place],
        'found ""; expected names': [app, "--values", "bits=", "-o", place],
        "cannot be given beside a plan file": ["plan.toml", "--threads", "1", "-o", place],
    }
    for words, options in wrong.items():
        assert main(["sweep", *options]) == 2, options
        assert words in capsys.readouterr().err
    assert not ledger.measured()


def test_ctrl_c_says_how_to_go_on(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    place = tmp_path / "rows"

    def measure(*given: Any) -> Any:
        if ledger.measured():
            raise KeyboardInterrupt
        return ledger(*given)

    with monkeypatch.context() as patch:
        patch.setattr(_sweep, "measure", measure)
        assert main(["sweep", str(fake_app()), "--engines", "fake", "--threads", "1,2", "-o", str(place)]) == 130
    said = capsys.readouterr().err
    assert "1 of 2 blocks" in said
    assert f"lpbench sweep --resume {place}" in said
    assert main(["sweep", "--resume", str(place)]) == 0
    assert len(ledger.measured()) == 2
