"""Reading pairs of a descriptor and a dataset: what is wrong is refused with its place and a remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.errors import ResultError
from lpbench.results.exchange import is_dataset, load, load_dataset, problems
from lpbench.results.table import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.results.table import Value

ROWS: dict[str, list[Value]] = {"engine": ["a", "b", "b"], "var_0": [4, 5, 6], "time": [1.5, 2.5, 3.5]}


def test_a_pair_is_read_by_either_of_its_files_or_its_folder(tmp_path: Path, pair: Callable[..., Path]) -> None:
    file = pair(tmp_path, ROWS)
    for place in (file, file.with_suffix(".csv"), tmp_path):
        (table,) = load(place)
        assert table.rows() == [
            {"engine": "a", "var_0": 4, "time": 1.5, "PLATFORM": "pc"},
            {"engine": "b", "var_0": 5, "time": 2.5, "PLATFORM": "pc"},
            {"engine": "b", "var_0": 6, "time": 3.5, "PLATFORM": "pc"},
        ]
        assert is_dataset(place)
    assert [column.kind for column in table.columns[1:]] == [Kind.HYPERPARAMETER, Kind.TARGET, Kind.FACT]


def test_platforms_of_one_algorithm_are_one_table_with_their_prices(tmp_path: Path, pair: Callable[..., Path]) -> None:
    pair(tmp_path, ROWS, HW_price=60)
    pair(tmp_path, {**ROWS, "power": [1.0, None, 3.0]}, 2, HW_ID="vm")
    (table,) = load(tmp_path)
    assert table.column("PLATFORM").values == ["pc"] * 3 + ["vm"] * 3
    assert table.column("PRICE").values == [60] * 3 + [None] * 3
    power = table.column("power")
    assert power.values == [None, None, None, 1.0, None, 3.0]
    assert (power.why(0), power.why(4)) == ("not measured on pc", "the dataset has no value")


def test_the_published_variations_are_read(tmp_path: Path, described: Callable[..., dict[str, Any]]) -> None:
    """Types on targets, words without bounds, inputs behind targets, a byte-order mark, other line ends, spaces."""
    document: dict[str, Any] = described({"engine": ["a"], "size": [1], "time": [1.0]}, 1)
    document["targets"][0]["type"] = "int"
    document["inputs"] = [document["hyperparams"].pop()]
    del document["hyperparams"][0]["LB"]
    (tmp_path / "saxpy_pc.json").write_text(json.dumps(document), "utf-8")
    (tmp_path / "saxpy_pc.csv").write_bytes("\ufefftime , engine,size\r\n7, a ,2.0\r\n".encode())
    found = load_dataset(tmp_path)
    assert found.tables[0].rows() == [{"size": 2, "engine": "a", "time": 7.0, "PLATFORM": "pc"}]
    assert [fault.kind.value for fault in found.faults.faults] == ["typed-target"]


CSV = "engine,var_0,time\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "line 1: is empty"),
        (b"engine;var_0;time\na;1;2\n", "line 1: its cells are separated by semicolons"),
        (b"engine,var_0\na,1\n", 'line 1: lacks the column "time"'),
        (b"engine,var_0,time,power\na,1,2,3\n", 'line 1: has a column "power"'),
        (b"engine,var_0,time,time\na,1,2,3\n", 'line 1: has the column "time" twice'),
        (f"{CSV}a,1,2\nb,1\n".encode(), "line 3: has 2 cells where the header has 3"),
        (f"{CSV}a,1,2\nb,1.5,2\n".encode(), 'line 3: column "var_0": found "1.5", no int'),
        (f"{CSV}a,1,2\nb,1,nan\n".encode(), 'line 3: column "time": found "nan", no float'),
        (f"{CSV}a,1,-inf\n".encode(), 'line 2: column "time": found "-inf", no float'),
        (f"{CSV}a,1,1e999\n".encode(), 'line 2: column "time": found "1e999", no float'),
        (f"{CSV}a,1,1_0\n".encode(), 'line 2: column "time": found "1_0", no float'),
        (f"{CSV}a,1,'12'\n".encode(), 'column "time": found "\'12\'", no float'),
        (f"{CSV}a,1,٣\n".encode(), 'line 2: column "time": found'),
        (f'{CSV}a,1,2\n"b"x,1,2\n'.encode(), "line 3: is not CSV"),
        (f"{CSV}ä,1,2\n".encode("latin-1"), "line 2: is not UTF-8: byte 1 of the line is 0xe4"),
        (f"{CSV}a,1,2\n".encode("utf-16"), "line 1"),
        (f"{CSV}a\x1b[0m,1,2\n".encode(), "unprintable"),
        (CSV.encode() + b"a,1," + b"9" * (1 << 20), "line of more than"),
    ],
)
def test_a_damaged_dataset_is_refused_with_its_line(
    data: bytes, said: str, tmp_path: Path, pair: Callable[..., Path]
) -> None:
    file = pair(tmp_path, ROWS)
    file.with_suffix(".csv").write_bytes(data)
    with pytest.raises(ResultError) as caught:
        load(file)
    assert said in str(caught.value)
    assert "saxpy_pc.csv" in caught.value.where
    assert [problem.found for problem in problems(tmp_path)] == [caught.value.what]


VARIABLE = {"ID": "engine", "description": None, "type": "str"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "sax_py"}, "sax-py"),
        ({"name": "fwt"}, 'describes "fwt" on "pc"'),
        ({"HW_ID": None}, "HW_ID is null"),
        ({"HW_price": -1}, "HW_price is -1"),
        ({"hyperparam": []}, 'did you mean "hyperparams"?'),
        ({"hyperparams": {}}, "hyperparams is an object"),
        ({"targets": []}, "no targets"),
        ({"hyperparams": [VARIABLE, {**VARIABLE, "type": "text"}]}, 'hyperparams[1]: type is "text"'),
        ({"hyperparams": [{**VARIABLE, "ID": "time"}]}, 'has the column "time" 2 times'),
        ({"hyperparams": [{**VARIABLE, "type": "int", "LB": 5, "UB": 3}]}, "bounded by 5 and 3"),
        ({"hyperparams": [{**VARIABLE, "LB": 1}]}, "words have none"),
    ],
)
def test_a_damaged_descriptor_is_refused_with_its_place(
    change: dict[str, Any],
    said: str,
    tmp_path: Path,
    pair: Callable[..., Path],
    described: Callable[..., dict[str, Any]],
) -> None:
    file = pair(tmp_path, ROWS)
    file.write_text(json.dumps({**described(ROWS, 1), **change}), "utf-8")
    with pytest.raises(ResultError) as caught:
        load(file)
    assert said in str(caught.value)
    assert "saxpy_pc.json" in caught.value.where


def test_bounds_that_contradict_the_data_are_refused_with_the_line(
    tmp_path: Path, pair: Callable[..., Path], described: Callable[..., dict[str, Any]]
) -> None:
    document = described(ROWS, 1)
    document["hyperparams"][1]["UB"] = 5
    pair(tmp_path, ROWS)
    (tmp_path / "saxpy_pc.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(ResultError, match='column "var_0": 6 is outside') as caught:
        load(tmp_path)
    assert caught.value.where.endswith("line 4")


def test_a_key_that_stands_twice_in_a_descriptor_is_refused(tmp_path: Path, pair: Callable[..., Path]) -> None:
    file = pair(tmp_path, ROWS)
    file.write_text(file.read_text("utf-8").replace('"HW_ID"', '"name": "x", "HW_ID"'), "utf-8")
    with pytest.raises(ResultError, match='the key "name" twice'):
        load(file)


def test_halves_of_pairs_are_refused(tmp_path: Path, pair: Callable[..., Path]) -> None:
    file = pair(tmp_path, ROWS)
    kept = file.read_text("utf-8")
    file.unlink()
    for place in (tmp_path, file.with_suffix(".csv")):
        with pytest.raises(ResultError, match="has no descriptor"):
            load(place)
    file.write_text(kept, "utf-8")
    file.with_suffix(".csv").unlink()
    with pytest.raises(ResultError, match="has no dataset"):
        load(tmp_path)


def test_an_algorithm_has_one_type_for_a_column(tmp_path: Path, pair: Callable[..., Path]) -> None:
    pair(tmp_path, ROWS)
    pair(tmp_path, {**ROWS, "engine": [1, 2, 3]}, HW_ID="vm")
    with pytest.raises(ResultError, match="words and numbers"):
        load(tmp_path)
