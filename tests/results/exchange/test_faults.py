"""Known faults of published data are nulled with the reason, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import given

from lpbench.errors import ResultError
from lpbench.results.exchange import import_dataset, load_dataset, problems
from lpbench.results.exchange.descriptor import Descriptor, Variable
from lpbench.results.exchange.faults import NOT_NEGATIVE, TEMPERATURES, repaired

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.results.exchange import Dataset
    from lpbench.results.table import Value

PROCESSORS: list[Value] = ["CPU", "GPU", "GPU/CPU"]


@pytest.fixture
def read(pair: Callable[..., Path]) -> Callable[..., Dataset]:
    """Return what reads three rows on three processors with some targets."""

    def reading(folder: Path, **targets: list[Value]) -> Dataset:
        pair(folder, {"PROCESSOR": PROCESSORS, **targets}, len(targets))
        return load_dataset(folder)

    return reading


def counts(found: Dataset) -> dict[str, int]:
    return {f"{fault.kind.value} {fault.column}".strip(): fault.count for fault in found.faults.faults}


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("POWER_CONSUMPTION", [0.0, 3.0, 4.0], ("zero-as-missing", [None, 3.0, 4.0])),
        ("GPU_MEM", [0.0, 0.0, 0.0], ("zero-as-missing", [None, None, None])),
        ("GPU_LOAD", [0.0, 0.0, 20.0], ("zero-as-missing", [0.0, None, 20.0])),
        ("THROUGHPUT", [5.0, 0.0, 1.0], ("rounded-to-zero", [5.0, None, 1.0])),
        ("CPU_TEMP", [-263.2, 40.0, 50.0], ("impossible-temperature", [None, 40.0, 50.0])),
        ("LATENCY", [1.0, -2.0, 3.0], ("impossible-value", [1.0, None, 3.0])),
        ("CPU_LOAD", [1.0, 250.0, 100.4], ("impossible-value", [1.0, None, 100.4])),
    ],
)
def test_a_fault_is_nulled_and_counted(
    column: str, values: list[Value], expected: tuple[str, list[Value]], tmp_path: Path, read: Callable[..., Dataset]
) -> None:
    kind, kept = expected
    found = read(tmp_path, **{column: values})
    repaired = found.tables[0].column(column)
    assert repaired.values == kept
    assert counts(found) == {f"{kind} {column}": kept.count(None)}
    assert all(repaired.why(row).startswith(kind) == (value is None) for row, value in enumerate(kept))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("GPU_MEM", [0.0, 30.0, 40.0]),  # a configuration on the CPU needs none
        ("POSTPROCESSING_TIME", [0.0, 0.0, 0.0]),  # rounded to tenths of a millisecond
        ("quality", [0.0, -5.0, 0.0]),  # of an algorithm nothing is known
        ("CPU_TEMP", [-20.0, 0.0, 85.0]),
    ],
)
def test_what_may_be_is_kept(column: str, values: list[Value], tmp_path: Path, read: Callable[..., Dataset]) -> None:
    found = read(tmp_path, **{column: values})
    assert list(found.tables[0].column(column).values) == values
    assert not found.faults.faults


def test_a_peak_below_its_mean_makes_both_unknown(tmp_path: Path, read: Callable[..., Dataset]) -> None:
    """In most rows: the column has another unit. In one: that row is wrong."""
    found = read(tmp_path / "most", CPU_MEM=[44.0, 37.0, 2.0], CPU_MEM_PEAK=[1.4, 1.2, 3.0])
    assert counts(found) == {"unit-mix-up CPU_MEM": 3, "unit-mix-up CPU_MEM_PEAK": 3}
    found = read(tmp_path / "one", CPU_MEM=[44.0, 37.0, 2.0], CPU_MEM_PEAK=[50.0, 40.0, 1.0])
    assert found.tables[0].column("CPU_MEM").values == [44.0, 37.0, None]


def test_efficiency_in_multiply_accumulates_is_not_taken_for_operations(
    tmp_path: Path, read: Callable[..., Dataset]
) -> None:
    figures: dict[str, list[Value]] = {"GFLOP": [1.4, 1.4, 0.8], "THROUGHPUT": [4.9, 18.5, 3.7]}
    power: list[Value] = [3.9, 4.1, 3.7]
    found = read(tmp_path, **figures, POWER_CONSUMPTION=power, ENERGY_EFFICIENCY=[0.9, 3.1, 0.4])
    assert counts(found) == {"unit-mix-up ENERGY_EFFICIENCY": 3}


def test_a_key_that_was_measured_twice_is_kept_and_marked(tmp_path: Path, pair: Callable[..., Path]) -> None:
    columns: dict[str, list[Value]] = {"engine": ["a", "b", "a"], "LATENCY": [10.0, 3.0, 8.0]}
    pair(tmp_path, columns)
    found = load_dataset(tmp_path)
    assert found.tables[0].column("REPEATS").values == [2, 1, 2]
    (fault,) = found.faults.faults
    assert (fault.kind.value, fault.count) == ("repeated-key", 2)
    assert "LATENCY spreads by 20.0 %" in fault.rule


def test_quality_that_was_published_beside_is_joined_where_it_matches(
    tmp_path: Path, pair: Callable[..., Path]
) -> None:
    pair(tmp_path, {"var_0": [4, 5, 6], "time": [1.5, 2.5, 3.5]})
    (tmp_path / "saxpy_quality.csv").write_text("var_0,quality\n6,0.5\n4,0.25\n9,1\n", "utf-8")
    found = load_dataset(tmp_path)
    quality = found.tables[0].column("quality")
    assert quality.values == [0.25, None, 0.5]
    assert quality.why(1) == "no quality was published for this configuration"
    assert "2 of 3 rows have a quality in saxpy_quality.csv, which has 1 for no row" in found.faults.faults[0].rule
    (tmp_path / "saxpy_quality.csv").write_text("var_1,quality\n6,0.5\n", "utf-8")
    with pytest.raises(ResultError, match="has other columns than its algorithm"):
        load_dataset(tmp_path)


def test_what_was_repaired_stays_repaired_and_told(tmp_path: Path, pair: Callable[..., Path]) -> None:
    """A second import finds no fault of a value any more, keeps the reasons, and writes the same bytes."""
    power: list[Value] = [0.0, 3.0, 4.0]
    pair(tmp_path / "a", {"PROCESSOR": PROCESSORS, "POWER_CONSUMPTION": power, "GPU_LOAD": [0, 0, 0]}, 2)
    import_dataset(tmp_path / "a", tmp_path / "b")
    again = load_dataset(tmp_path / "b")
    assert not again.faults.faults
    assert again.tables[0].column("POWER_CONSUMPTION").why(0).startswith("zero-as-missing")
    assert "GPU_LOAD" not in [column.name for column in again.tables[0].columns]  # nobody measured it
    import_dataset(tmp_path / "b", tmp_path / "c")
    for name in ("saxpy_pc.csv", "saxpy_pc.json"):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "c" / name).read_bytes()
    with pytest.raises(ResultError, match="is not empty"):
        import_dataset(tmp_path / "a", tmp_path / "b")


FIGURES = st.one_of(st.none(), st.sampled_from([-300.0, -1.0, 0.0, 0.5, 1.0, 2.0, 50.0, 200.0]))


@given(data=st.data())
def test_nothing_is_left_to_repair_in_what_was_repaired(data: st.DataObject) -> None:
    """Whatever one rule takes away gives another none to work on."""
    names = [*dict.fromkeys((*NOT_NEGATIVE, *TEMPERATURES))]
    taken = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=6, unique=True))
    rows = data.draw(st.integers(1, 5))
    columns: dict[str, list[Value]] = {
        "PROCESSOR": data.draw(st.lists(st.sampled_from(PROCESSORS), min_size=rows, max_size=rows)),
        "GFLOP": [1.0] * rows,
        **{name: data.draw(st.lists(FIGURES, min_size=rows, max_size=rows)) for name in taken},
    }
    targets = tuple(map(Variable, taken))
    descriptor = Descriptor("saxpy", "pc", None, (Variable("PROCESSOR", "str"), Variable("GFLOP")), targets)
    once = repaired(descriptor, columns)
    assert not [fault for fault in repaired(descriptor, once.columns).faults if fault.column]


@pytest.mark.long
def test_the_published_data_is_read_whole_with_its_known_faults(tmp_path: Path, stairwai: Path) -> None:
    """Counts against those that were found in the data by other means."""
    found = import_dataset(stairwai, tmp_path / "imported")
    assert len(found.faults.by_file()) == 72
    assert len(list((tmp_path / "imported").glob("*.csv"))) == 72
    counted = {kind.value: count for kind, count in found.faults.counts().items()}
    assert counted["impossible-temperature"] == 203
    assert counted["rounded-to-zero"] == 24
    assert counted["typed-target"] > 0
    power = [fault for fault in found.faults.faults if fault.column == "POWER_CONSUMPTION"]
    assert sum(fault.count for fault in power) == 316 + 192 + 203 + 75 + 203
    fwt = found.table("fwt").column("quality")
    assert fwt.known == 9994 + 9996 + 9996
    again = load_dataset(tmp_path / "imported")
    assert {fault.kind.value for fault in again.faults.faults} == {"repeated-key"}
    assert sum(map(len, again.tables)) == sum(map(len, found.tables))


def test_a_fault_report_counts_by_column_and_has_each_fault_as_a_row(
    tmp_path: Path, read: Callable[..., Dataset]
) -> None:
    values: dict[str, list[Value]] = {"CPU_TEMP": [-263.2, 0.0, 0.0], "POWER_CONSUMPTION": [0.0, 0.0, 4.0]}
    faults = read(tmp_path, **values, GPU_LOAD=[0.0, 0.0, 0.0]).faults
    assert faults.sheet().header == ("fault", "column", "count", "files")
    assert ("zero-as-missing", "POWER_CONSUMPTION", "2", "1") in faults.sheet().rows
    assert ("zero-as-missing", "GPU_LOAD", "3", "1") in faults.sheet().rows
    assert len([each for each in faults.faults if each.column == "GPU_LOAD"]) > 1
    frame = pytest.importorskip("pandas", reason="a frame is pandas's") and faults.to_pandas()
    assert frame.groupby("kind")["count"].sum().to_dict() == {"impossible-temperature": 1, "zero-as-missing": 7}


def test_repeated_keys_have_another_remedy_than_an_import_which_keeps_them(
    tmp_path: Path, pair: Callable[..., Path]
) -> None:
    pair(tmp_path, {"ENGINE": ["a", "a"], "LATENCY": [1.0, 2.0]}, 1)
    (problem,) = problems(tmp_path)
    assert "repeated-key in 2 rows of 2" in problem.found
    assert "one more column" in problem.right


def test_an_import_of_nothing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="names no data"):
        import_dataset([], tmp_path / "taken")
    assert not (tmp_path / "taken").exists()
