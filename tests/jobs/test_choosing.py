"""``lpbench.choose`` from files: published data answers as a pandas filter does, and sources are told apart."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.errors import LpbenchError
from lpbench.jobs.choosing import quality_direction
from lpbench.results.directions import Direction
from lpbench.results.table import Column, Kind, Table

if TYPE_CHECKING:
    from collections.abc import Callable

PUBLISHED = Path(__file__).parents[3] / "shared" / "stairwai"
ZERO_IS_MISSING = ["POWER_CONSUMPTION", "GPU_MEM", "MEMORY_BANDWIDTH", "ENERGY_EFFICIENCY"]
QUESTIONS: list[tuple[dict[str, Any], Callable[[Any], Any]]] = [
    ({"best": "LATENCY"}, lambda rows: rows),
    ({"best": "POWER_CONSUMPTION"}, lambda rows: rows),
    (
        {"max": {"LATENCY": 60}, "min": {"QUALITY_VALUE": 70}, "best": "POWER_CONSUMPTION"},
        lambda rows: rows[(rows.LATENCY <= 60) & (rows.QUALITY_VALUE >= 70)],
    ),
    (
        {"max": {"POWER_CONSUMPTION": 5}, "best": "LATENCY"},
        lambda rows: rows[rows.POWER_CONSUMPTION <= 5],
    ),
    ({"equal": {"ENGINE": "ncnn"}, "best": "LATENCY"}, lambda rows: rows[rows.ENGINE == "ncnn"]),
    (
        {"equal": {"PROCESSOR": "CPU", "PRECISION": "F32"}, "min": {"QUALITY_VALUE": 75}, "best": "CPU_LOAD"},
        lambda rows: rows[(rows.PROCESSOR == "CPU") & (rows.PRECISION == "F32") & (rows.QUALITY_VALUE >= 75)],
    ),
    (
        {"max": {"STORAGE": 20, "LATENCY": 200}, "best": "QUALITY_VALUE"},
        lambda rows: rows[(rows.STORAGE <= 20) & (rows.LATENCY <= 200)],
    ),
    (
        {"equal": {"PLATFORM": "rpi4"}, "max": {"STORAGE": 60}, "best": "INFERENCE_TIME"},
        lambda rows: rows[(rows.PLATFORM == "rpi4") & (rows.STORAGE <= 60)],
    ),
    (
        {"min": {"THROUGHPUT": 10}, "max": {"POWER_CONSUMPTION": 8}, "best": "QUALITY_VALUE"},
        lambda rows: rows[(rows.THROUGHPUT >= 10) & (rows.POWER_CONSUMPTION <= 8)],
    ),
    (
        {"max": {"LATENCY": 1, "POWER_CONSUMPTION": 1}, "best": "STORAGE"},
        lambda rows: rows[(rows.LATENCY <= 1) & (rows.POWER_CONSUMPTION <= 1)],
    ),
]
HIGHEST = {"QUALITY_VALUE"}


@pytest.fixture(scope="module")
def imagenet() -> Any:
    """Return the published rows of imagenet, their zeros of what nobody measured as missing."""
    pandas = pytest.importorskip("pandas", reason="the other way is pandas's")
    if not PUBLISHED.is_dir():
        pytest.skip("needs stairwai: the published data in ../shared/stairwai")
    files = sorted((PUBLISHED / "datasets").glob("imagenet_*.csv"))
    rows = pandas.concat([pandas.read_csv(file).assign(PLATFORM=file.stem.split("_")[1]) for file in files])
    rows[ZERO_IS_MISSING] = rows[ZERO_IS_MISSING].replace(0, float("nan"))
    return rows


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Return the same rows as they are imported."""
    if not PUBLISHED.is_dir():
        pytest.skip("needs stairwai: the published data in ../shared/stairwai")
    folder = tmp_path_factory.mktemp("published")
    for file in (*PUBLISHED.glob("configs/imagenet_*"), *PUBLISHED.glob("datasets/imagenet_*")):
        shutil.copy(file, folder)
    return lpbench.choose(folder).table


@pytest.mark.parametrize(("question", "fitting"), QUESTIONS)
def test_published_rows_answer_as_a_pandas_filter_does(
    imagenet: Any, published: Table, question: dict[str, Any], fitting: Callable[[Any], Any]
) -> None:
    best = question["best"]
    found = lpbench.choose(published, **question, top=1000)
    rows = fitting(imagenet).dropna(subset=[best]).sort_values(best, ascending=best not in HIGHEST)
    assert len(found.fitting) == len(rows)
    assert (found.choice is None) is rows.empty
    if found.choice is not None:
        assert [found.choice.value(best), *(each.value(best) for each in found.runners_up)] == list(rows[best])
        assert len(found.not_told_apart) == (rows[best] == rows[best].iloc[0]).sum() - 1
        assert set(rows.PLATFORM) == {each.platform for each in found.fitting}
        assert set(found.excluded) == set(imagenet.PLATFORM) - set(rows.PLATFORM)


def table(quality: str, metrics: list[str | None] | None = None) -> Table:
    columns = [Column("QUALITY_VALUE", Kind.HYPERPARAMETER, [1.0, 2.0], description=quality)]
    columns += [Column("QUALITY_METRIC", Kind.FACT, metrics, "str")] if metrics else []
    return Table("a", tuple(columns))


@pytest.mark.parametrize(
    ("quality", "metrics", "direction"),
    [
        ("Avg MAE", None, Direction.LOWEST),
        ("Accuracy top-1", None, Direction.HIGHEST),
        ("", ["top1", None], Direction.HIGHEST),
        ("", ["mae", "mae"], Direction.LOWEST),
        ("", ["mae", "top1"], None),
        ("mysterious", None, None),
    ],
)
def test_which_quality_is_better_is_told_by_its_metric(
    quality: str, metrics: list[str | None] | None, direction: Direction | None
) -> None:
    assert quality_direction(table(quality, metrics)) is direction


