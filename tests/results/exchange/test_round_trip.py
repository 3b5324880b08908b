"""What is written is read again, and written again as the same bytes."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import lpbench
from lpbench.errors import OutOfRangeError, ResultError
from lpbench.results.exchange import import_dataset, load, load_dataset, pair_of, problems, table_of, write_pair
from lpbench.results.exchange.csv_columns import read_columns, write_columns
from lpbench.results.exchange.descriptor import Descriptor, Variable, read_descriptor
from lpbench.results.exchange.pair import Pair
from lpbench.results.run import Metric
from lpbench.results.stats import Interval
from lpbench.results.sweep import HYPERPARAMETERS, TARGETS, Asked, Sweep, SweepRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.results.table import Type, Value

PRINTABLE = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
NAMES = st.text(PRINTABLE, min_size=1, max_size=12)
WORDS = st.text(st.one_of(PRINTABLE, st.sampled_from(' ,"')), min_size=1, max_size=12).map(str.strip).filter(bool)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
OF_TYPE: dict[Type, st.SearchStrategy[Any]] = {
    "str": WORDS.filter(str.isprintable),
    "int": st.integers(-(10**30), 10**30),
    "bin": st.integers(0, 1),
    "float": NUMBERS,
}


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Draw a pair of any words and numbers, some of them not known."""
    names = draw(st.lists(NAMES.filter(str.isprintable), min_size=3, max_size=6, unique=True))
    types: list[Type] = [draw(st.sampled_from([*OF_TYPE])) for _ in names[:-1]] + ["float"]
    text = st.one_of(st.none(), WORDS)
    variables = tuple(Variable(name, kind, draw(text)) for name, kind in zip(names, types, strict=True))
    rows = draw(st.integers(1, 5))
    columns: dict[str, list[Value]] = {
        each.name: draw(st.lists(st.one_of(st.none(), OF_TYPE[each.type]), min_size=rows, max_size=rows))
        for each in variables
    }
    inputs = variables[: draw(st.integers(0, 1))]
    price = draw(st.one_of(st.none(), st.integers(0, 999), st.floats(0, 999)))
    descriptor = Descriptor("saxpy", "pc", price, variables[len(inputs) : -1], variables[-1:], inputs)
    return Pair(descriptor, columns)


@settings(max_examples=50)
@given(pair=pairs())
def test_any_pair_comes_back_as_it_was_and_is_written_as_the_same_bytes(pair: Pair) -> None:
    with tempfile.TemporaryDirectory() as place:
        described, dataset = (Path(place) / name for name in ("saxpy_pc.json", "saxpy_pc.csv"))
        described.write_text(pair.descriptor.text(), "utf-8", newline="")
        dataset.write_text(pair.csv(), "utf-8", newline="")
        descriptor = read_descriptor(described)
        columns = read_columns(dataset, descriptor.variables)
        assert descriptor == pair.descriptor
        assert {name: list(values) for name, values in columns.items()} == pair.columns
        again = io.StringIO(newline="")
        write_columns(columns, again)
        assert again.getvalue().encode() == dataset.read_bytes()
        assert descriptor.text().encode() == described.read_bytes()


def row(number: int, facts: Mapping[str, str | int] | None = None, /, **metrics: float | None) -> SweepRow:
    """Return a measured row with some metrics; None is one that nobody could measure."""
    known: dict[str, str | int] = {
        "MODEL": "net",
        "ENGINE": "ort",
        "PROCESSOR": "CPU",
        "PRECISION": "F32",
        "THREADS": number,
    }
    found = {
        name: Metric(value, "", reason="" if value is not None else "no sensor") for name, value in metrics.items()
    }
    return SweepRow(number, Asked("net", "ort"), f"ort:threads={number}", "OK", "", {**known, **(facts or {})}, found)


def sweep(*rows: SweepRow) -> Sweep:
    return Sweep(Path("night"), rows, {}, (1, 1))


