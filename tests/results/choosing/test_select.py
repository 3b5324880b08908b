"""Choosing against plain enumeration: conditions in three values, the best, what keeps platforms out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import given

from lpbench.errors import LpbenchError
from lpbench.results.choosing import Question, Relation, Rule, Selection, conditions, objective, objectives, select
from lpbench.results.directions import Direction
from lpbench.results.table import Column, Kind, Table
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.results.table import Value

UNITS = {"LATENCY": "ms", "POWER_CONSUMPTION": "W", "STORAGE": "MB"}
FACTS = {"PLATFORM", "PRICE", "STATE", "BARRED"}
WORDS = {"PLATFORM", "ENGINE", "STATE", "BARRED"}


def table(**columns: Sequence[Value]) -> Table:
    """Return a table of these columns."""
    return Table("imagenet", tuple(map(column, columns, columns.values())), "night")


def column(name: str, values: Sequence[Value], **ends: Sequence[float | None]) -> Column:
    kind = Kind.FACT if name in FACTS else Kind.HYPERPARAMETER if name == "ENGINE" else Kind.TARGET
    return Column(name, kind, values, "str" if name in WORDS else "float", UNITS.get(name, ""), **ends)  # type: ignore[arg-type] # ends are lower and upper


def ask(
    rows: Table,
    best: str = "",
    pareto: Sequence[str] = (),
    quality: Direction | None = Direction.HIGHEST,
    **bounds: Mapping[str, float | str],
) -> Selection:
    """Return the answer to a question; bounds are ``most``, ``least`` and ``equal``."""
    asked = conditions(rows, *(bounds.get(name, {}) for name in ("most", "least", "equal")))
    wanted = objective(rows, best, quality) if best else None
    return select(rows, Question(asked, wanted, objectives(rows, pareto, quality), quality), top=5)


NUMBERS = st.one_of(st.none(), st.integers(0, 6), st.floats(0, 6, allow_nan=False), st.just(math.nan))
PLATFORMS = st.sampled_from(["rpi4", "rpi3", "nuc"])
ROWS = st.lists(st.tuples(PLATFORMS, NUMBERS, NUMBERS, st.sampled_from(["ncnn", "tflite"])), min_size=1, max_size=25)
BOUNDS = st.one_of(st.none(), st.integers(0, 6).map(float))
ENGINES = st.sampled_from(["", "NCNN"])


def known(value: float | None) -> bool:
    return value is not None and not math.isnan(value)


@given(rows=ROWS, most=BOUNDS, least=BOUNDS, engine=ENGINES)
def test_choosing_does_what_trying_every_row_does(
    rows: list[tuple[str, float | None, float | None, str]], most: float | None, least: float | None, engine: str
) -> None:
    rows = [*rows, ("nuc", None, None, "ncnn")]
    platforms, latency, power, engines = map(list, zip(*rows, strict=True))
    found = ask(
        table(PLATFORM=platforms, LATENCY=latency, POWER_CONSUMPTION=power, ENGINE=engines),
        "POWER_CONSUMPTION",
        most={"LATENCY": most} if most is not None else {},
        least={"POWER_CONSUMPTION": least} if least is not None else {},
        equal={"ENGINE": engine} if engine else {},
    )
    fitting, violating = [], []
    for at, (_, milliseconds, watts, name) in enumerate(rows):
        broken = [
            most is not None and known(milliseconds) and milliseconds > most,  # type: ignore[operator] # it is known
            least is not None and known(watts) and watts < least,  # type: ignore[operator] # likewise
            engine and name != engine.lower(),
        ]
        if any(broken):
            violating.append(at)
        elif known(watts) and (most is None or known(milliseconds)):
            fitting.append(at)
    assert [each.row for each in found.fitting] == fitting
    assert found.violating == len(violating)
    assert found.unknown_rows == len(rows) - len(fitting) - len(violating)
    ordered = sorted(fitting, key=lambda at: (rows[at][2], at))
    assert [each.row for each in ([found.choice] if found.choice else []) + [*found.runners_up]] == ordered[:6]
    assert set(found.excluded) == {row[0] for row in rows} - {rows[at][0] for at in fitting}
    assert {each.row for each in found.not_told_apart} == {
        at for at in ordered[1:] if rows[at][2] == rows[ordered[0]][2]
    }


@given(rows=ROWS, most=st.floats(0.1, 3), least=st.floats(3, 9))
def test_the_smallest_relaxation_is_that_of_the_nearest_row(
    rows: list[tuple[str, float | None, float | None, str]], most: float, least: float
) -> None:
    platforms, latency, power, engines = map(list, zip(*rows, strict=True))
    bounds = {"LATENCY": most}, {"POWER_CONSUMPTION": least}
    made = table(PLATFORM=platforms, LATENCY=latency, POWER_CONSUMPTION=power, ENGINE=engines)
    found = ask(made, "LATENCY", most=bounds[0], least=bounds[1])
    if found.choice is not None:
        assert found.relaxation is None
        return

    def distance(row: tuple[str, float | None, float | None, str]) -> tuple[int, float]:
        moves = [max(0.0, row[1] - most) / most, max(0.0, least - row[2]) / least]  # type: ignore[operator] # both are known
        return sum(move > 0 for move in moves), sum(moves)

    complete = [row for row in rows if known(row[1]) and known(row[2])]
    if not complete:
        assert isinstance(found.relaxation, Unavailable)
        return
    assert not isinstance(found.relaxation, Unavailable | None)
    count, moved = min(map(distance, complete))
    assert len(found.relaxation.changes) == count
    assert found.relaxation.relative == pytest.approx(moved)
    relaxed = {each.condition.relation: each.to for each in found.relaxation.changes}
    again = ask(
        made,
        "LATENCY",
        most={"LATENCY": relaxed.get(Relation.AT_MOST, most)},
        least={"POWER_CONSUMPTION": relaxed.get(Relation.AT_LEAST, least)},
    )
    assert found.relaxation.candidate.row in {each.row for each in again.fitting}


def test_a_condition_on_an_unmeasured_metric_is_unknown_and_never_satisfied() -> None:
    rows = table(PLATFORM=["rpi4", "nuc"], LATENCY=[20.0, 5.0], POWER_CONSUMPTION=[4.0, None])
    found = ask(rows, "LATENCY", most={"POWER_CONSUMPTION": 50})
    assert found.choice is not None
    assert found.choice.platform == "rpi4"
    (missing,) = found.unknown
    assert (missing.column, missing.rows) == ("POWER_CONSUMPTION", {"nuc": 1})
    (reason,) = found.excluded["nuc"].reasons
    assert (reason.best, reason.violated, reason.unknown, reason.alone) == (None, 0, 1, True)


def test_the_best_itself_must_be_known() -> None:
    rows = table(PLATFORM=["rpi4", "nuc"], LATENCY=[20.0, 5.0], POWER_CONSUMPTION=[None, 9.0])
    found = ask(rows, "POWER_CONSUMPTION")
    assert found.choice is not None
    assert found.choice.platform == "nuc"
    assert [str(reason.condition) for reason in found.excluded["rpi4"].reasons] == ["POWER_CONSUMPTION is known"]


def test_a_platform_is_out_for_the_tightest_condition_first() -> None:
    rows = table(PLATFORM=["rpi4", "rpi4", "nuc"], LATENCY=[30.0, 50.0, 5.0], POWER_CONSUMPTION=[4.0, 3.0, 1.0])
    found = ask(rows, "LATENCY", most={"LATENCY": 10, "POWER_CONSUMPTION": 2})
    out = found.excluded["rpi4"]
    assert [(reason.condition.column, reason.best) for reason in out.reasons] == [
        ("LATENCY", 30.0),
        ("POWER_CONSUMPTION", 3.0),
    ]
    assert out.relaxation is not None
    assert [str(each) for each in out.relaxation.changes] == [
        "LATENCY at most 30 ms",
        "POWER_CONSUMPTION at most 4 W",
    ]


def test_conditions_that_keep_a_platform_out_only_together_are_those_of_its_nearest_row() -> None:
    rows = table(PLATFORM=["rpi4", "rpi4"], LATENCY=[30.0, 5.0], POWER_CONSUMPTION=[1.0, 9.0])
    found = ask(rows, "LATENCY", most={"LATENCY": 25, "POWER_CONSUMPTION": 2})
    (reason,) = found.excluded["rpi4"].reasons
    assert (reason.condition.column, reason.alone) == ("LATENCY", False)


def test_each_of_very_many_platforms_has_its_reason() -> None:
    rows = table(PLATFORM=[f"board{at}" for at in range(300)], LATENCY=[float(at + 1) for at in range(300)])
    found = ask(rows, "LATENCY", most={"LATENCY": 2})
    assert len(found.excluded) == 298
    assert [reason.best for reason in found.excluded["board299"].reasons] == [300.0]


def test_what_something_is_is_given_up_after_bounds() -> None:
    rows = table(PLATFORM=["nuc", "nuc"], LATENCY=[90.0, 11.0], ENGINE=["ncnn", "tflite"])
    found = ask(rows, "LATENCY", most={"LATENCY": 10}, equal={"ENGINE": "ncnn"})
    assert not isinstance(found.relaxation, Unavailable | None)
    assert [str(change) for change in found.relaxation.changes] == ["LATENCY at most 90 ms"]


def test_rows_that_cannot_win_are_set_aside() -> None:
    rows = table(
        STATE=["OK", "OK", "failed"], BARRED=[None, "misses its gate", None], LATENCY=[9.0, 1.0, None], ENGINE=["a"] * 3
    )
    found = ask(rows, "LATENCY")
    assert found.choice is not None
    assert found.choice.row == 0
    assert found.set_aside == {"failed": 1, "misses its gate": 1}


@pytest.mark.parametrize(
    ("best", "lower", "upper", "others"),
    [
        ("LATENCY", [9.0, 10.4, 12.0], [10.5, 12.0, 14.0], [1]),
        ("THROUGHPUT", [9.0, 10.4, 12.1], [10.5, 12.0, 14.0], []),
        ("THROUGHPUT", [9.0, 10.4, 11.9], [10.5, 12.0, 14.0], [1]),
    ],
)
def test_overlapping_intervals_are_not_told_apart(
    best: str, lower: list[float | None], upper: list[float | None], others: list[int]
) -> None:
    found = ask(Table("a", (column(best, [10.0, 11.0, 13.0], lower=lower, upper=upper),)), best)
    assert found.rule is Rule.INTERVALS
    assert [each.row for each in found.not_told_apart] == others


def test_rows_of_different_hours_are_compared_beside_their_reference() -> None:
    """By its own minutes the second is the faster one; beside the reference the first is, within the intervals."""
    latency = column("LATENCY", [10.0, 9.0])
    referenced = column("LATENCY_REFERENCED", [9.0, 9.1], lower=[8.9, 9.0], upper=[9.05, 9.2])
    found = ask(Table("a", (latency, referenced)), "LATENCY")
    assert found.choice is not None
    assert (found.choice.row, found.rule) == (0, Rule.RATIOS)
    assert [each.row for each in found.not_told_apart] == [1]
    apart = column("LATENCY_REFERENCED", [9.0, None])
    alone = ask(Table("a", (latency, apart)), "LATENCY")
    assert alone.choice is not None
    assert alone.choice.row == 1


def test_a_bound_that_an_interval_reaches_beyond_is_borderline() -> None:
    rows = Table("a", (column("LATENCY", [10.0], lower=[9.0], upper=[11.0]),))
    assert [each.column for each in ask(rows, "LATENCY", most={"LATENCY": 10.5}).borderline] == ["LATENCY"]
    assert ask(rows, "LATENCY", most={"LATENCY": 11}).borderline == ()


def test_the_front_is_of_the_usual_metrics_that_every_row_has() -> None:
    rows = table(LATENCY=[1.0, 2.0, 3.0], QUALITY_VALUE=[50.0, 60.0, 55.0], POWER_CONSUMPTION=[1.0, None, 1.0])
    front = ask(rows, "LATENCY").pareto
    assert [str(metric) for metric in front.metrics] == ["lowest LATENCY", "highest QUALITY_VALUE"]
    assert [each.row for each in front.candidates] == [0, 1]
    assert front.left_out["POWER_CONSUMPTION"].reason == "2 of 3 rows have it"
    asked = ask(rows, pareto=["power_consumption", "latency"]).pareto
    assert ([each.row for each in asked.candidates], asked.unknown) == ([0], 1)
    errors = ask(rows, pareto=["latency", "quality_value"], quality=Direction.LOWEST).pareto
    assert [each.row for each in errors.candidates] == [0]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"most": {"LATENCIES": 1}}, "LATENCY"),
        ({"most": {"ENGINE": 1}}, "has words"),
        ({"most": {"LATENCY": "20 s"}}, "finite number in ms"),
        ({"most": {"LATENCY": math.nan}}, "finite number"),
        ({"most": {"LATENCY": math.inf}}, "finite number"),
        ({"equal": {"ENGINE": "nccn"}}, "ncnn"),
        ({"equal": {"LATENCY": 3.5}}, "no row has 3.5"),
        ({"most": {"LATENCY": 10}, "least": {"LATENCY": 20}}, "no value can be both"),
        ({"most": {"LATENCY": 4}, "least": {"LATENCY": 3}, "equal": {"LATENCY": 5}}, "no value can be both"),
        ({"most": {"LATENCY": 4, "latency": 5}}, "two such conditions"),
        ({"best": "ENGINE"}, "none of them is the best"),
        ({"best": "time"}, "time:min or time:max"),
        ({"best": "LATENCY:max"}, "lowest one"),
        ({"best": "POWER"}, "no column"),
        ({"best": "QUALITY_VALUE", "quality": None}, "QUALITY_VALUE:min"),
    ],
)
def test_what_cannot_be_asked_says_why_and_what_can(question: dict[str, object], words: str) -> None:
    rows = table(LATENCY=[5.0], ENGINE=["ncnn"], time=[1.0], QUALITY_VALUE=[1.0])
    with pytest.raises(LpbenchError) as error:
        ask(rows, **question)  # type: ignore[arg-type] # each its own
    assert words in str(error.value)


def test_a_bound_may_carry_its_unit_and_a_metric_without_definition_its_way() -> None:
    rows = table(LATENCY=[5.0, 7.0], time=[1.0, 2.0])
    found = ask(rows, "time:max", most={"latency": "6ms"})
    assert found.choice is not None
    assert str(found.best) == "highest time"
    assert [str(each) for each in found.conditions] == ["LATENCY at most 6 ms"]
    assert found.choice.row == 0


def test_numbers_beyond_all_floats_are_as_good_as_missing() -> None:
    rows = table(LATENCY=[10**400, 2.0, math.inf])
    found = ask(rows, "LATENCY", most={"LATENCY": 5})
    assert ([each.row for each in found.fitting], found.unknown_rows) == ([1], 2)


def test_nothing_measured_is_told_from_nothing_fitting() -> None:
    found = ask(table(STATE=["failed"], LATENCY=[None]), "LATENCY")
    assert isinstance(found.relaxation, Unavailable)
    assert "no row was measured" in found.relaxation.reason
