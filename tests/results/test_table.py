"""Tables of measured configurations."""

from __future__ import annotations

import pytest

from lpbench.errors import ResultError
from lpbench.results.table import Column, Kind, Table


def table() -> Table:
    """Return a table of three rows, of which one has no power."""
    return Table(
        "saxpy",
        (
            Column("ENGINE", Kind.HYPERPARAMETER, ["a", "b", "b"], "str"),
            Column("LATENCY", Kind.TARGET, [1.0, 2.5, 4.0], unit="ms", lower=[0.5, None, 3.0], upper=[1.5, None, 5.0]),
            Column("POWER", Kind.TARGET, [3.0, None, 5.0], unit="W", reasons=["", "no sensor", ""]),
        ),
        "saxpy_pc.csv",
    )


def test_a_table_answers_for_its_rows_and_columns() -> None:
    found = table()
    assert len(found) == 3
    assert found.rows([1]) == [{"ENGINE": "b", "LATENCY": 2.5, "POWER": None}]
    assert found.column("latency").interval(0) == (0.5, 1.5)
    assert found.column("LATENCY").interval(1) is None
    assert (found.column("POWER").known, found.column("POWER").why(1)) == (2, "no sensor")
    assert [column.name for column in found.of_kind(Kind.TARGET)] == ["LATENCY", "POWER"]
    assert found.in_short() == "saxpy: 3 rows; 1 hyperparameter, 2 targets"
    assert [row[-1] for row in found.sheet().rows] == ["a, b", "1 to 4", "3 to 5"]


def test_a_column_that_is_not_there_is_answered_by_the_nearest_in_any_case() -> None:
    with pytest.raises(ResultError, match='"latenci"') as caught:
        table().column("latenci")
    assert caught.value.hint == 'did you mean "LATENCY"?'


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ResultError, match="not the same rows"):
        Table("a", (Column("x", Kind.TARGET, [1.0]), Column("y", Kind.TARGET, [])))


def test_pandas_sees_what_is_not_known_as_nan() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    frame = table().to_pandas()
    assert frame["POWER"].isna().tolist() == [False, True, False]
    assert frame[frame.LATENCY < 3].ENGINE.tolist() == ["a", "b"]