FIGURES: dict[str, float | None] = {"LATENCY": 12.5, "THROUGHPUT": 80.0, "POWER_CONSUMPTION": 3.25, "CPU_MEM": 40.125}


@pytest.mark.parametrize("price", [-1, float("nan"), float("inf")])
def test_a_price_that_an_import_would_refuse_is_not_written(tmp_path: Path, price: float) -> None:
    with pytest.raises(OutOfRangeError, match="price: found"):
        lpbench.export(sweep(row(1, **FIGURES)), tmp_path / "out", algorithm="imagenet", platform="pc", price=price)
    assert not (tmp_path / "out").exists()


def test_an_export_has_exactly_the_published_form(tmp_path: Path) -> None:
    rows = (row(1, **FIGURES, GFLOP=0.6), row(2, **{**FIGURES, "POWER_CONSUMPTION": None}, GFLOP=0.6))
    failed = SweepRow(3, Asked("net", "ncnn"), "ncnn", "failed", "it crashed")
    done = lpbench.export(sweep(*rows, failed), tmp_path, algorithm="imagenet", platform="my-board", price=60)
    document = json.loads(done.descriptor.read_text("utf-8"))
    assert list(document) == ["name", "HW_ID", "HW_price", "hyperparams", "targets"]
    assert (document["name"], document["HW_ID"], document["HW_price"]) == ("imagenet", "my-board", 60)
    assert {tuple(each) for each in document["hyperparams"]} == {("ID", "description", "type", "LB", "UB")}
    assert {tuple(each) for each in document["targets"]} == {("ID", "description", "LB", "UB")}
    names = [each["ID"] for section in ("hyperparams", "targets") for each in document[section]]
    assert names == [each for each in (*HYPERPARAMETERS, *TARGETS) if each in names]
    assert done.dataset.read_bytes().decode() == (
        "MODEL,VERSION,INPUT_TILE,ENGINE,PROCESSOR,PRECISION,THREADS,GFLOP,LATENCY,THROUGHPUT,CPU_MEM,"
        "POWER_CONSUMPTION\n"
        "net,unknown,unknown,ort,CPU,F32,1,0.6,12.5,80.0,40.125,3.25\n"
        "net,unknown,unknown,ort,CPU,F32,2,0.6,12.5,80.0,40.125,\n"
    )
    assert done.notes[0] == "1 configuration without a measurement stayed behind"
    assert 'VERSION is not known in 2 rows: "unknown" stands there' in done.notes
    assert "POWER_CONSUMPTION is not known in 1 row (no sensor)" in done.notes


def test_an_export_is_valid_and_imported_and_exported_again_the_same(tmp_path: Path) -> None:
    rows = (row(1, **FIGURES), row(2, **{**FIGURES, "POWER_CONSUMPTION": None}))
    done = lpbench.export(sweep(*rows), tmp_path / "a", algorithm="imagenet", platform="rpi4")
    assert not problems(tmp_path / "a")
    assert not import_dataset(tmp_path / "a", tmp_path / "b").faults.faults
    for file in (done.dataset, done.descriptor):
        assert (tmp_path / "b" / file.name).read_bytes() == file.read_bytes()
    assert not (tmp_path / "b" / "faults.json").exists()
    with pytest.raises(ResultError, match="already exists"):
        lpbench.export(sweep(*rows), tmp_path / "a", algorithm="imagenet", platform="rpi4")


def test_a_precision_that_no_engine_tells_is_said_to_be_unknown(tmp_path: Path) -> None:
    rows = sweep(row(1, {"PRECISION": ""}, **FIGURES), row(2, **FIGURES))
    done = lpbench.export(rows, tmp_path, algorithm="imagenet", platform="rpi4")
    assert list(load(tmp_path)[0].column("PRECISION").values) == ["unknown", "F32"]
    assert 'PRECISION is not known in 1 row: "unknown" stands there' in done.notes


