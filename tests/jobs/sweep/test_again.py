"""What failed or was impossible is tried again when somebody asks for it, and nothing else is."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.errors import LpbenchError
from lpbench.jobs.sweep import _sweep
from lpbench.results.sweep import FAILED
from lpbench.results.sweep_metrics import Level

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def failing(ledger: Any) -> Callable[..., Any]:
    """Return what measures with a crash of one configuration."""

    def measure(app: Any, reference: str, entries: Any, *more: Any) -> Any:
        found = ledger(app, reference, entries, *more)
        outcomes = tuple(
            type(each)(FAILED, "crashed") if "extra_us=30:threads=2" in entry.words else each
            for entry, each in zip(entries, found.outcomes, strict=True)
        )
        return dataclasses.replace(found, outcomes=outcomes)

    return measure


def test_a_failed_row_is_measured_again_alone(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rows"
    with monkeypatch.context() as patch:
        patch.setattr(_sweep, "measure", failing(ledger))
        first = pretended.swept(fake_app(), folder)
    assert [row.state for row in first.rows].count(FAILED) == 1
    assert pretended.swept(None, folder) == first, "nobody asked for it"
    ledger.file.unlink()
    again = pretended.swept(None, folder, retry=True)
    assert ledger.measured() == ["fake:extra_us=30:threads=2"]
    assert again.complete
    assert {row.state for row in again.rows} == {"OK"}
    assert [row for row in again.rows if row.number != failed(first)] == [
        row for row in first.rows if row.number != failed(first)
    ]
    assert pretended.swept(None, folder, retry=True) == again, "there is nothing left to try"
    assert len(ledger.measured()) == 1


def failed(sweep: lpbench.Sweep) -> int:
    return next(row.number for row in sweep.rows if row.state == FAILED)


def test_one_that_fails_again_is_a_row_with_its_reason(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sweep, "measure", failing(ledger))
    first = pretended.swept(fake_app(), tmp_path / "rows")
    again = pretended.swept(None, tmp_path / "rows", retry=True)
    assert again.complete
    assert [(row.state, row.reason) for row in again.rows] == [(row.state, row.reason) for row in first.rows]


def test_a_row_whose_reference_failed_is_measured_again(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rows"

    def measure(app: Any, reference: str, entries: Any, *more: Any) -> Any:
        found = ledger(app, reference, entries, *more)
        if "fake:extra_us=20:threads=1" not in {entry.words for entry in entries}:
            return found
        bare = tuple(type(each)(each.state, "", type(each.found)()) for each in found.outcomes)
        return type(found)(bare, Level(failed="crashed"))

    with monkeypatch.context() as patch:
        patch.setattr(_sweep, "measure", measure)
        first = pretended.swept(fake_app(), folder)
    alone = [row for row in first.rows if row.metrics["LATENCY_RATIO"].value is None]
    assert [row.metrics["LATENCY_RATIO"].reason for row in alone] == ["the reference was not measured: crashed"] * 2
    ledger.file.unlink()
    again = pretended.swept(None, folder, retry=True)
    assert sorted(ledger.measured()) == sorted(row.configuration for row in alone)
    assert all(row.metrics["LATENCY_RATIO"].value for row in again.rows)


def test_without_its_reference_a_sweep_does_not_go_on(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference's library is removed between the two: rows would be measured and could not be compared."""
    folder, library = tmp_path / "rows", tmp_path / "library"
    library.mkdir()
    (library / "no_such_library.py").touch()

    def measure(*given: Any) -> Any:
        if ledger.measured():
            raise KeyboardInterrupt
        return ledger(*given)

    with monkeypatch.context() as patch:
        patch.syspath_prepend(library)
        patch.setattr(_sweep, "measure", measure)
        with pytest.raises(KeyboardInterrupt):
            lpbench.sweep(fake_app(), folder, engines="fake", threads=[1, 2], reference="absent")
    with pytest.raises(LpbenchError, match="the reference absent of numbers cannot be measured: ") as caught:
        lpbench.sweep(None, folder)
    assert "pip install no-such-library" in caught.value.hint
    assert lpbench.load_sweep(folder).blocks == (1, 2)
    monkeypatch.syspath_prepend(library)
    assert lpbench.sweep(None, folder).complete
    assert ledger.measured() == ["fake:threads=1", "fake:threads=2"]


def test_what_was_impossible_is_measured_once_it_is_not(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine's library is installed after the sweep."""
    app, folder, library = fake_app(), tmp_path / "rows", tmp_path / "library"
    sweep = lpbench.sweep(app, folder, engines=["fake", "absent"])
    assert [row.state for row in sweep.rows] == ["OK", "impossible"]
    assert lpbench.sweep(None, folder, retry=True) == sweep
    library.mkdir()
    (library / "no_such_library.py").touch()
    monkeypatch.syspath_prepend(library)
    again = lpbench.sweep(None, folder, retry=True)
    assert [row.state for row in again.rows] == ["OK", "OK"]
    assert ledger.measured() == ["fake:threads=1", "absent"]
