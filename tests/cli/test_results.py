"""``lpbench results``: what is listed, and that nothing else is deleted."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.cli import main
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results import store
from lpbench.results.model import Configuration, Result
from lpbench.results.run import Metric
from lpbench.results.settings import RunSettings
from lpbench.util.text import cells

if TYPE_CHECKING:
    from collections.abc import Callable

    Capture = pytest.CaptureFixture[str]

VERSION_1 = Path(__file__).parents[1] / "data" / "results-v1"


def put(
    name: str, *others: Configuration, app: str = "digits", engine: str = "ort", days: float = 0.0, state: str = "OK"
) -> Path:
    """Save a result that holds no more than what is listed.

    :param others: Further configurations.
    """
    created = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=days)
    configuration = Configuration(
        EngineConfiguration(engine.partition(":")[0]),
        asked=engine,
        plugin="",
        isolated=True,
        label=engine,
        metrics={"LATENCY": Metric(12.5, "ms")},
    )
    identity = {"name": app, "class": "model", "digest": None}
    result = Result(identity, RunSettings(), {}, (configuration, *others), state=state, created=created.isoformat())
    store.folder().mkdir(parents=True, exist_ok=True)
    return result.save(store.folder() / f"{name}.json")


def left() -> set[str]:
    return {path.stem for path in store.folder().glob("*.json")}


@pytest.fixture
def three() -> None:
    put("old", app="faces", engine="ncnn", days=100)
    put("middle", engine="ncnn:threads=2", days=3, state="interrupted")
    put("new", days=0.1)


def listed(capsys: Capture, *words: str) -> list[str]:
    """Return the names that the command lists."""
    assert main(["results", *words, "--json"]) == 0
    return [each["name"] for each in json.loads(capsys.readouterr().out)]


@pytest.mark.usefixtures("three")
def test_saved_results_are_listed_with_what_tells_them_apart(capsys: Capture) -> None:
    """The newest first; what stands in the file, not the file's own date."""
    assert main(["results"]) == 0
    header, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    assert header[:4] == ["result", "app", "state", "age"]
    assert [row[:4] for row in rows[:3]] == [
        ["new", "digits", "OK", "2h"],
        ["middle", "digits", "interrupted", "3d"],
        ["old", "faces", "OK", "100d"],
    ]
    assert rows[0][4] == "12.5"
    assert rows[1][-1] == "ncnn:threads=2"
    assert rows[3][:2] == ["3", "results,"]


def test_the_latency_in_the_list_is_of_an_unchecked_model_only_where_there_is_no_other(capsys: Capture) -> None:
    one = EngineConfiguration("quick")
    quick = Configuration(
        one, asked="quick", plugin="", isolated=True, metrics={"LATENCY": Metric(0.5, "ms")}, unchecked="no device"
    )
    alone = put("alone")
    document = json.loads(alone.read_text("utf-8"))
    document["configurations"][0]["unchecked"] = "no device"
    alone.write_text(json.dumps(document), encoding="utf-8")
    put("both", quick)
    assert main(["results", "--json"]) == 0
    assert {each["name"]: each["latency_ms"] for each in json.loads(capsys.readouterr().out)} == {
        "both": 12.5,
        "alone": 12.5,
    }


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["new", "middle", "old"]),
        (["--app", "faces"], ["old"]),
        (["--engine", "ncnn"], ["middle", "old"]),
        (["--engine", "ncnn", "--newer-than", "1w"], ["middle"]),
        (["--older-than", "2d"], ["middle", "old"]),
        (["--older-than", "1h", "--newer-than", "12h"], ["new"]),
        (["--state", "interrupted"], ["middle"]),
        (["old", "new"], ["new", "old"]),
        (["old.json"], ["old"]),
        (["--app", "nothing"], []),
    ],
)
def test_filters_narrow_the_list(capsys: Capture, words: list[str], names: list[str]) -> None:
    assert listed(capsys, *words) == names


@pytest.mark.usefixtures("three")
def test_a_filter_that_nothing_fits_leads_back_to_the_list(capsys: Capture) -> None:
    assert main(["results", "--app", "nothing"]) == 0
    assert capsys.readouterr().out == "no saved result fits\nnext: lpbench results lists them all\n"


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--older-than", "30d", "--yes"], {"middle", "new"}),
        (["new", "--yes"], {"old", "middle"}),
        (["--app", "faces", "--engine", "ort", "--yes"], {"old", "middle", "new"}),
        (["--all", "--yes"], set()),
    ],
)
def test_only_what_is_listed_is_deleted(words: list[str], names: set[str]) -> None:
    assert main(["results", "--delete", *words]) == 0
    assert left() == names


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--delete", "--yes"], "--all"),
        (["--delete", "--all", "--app", "faces", "--yes"], "--all contradicts a filter"),
        (["--delete", "--app", "faces"], "--yes"),
        (["--delete", "old", "odl", "--yes"], 'did you mean "old"?'),
        (["--delete", "../new", "--yes"], 'there is no saved result "../new"'),
        (["--yes"], "--yes applies only to --delete"),
        (["--older-than", "3"], "an age such as 30m, 12h, 7d or 4w"),
    ],
)
def test_what_is_not_asked_for_clearly_is_refused_and_deletes_nothing(
    capsys: Capture, words: list[str], said: str
) -> None:
    """Everything without --all, a mistyped name beside a right one, a path, nobody who could answer."""
    assert main(["results", *words]) == 2
    assert said in capsys.readouterr().err
    assert left() == {"old", "middle", "new"}


