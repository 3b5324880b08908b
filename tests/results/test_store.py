"""Saving results: whole or not at all, never over another file."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.errors import ResultError
from lpbench.results import files, store
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
    assert store.newest(pytest.fail)[0] == second
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


@pytest.mark.timeout(60)
def test_a_pipe_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ResultError, match="cannot be written: nobody reads it"):
        RESULT.save(tmp_path / "pipe")


def test_a_pipe_that_somebody_reads_gets_all_of_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool, os.fdopen(os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)) as reader:
        os.set_blocking(reader.fileno(), True)
        text = "a" * (1 << 20)
        written = pool.submit(files.write, text, tmp_path / "pipe")
        read = ""
        while len(read) < len(text):
            read += reader.read(1 << 16)
        assert read == text
        assert written.result() == tmp_path / "pipe"


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


def test_results_of_the_same_second_are_all_kept() -> None:
    """Two dozen benchmarks that end at once: none overwrites another's."""
    with ThreadPoolExecutor(24) as pool:
        places = list(pool.map(lambda _: store.keep(RESULT), range(24)))
    assert len(set(places)) == 24
    assert sorted(store.folder().iterdir()) == sorted(places)
    assert all(store.load(each) == RESULT for each in places)


def test_a_link_that_is_planted_in_the_temporary_folder_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = _no_store(tmp_path, monkeypatch)
    precious = tmp_path / "precious"
    for name in ("lpbench-2026-01-02-030405-a.json", "lpbench-2026-01-02-030405-a-2.journal"):
        (temporary / name).symlink_to(precious)
    kept = store.keep(RESULT)
    assert kept.name == "lpbench-2026-01-02-030405-a-3.json"
    assert not precious.exists()


def test_why_a_result_is_in_the_temporary_folder_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = _no_store(tmp_path, monkeypatch)
    said: list[str] = []
    assert store.keep(RESULT, tell=said.append).parent == temporary
    (line,) = said
    assert "Not a directory" in line
    assert "XDG_DATA_HOME" in line


def test_without_a_home_a_result_is_kept_and_the_remedy_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No HOME, and a user that the system does not know, as in a container."""

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    temporary = _no_store(tmp_path, monkeypatch)
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setattr(Path, "home", nobody)
    said: list[str] = []
    assert store.keep(RESULT, tell=said.append).parent == temporary
    assert "HOME or XDG_DATA_HOME" in said[0]
    with pytest.raises(ResultError, match="no home"):
        store.load("last")


def test_without_any_folder_both_reasons_and_the_remedy_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    _no_store(tmp_path, monkeypatch)
    monkeypatch.setattr("tempfile.gettempdir", none)
    with pytest.raises(ResultError, match=r"Not a directory.*No usable temporary directory(.|\n)*XDG_DATA_HOME"):
        store.keep(RESULT)


def test_nothing_is_left_in_a_temporary_folder_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Result, path: Path) -> None:
        raise ResultError("cannot be written: No space left on device", where=str(path))

    temporary = _no_store(tmp_path, monkeypatch)
    monkeypatch.setattr(Result, "save", full)
    with pytest.raises(ResultError, match="No space left on device"):
        store.keep(RESULT)
    assert list(temporary.iterdir()) == []


def _no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a file where the folder of results should be; return the temporary folder."""
    blocked, temporary = tmp_path / "blocked", tmp_path / "temporary"
    blocked.touch()
    temporary.mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(blocked))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(temporary))
    return temporary


@pytest.mark.parametrize(
    "name",
    [
        "x" * 230,
        "ä" * 230,
        "漢" * 90,
        "../../etc/passwd",
        "a/b",
        "new\nline",
        "\x1b[31m",
        "nul\0",
        "\udcff",
        "",
        ".",
        "-",
        " ",
    ],
    ids=repr,
)
def test_any_name_of_an_app_is_a_name_of_a_file(name: str) -> None:
    result = dataclasses.replace(RESULT, app={**RESULT.app, "name": name})
    first, second = store.keep(result), store.keep(result)
    assert first != second
    assert {first.parent, second.parent} == {store.folder()}
    assert first.name.startswith("2026-01-02-030405-")
    assert first.stem.isprintable()


def test_of_two_results_of_one_moment_the_later_name_is_last() -> None:
    places = [store.keep(RESULT) for _ in range(12)]
    for each in places:
        os.utime(each, ns=(1, 1))
    assert store.newest(pytest.fail)[0] == places[-1]


def test_what_cannot_be_read_is_passed_over_and_said() -> None:
    """A link that leads nowhere, a folder, half a file: the newest result that can be read is last."""
    kept = store.keep(RESULT)
    (store.folder() / "link.json").symlink_to("nowhere")
    (store.folder() / "folder.json").mkdir()
    (store.folder() / "half.json").write_text('{"format": "lpb', encoding="utf-8")
    os.utime(kept, ns=(1, 1))
    with pytest.warns(UserWarning, match=rf"half\.json(.|\n)*last is {kept.stem}"):
        assert store.load("last") == RESULT


def test_where_no_result_can_be_read_last_says_why() -> None:
    store.folder().mkdir(parents=True)
    (store.folder() / "half.json").write_text('{"format": "lpb', encoding="utf-8")
    with pytest.raises(ResultError, match=r"half\.json"):
        store.load("last")


def test_a_folder_that_cannot_be_read_is_not_called_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _no_store(tmp_path, monkeypatch)
    with pytest.raises(ResultError, match=r"cannot be read: Not a directory\n.*XDG_DATA_HOME"):
        store.load("last")


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "r.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ResultError, match="already exists"):
        RESULT.save(tmp_path / "r.json")
    assert not (tmp_path / "elsewhere").exists()


def test_a_name_as_long_as_the_file_system_takes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / f"{'x' * 250}.json"
    RESULT.save(path)
    RESULT.save(path, overwrite=True)
    assert store.load(path) == RESULT


def test_without_second_names_for_files_nothing_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on FAT, and on some network file systems."""

    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    RESULT.save(tmp_path / "r.json")
    with pytest.raises(ResultError, match="already exists"):
        RESULT.save(tmp_path / "r.json")
    assert store.load(tmp_path / "r.json") == RESULT
    assert [each.name for each in tmp_path.iterdir()] == ["r.json"]
