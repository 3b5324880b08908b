"""Files of the user: what they add and replace, and what of them is refused."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.datasheets import Framework, ModelSheet, Platform, Price, folder, platform_id, price, read
from lpbench.errors import DataSheetError

if TYPE_CHECKING:
    from pathlib import Path

OWN = {"id": "rpi4", "board_price": {"amount": 61.5, "currency": "EUR", "date": "2026-11-02"}, "sources": ["bill"]}


def written(path: Path, *rows: dict[str, Any], kind: str = "platforms") -> Path:
    """Write rows to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({kind: rows}), encoding="utf-8")
    return path


def row(files: list[Path], name: str) -> Platform:
    """Return a platform once files are read."""
    return {each.id: each for each in read(Platform, files)}[name]


def test_a_known_row_is_replaced_in_what_is_stated_alone(tmp_path: Path) -> None:
    file = written(tmp_path / "own.json", {**OWN, "os": None, "aliases": ["our-pi"]})
    before, after = row([], "rpi4"), row([file], "rpi4")
    assert after.board_price == Price(61.5, 61.5, "EUR", "2026-11-02")
    assert after.os is None
    assert before.os
    assert after.board_power == before.board_power
    assert after.sources == (*before.sources, "bill")
    assert after.names == ("rpi4", "our-pi")
    assert after.files == (str(file),)


def test_others_are_added_and_the_folder_is_read_by_everything() -> None:
    board = {"id": "ours", "aliases": ["proto-3"], "board_power": [4, 9], "sources": ["data sheet"]}
    written(folder("platforms") / "a.json", board, OWN)
    assert platform_id("PROTO-3") == "ours"
    assert price("rpi4") == Price(61.5, 61.5, "EUR", "2026-11-02")
    assert row([], "ours").board_power == pytest.approx(row([], "ours").board_power)
    assert len(read(Platform)) == 33
    assert len(read(Framework)) == 16


def test_what_is_named_counts_more_than_the_folder(tmp_path: Path) -> None:
    written(folder("platforms") / "a.json", OWN)
    named = written(tmp_path / "b.json", {**OWN, "board_price": {"amount": [1, 2]}})
    assert row([named], "rpi4").board_price == Price(1, 2)


def test_every_kind_can_be_extended(tmp_path: Path) -> None:
    model = {"id": "m", "parameters": 2e6, "performance": [{"value": 7, "unit": "%"}], "sources": ["us"]}
    found = {each.id: each for each in read(ModelSheet, [written(tmp_path / "m.json", model, kind="models")])}
    assert found["m"].parameters == 2_000_000
    assert str(found["m"].performance and found["m"].performance[0]) == "7 %"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"id": "a"}], ["platforms[0]", 'missing key "sources"']),
        ([{"sources": ["x"]}], ['missing key "id"']),
        ([{"id": "a_b", "sources": ["x"]}], ["platforms[0].id", "a_b"]),
        ([{"id": "a", "sources": ["x"], "board_pwoer": 3}], ["board_pwoer", 'did you mean "board_power"?']),
        ([{"id": "a", "sources": ["x"], "board_power": "3 W"}], ["platforms[0].board_power", '"3 W"', "number"]),
        ([{"id": "a", "sources": ["x"], "board_power": [9, 4]}], ["platforms[0].board_power", "low end"]),
        ([{"id": "a", "sources": ["x"], "board_power": -1}], ["board_power", "-1"]),
        ([{"id": "a", "sources": ["x"], "board_price": {"amount": 3, "currency": "euro"}}], ["currency", "euro"]),
        ([{"id": "a", "sources": ["x"], "board_price": {"amount": [3, 1]}}], ["board_price.amount", "low end"]),
        (
            [{"id": "a", "sources": ["x"], "board_price": {"amount": 3, "date": "2026-13-01"}}],
            ["board_price.date", "day"],
        ),
        ([{"id": "a", "sources": ["x"], "os": "Linux"}], ["os", "a list"]),
        ([{"id": "a", "sources": ["x"], "note": "\x1b[31m"}], ["note"]),
        ([{"id": "a", "sources": []}], ["sources", "at least 1"]),
        ([{"id": "a", "sources": ["x"]}, {"id": "a", "sources": ["y"]}], ['states "a" twice']),
        ([{"id": "a", "sources": ["x"], "aliases": ["jetson-nano"]}], ["jetson-nano", "jetson-nano2"]),
        ([{"id": "RPI4", "sources": ["x"]}], ["rpi4", "RPI4"]),
    ],
)
def test_a_wrong_row_is_refused_with_its_place(rows: list[dict[str, Any]], said: list[str], tmp_path: Path) -> None:
    file = written(tmp_path / "own.json", *rows)
    with pytest.raises(DataSheetError) as error:
        read(Platform, [file])
    assert "own.json" in str(error.value)
    assert error.value.hint
    assert "\x1b" not in str(error.value)
    assert all(part in str(error.value) for part in said), str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("[]", "expected an object"),
        ('{"models": []}', 'unknown key "models"'),
        ('{"platforms": [], "platforms": []}', "twice"),
        ('{"platforms": [{"id": "a", "sources": ["x"], "board_power": NaN}]}', "NaN"),
        ('{"platforms": [{"id": "a", "sources": ["x"], "board_power": 1e999}]}', "1e999"),
        ("[" * 100_000, "nested"),
        (b"\xff\xfe".decode("latin-1"), "JSON"),
    ],
)
def test_a_file_that_is_something_else_is_refused(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataSheetError, match=r"own\.json") as error:
        read(Platform, [file])
    assert said in str(error.value)


def test_pipes_folders_and_what_is_not_there_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", tmp_path, tmp_path / "none.json"):
        with pytest.raises(DataSheetError, match=r"pipe|folder|no such"):
            read(Platform, [path])


def test_two_files_of_the_folder_that_state_one_row_are_both_named() -> None:
    for name in ("a.json", "b.json"):
        written(folder("platforms") / name, OWN)
    with pytest.raises(DataSheetError, match=r'a\.json: states "rpi4", and so does .*b\.json'):
        read(Platform)


def test_a_folder_of_very_many_files_is_not_read() -> None:
    for number in range(101):
        written(folder("platforms") / f"{number}.json", {"id": f"b{number}", "sources": ["x"]})
    with pytest.raises(DataSheetError, match="101 files"):
        read(Platform)
