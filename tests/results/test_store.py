"""Saving results: whole or not at all, never over another file."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.errors import ResultError
from lpbench.results import store
from lpbench.results.model import Result
from lpbench.results.settings import RunSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULT = Result(
    {"name": "a", "class": "model", "digest": None}, RunSettings(), {}, (), created="2026-01-02T03:04:05+00:00"
)


def test_a_result_is_kept_without_a_name_and_last_is_the_newest() -> None:
    first = store.keep(RESULT)
    second = store.keep(RESULT)
    os.utime(first, ns=(1, 1))
    assert first.parent == store.folder()
    assert first != second
    assert first.name.startswith("2026-01-02-030405-a")
    assert store.newest() == second
    assert store.load("last") == RESULT


def test_without_results_last_says_how_to_get_one() -> None:
    with pytest.raises(ResultError, match="save=True"):
        store.load("last")


def test_a_file_that_exists_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(ResultError, match=r"r\.json: already exists\n.*overwrite=True"):
        RESULT.save(path)
    assert path.read_text(encoding="utf-8") == "mine"
    RESULT.save(path, overwrite=True)
    assert store.load(path) == RESULT


def test_a_folder_is_no_place_for_a_result(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="is a folder"):
        RESULT.save(tmp_path, overwrite=True)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="No such file or directory"):
        RESULT.save(tmp_path / "nowhere" / "r.json")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said() -> None:
    with pytest.raises(ResultError, match="No space left on device"):
        RESULT.save("/dev/full")


@contextlib.contextmanager
def _small_files() -> Iterator[None]:
    """Let no file grow beyond a few bytes, as on a disk that fills up while writing.

    Held for the one call only: pytest's own output may go to a file too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("old", encoding="utf-8")
    with _small_files(), pytest.raises(ResultError, match="nothing was written there"):
        RESULT.save(path, overwrite=True)
    assert [each.name for each in tmp_path.iterdir()] == ["r.json"]
    assert path.read_text(encoding="utf-8") == "old"


def test_where_the_usual_folder_cannot_be_written_a_temporary_one_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder", encoding="utf-8")
    monkeypatch.setenv("XDG_DATA_HOME", str(blocked))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    kept = store.keep(RESULT)
    assert kept.parent == tmp_path
    assert store.load(kept) == RESULT