def test_a_zero_that_reads_as_missing_stays_in_the_sweep(tmp_path: Path) -> None:
    rows = sweep(row(1, **FIGURES, GPU_LOAD=0.0), row(2, **FIGURES, GPU_LOAD=0.0))
    done = lpbench.export(rows, tmp_path, algorithm="imagenet", platform="rpi4")
    assert "GPU_LOAD" not in [column.name for column in load(tmp_path)[0].columns]
    assert any("GPU_LOAD is 0 in every row and left out" in note for note in done.notes)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(1, **{**FIGURES, "POWER_CONSUMPTION": 0.0})], "POWER_CONSUMPTION has 1 faulty value"),
        ([row(1, **FIGURES, CPU_TEMP=-263.2)], "CPU_TEMP has 1 faulty value"),
        ([row(1, **FIGURES, CPU_MEM_PEAK=1.4)], "they are of different units"),
        ([row(1, **FIGURES), row(1, **{**FIGURES, "LATENCY": 99.0})], "no column of the format tells them apart"),
        ([row(1, {"MODEL": "net\n2"}, **FIGURES)], "without line breaks"),
        ([row(1)], "no targets"),
        ([], "no measured rows"),
        (
            [
                row(1, {"QUALITY_METRIC": "top1"}, QUALITY_VALUE=1.0),
                row(2, {"QUALITY_METRIC": "map"}, QUALITY_VALUE=2.0),
            ],
            "different quality metrics: top1, map",
        ),
    ],
)
def test_what_published_data_got_wrong_is_not_exported(rows: list[SweepRow], said: str, tmp_path: Path) -> None:
    with pytest.raises(ResultError) as caught:
        lpbench.export(sweep(*rows), tmp_path / "out", algorithm="imagenet", platform="rpi4")
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("algorithm", "platform"), [("image_net", "rpi4"), ("imagenet", "rpi_4"), ("", "rpi4")])
def test_a_name_that_no_file_can_have_is_refused(algorithm: str, platform: str) -> None:
    with pytest.raises(ResultError, match="cannot be part of a file's name"):
        pair_of(sweep(row(1, **FIGURES)), algorithm, platform)


def test_a_sweep_is_a_table_with_intervals_reasons_and_states() -> None:
    spanned = Metric(3.5, "W", interval=Interval(3.0, 4.0, 0.95, "t"))
    first = SweepRow(1, Asked("net", "ort"), "ort", "OK", "", {"ENGINE": "ort"}, {"POWER_CONSUMPTION": spanned})
    second = SweepRow(2, Asked("net", "ncnn"), "", "impossible", "ncnn is not installed", {"ENGINE": "ncnn"})
    table = table_of(sweep(first, second))
    power = table.column("POWER_CONSUMPTION")
    assert (table.name, power.unit, power.interval(0), power.interval(1)) == ("net", "W", (3.0, 4.0), None)
    assert power.why(1) == "ncnn is not installed"
    assert table.column("STATE").values == ["OK", "impossible"]
    assert table.column("ENGINE").values == ["ort", "ncnn"]


@pytest.mark.long
def test_every_published_pair_is_written_as_bytes_that_stay(stairwai: Path, tmp_path: Path) -> None:
    """What an import wrote is imported as the same bytes."""
    import_dataset(stairwai, tmp_path / "a")
    import_dataset(tmp_path / "a", tmp_path / "b")
    files = sorted(file.name for file in (tmp_path / "b").iterdir() if file.name != "faults.json")
    assert len(files) == 144
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_words_that_stand_in_many_rows_are_kept_once(tmp_path: Path) -> None:
    """A million rows name some engines."""
    columns: dict[str, list[Value]] = {"ENGINE": ["onnxruntime"] * 3, "LATENCY": [1.0, 2.0, 3.0]}
    descriptor = Descriptor("net", "pc", None, (Variable("ENGINE", "str"),), (Variable("LATENCY"),))
    write_pair(Pair(descriptor, columns), tmp_path)
    first, *others = load_dataset(tmp_path).tables[0].column("ENGINE").values
    assert all(other is first for other in others)