def test_a_choice_is_a_table_in_a_notebook_and_a_frame_of_the_rows_that_it_names() -> None:
    columns = (
        Column("LATENCY", Kind.TARGET, [3.0, 1.0, 2.0], unit="ms"),
        Column("var_0", Kind.HYPERPARAMETER, [1, 2, 3], "int"),
    )
    found = lpbench.choose(Table("<b>", columns), best="latency", top=1)
    assert "<table>" in (found._repr_html_() or "")
    assert "<b>" not in (found._repr_html_() or "")
    assert "lowest LATENCY: 1.00 ms" in str(found)
    assert found.named().rows() == [
        {"PLACE": 1, "NOT_TOLD_APART": 0, "ON_FRONT": 1, "LATENCY": 1.0, "var_0": 2},
        {"PLACE": 2, "NOT_TOLD_APART": 0, "ON_FRONT": 0, "LATENCY": 2.0, "var_0": 3},
    ]
    frame = pytest.importorskip("pandas", reason="a frame is pandas's") and found.to_pandas()
    assert list(frame.PLACE) == [1, 2]


def test_runners_up_are_none_or_more() -> None:
    rows = Table("a", (Column("LATENCY", Kind.TARGET, [3.0, 1.0]),))
    assert len(lpbench.choose(rows, best="LATENCY", top=0).runners_up) == 0
    with pytest.raises(LpbenchError, match="0 or more"):
        lpbench.choose(rows, best="LATENCY", top=-1)


def test_a_table_of_a_million_rows_is_taken() -> None:
    """A limit on the length of arguments is for lists of settings."""
    found = lpbench.choose(Table("a", (Column("LATENCY", Kind.TARGET, [1.0] * 100_000),)), best="LATENCY")
    assert len(found.not_told_apart) == 99_999


def test_a_metric_that_nobody_measured_is_unknown_in_every_row_and_a_name_of_none_is_a_mistake() -> None:
    rows = Table("a", (Column("LATENCY", Kind.TARGET, [3.0, 1.0]),))
    found = lpbench.choose(rows, max={"LATENCY": 2}, min={"quality_value": 70}, best="LATENCY")
    assert (found.choice, found.unknown_rows, found.violating) == (None, 1, 1)
    assert [(each.column, each.reason) for each in found.unknown] == [("QUALITY_VALUE", "was not measured")]
    assert "QUALITY_VALUE is not known" in str(found)
    best = lpbench.choose(rows, best="POWER_CONSUMPTION")
    assert (best.choice, best.unknown_rows) == (None, 2)
    assert lpbench.choose(rows, best="QUALITY_VALUE").choice is None
    front = lpbench.choose(rows, pareto=["LATENCY", "PRICE"]).pareto
    assert (len(front.candidates), front.unknown) == (0, 2)
    with pytest.raises(LpbenchError, match='there is no column "LATENZY"'):
        lpbench.choose(rows, max={"LATENZY": 2}, best="LATENCY")
    with pytest.raises(LpbenchError, match='did you mean "QUALITY_VALUE"'):
        lpbench.choose(rows, max={"QALITY_VALUE": 2}, best="LATENCY")


def test_a_row_is_called_by_what_was_configured() -> None:
    columns = (
        Column("var_0", Kind.HYPERPARAMETER, [12, 3], "int"),
        Column("STATE", Kind.FACT, ["OK", "OK"], "str"),
        Column("PLATFORM", Kind.FACT, ["pc", "pc"], "str"),
        Column("LATENCY", Kind.TARGET, [3.0, 1.0]),
    )
    found = lpbench.choose(Table("a", columns), best="LATENCY")
    assert found.choice is not None
    assert found.choice.in_short() == "row 1: var_0=3 pc"
    assert "lowest LATENCY: 1.00, pc var_0=3" in str(found)
    called = Column("CONFIGURATION", Kind.FACT, ["a:var_0=12", "a:var_0=3"], "str")
    swept = lpbench.choose(Table("a", (*columns, called)), best="LATENCY")
    assert swept.choice is not None
    assert swept.choice.in_short() == "row 1: pc a:var_0=3"
    assert "lowest LATENCY: 1.00, pc a:var_0=3" in str(swept)
    assert "platform  configuration  LATENCY" in str(swept), "the name says var_0, which has no column of its own"


def test_a_number_that_no_row_has_is_said_as_it_was_asked_with_the_nearest_one() -> None:
    columns = (Column("THREADS", Kind.HYPERPARAMETER, [1, 2, 16, None], "int"), Column("time", Kind.TARGET, [1.0] * 4))
    with pytest.raises(LpbenchError, match=r"no row has 13 as its THREADS\s+the nearest is 16"):
        lpbench.choose(Table("a", columns), equal={"THREADS": 13}, best="time")


def test_a_multiple_is_not_taken_for_a_unit() -> None:
    found = lpbench.choose(Table("a", (Column("GFLOP", Kind.TARGET, [0.3], unit="1e9"),)), best="GFLOP")
    assert "lowest GFLOP: 0.300 (1e9)" in str(found)


def test_numbers_of_which_none_is_known_are_numbers_to_pandas() -> None:
    pytest.importorskip("pandas", reason="a frame is pandas's")
    rows = Table("a", (Column("LATENCY", Kind.TARGET, [3.0, 1.0]), Column("PRICE", Kind.FACT, [None, None])))
    frame = rows.to_pandas()
    assert str(frame.PRICE.dtype) == "float64"
    assert list(frame.LATENCY[~(frame.PRICE > 0)]) == [3.0, 1.0]