class Terminal(io.StringIO):
    """Standard input of somebody who answers."""

    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("answer", "status", "names"), [("y", 0, {"middle", "new"}), ("", 1, {"old", "middle", "new"})]
)
def test_a_question_with_the_list_comes_before_deleting(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, answer: str, status: int, names: set[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
    assert main(["results", "--delete", "--app", "faces"]) == status
    error = capsys.readouterr().err
    assert "faces" in error
    assert "delete 1 result, " in error
    assert left() == names


def test_a_damaged_file_is_listed_with_the_reason_and_can_be_deleted(capsys: Capture) -> None:
    put("good")
    (store.folder() / "torn.json").write_text('{"format": "lpbe', encoding="utf-8")
    (store.folder() / "other.json").write_text("[1]", encoding="utf-8")
    assert main(["results"]) == 0
    text = capsys.readouterr().out
    assert "torn: is not JSON: Unterminated string" in text
    assert "cut short" in text
    assert "other: not a result of lpbench" in text
    assert main(["results", "--state", "unreadable", "--delete", "--yes"]) == 0
    assert left() == {"good"}


@pytest.mark.timeout(60)
def test_whatever_lies_in_the_folder_is_listed_with_the_reason(capsys: Capture) -> None:
    put("good")
    folder = store.folder()
    os.mkfifo(folder / "fifo.json")
    (folder / "folder.json").mkdir()
    (folder / "dangling.json").symlink_to(folder / "nowhere")
    (folder / "endless.json").symlink_to("/dev/zero")
    (folder / "empty.json").touch()
    (folder / "deep.json").write_text("[" * 100_000, encoding="ascii")
    (folder / "bytes.json").write_bytes(b"\xff\x00")
    (folder / "twice.json").write_text('{"format": "lpbench-result", "format": 1}', encoding="ascii")
    with (folder / "huge.json").open("wb") as file:
        file.truncate(1 << 40)
    assert main(["results", "--json"]) == 0
    found = {each["name"]: each["reason"] for each in json.loads(capsys.readouterr().out)}
    told = {
        "fifo": "a pipe",
        "folder": "a folder",
        "dangling": "no such file",
        "endless": "a device",
        "empty": "the file is empty",
        "deep": "nested too deeply",
        "bytes": "not UTF-8",
        "twice": "twice in one object",
        "huge": "larger than 512 MiB",
    }
    assert found.pop("good") is None
    assert found.keys() == told.keys()
    assert all(words in found[name] for name, words in told.items()), found


@pytest.mark.parametrize("command", ["show", "compare"])
@pytest.mark.timeout(60)
def test_what_is_no_regular_file_is_refused_without_reading_it(command: str, tmp_path: Path, capsys: Capture) -> None:
    os.mkfifo(tmp_path / "fifo")
    folder = "holds no sweep" if command == "show" else "is not a file: it is a folder"
    told = {tmp_path / "fifo": "is not a file: it is a pipe", Path("/dev/zero"): "is not a file: it is a device"}
    for path, words in {**told, tmp_path: folder}.items():
        assert main([command, *[str(path)] * (1 + (command == "compare"))]) == 2
        assert f"error: {path}: {words}" in capsys.readouterr().err


def test_results_of_version_1_are_listed_too(capsys: Capture) -> None:
    store.folder().mkdir(parents=True)
    names = [Path(shutil.copy(path, store.folder())).stem for path in VERSION_1.glob("*.json")]
    assert names
    assert main(["results", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sorted(each["name"] for each in found) == sorted(names)
    assert all(each["app"] and each["configurations"] for each in found)


def test_a_name_from_the_list_can_be_shown(fake_app: Callable[..., Path], capsys: Capture) -> None:
    """What a run has saved: its name, its app, its configuration and the latency that was printed."""
    assert main(["run", str(fake_app(work_us=300)), "--number", "12", "--runs", "2", "--engine", "fake"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert main(["results"]) == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row[1] == "numbers"
    assert row[-1] == "fake"
    assert f"latency {row[4]} " in first.replace("µs", "ms") or "µs" in first
    assert main(["show", row[0]]) == 0


def test_the_list_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    put("2026-11-29-203925-imagenet-mobilenet-v2", app="imagenet-mobilenet-v2", engine="onnxruntime:threads=2")
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["results"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "2026-11-29-203925-imagenet-mobilenet-v2" in lines[1]
    assert all(cells(line) <= 60 for line in lines[:-2])


def test_an_empty_folder_says_how_to_fill_it(capsys: Capture) -> None:
    assert main(["results"]) == 0
    assert "no result has been saved yet" in capsys.readouterr().out
    assert main(["results", "--state", "failed"]) == 0
    assert "no result has been saved yet" in capsys.readouterr().out
