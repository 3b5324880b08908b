"""What the turns of several runs come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.results import locksteps as of
from lpbench.results.recorded import RunRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.run import Lockstep

    Run = dict[int, RunRecord]


def turns(index: int, *, superseded: bool = False, **medians: list[float]) -> RunRecord:
    slices = {stage: tuple(found) for stage, found in medians.items()}
    return RunRecord(index, turns=slices, superseded=superseded)


def run(index: int, slowness: float, *, who: tuple[int, int] = (0, 2), superseded: bool = False) -> Run:
    """Return turns in which the second takes twice as long, in a machine's good and bad times alike."""
    first, second = ([slowness * ns for ns in times] for times in ((90.0, 100.0, 300.0), (180.0, 200.0, 600.0)))
    reference = turns(index, superseded=superseded, total=first, preprocessing=[0.0, 0.0, 0.0])
    other = turns(index, superseded=superseded, total=second, preprocessing=[1.0, 1.0, 1.0])
    return dict(zip(who, (reference, other), strict=True))


def whole(index: int, *who: int) -> Run:
    """Return turns of some configurations, each as much slower than configuration 0 as its index says."""
    return {each: turns(index, total=[100.0 * (1 + each)] * 4) for each in who}


def locksteps(runs: Sequence[Run]) -> tuple[Lockstep, ...]:
    """Return the ratios of some runs, each given by the configurations that took turns in it."""
    targets = sorted({target for each in runs for target in each})
    return of.locksteps({target: [each[target] for each in runs if target in each] for target in targets})


def test_each_run_keeps_the_ratio_and_the_references_time_in_the_same_slices() -> None:
    (found,) = locksteps([run(0, 1.0), run(1, 3.0)])
    assert (found.first, found.second) == (0, 2)
    assert set(found.ratios) == {"total"}, "what takes no time has no ratio"
    assert found.ratios["total"] == pytest.approx((2.0, 2.0))
    assert found.first_ns == {"total": (100.0, 300.0)}


def test_a_run_that_was_repeated_counts_no_more() -> None:
    (found,) = locksteps([run(0, 1.0, superseded=True), run(1, 3.0)])
    assert found.first_ns["total"] == (300.0,)
    assert len(found.ratios["total"]) == 1
    assert locksteps([run(0, 1.0, superseded=True)]) == ()


def test_whoever_failed_in_a_run_has_no_ratio_of_it_and_the_others_have() -> None:
    found = locksteps([whole(0, 0, 1, 2), whole(1, 0, 2), whole(2, 0, 1, 2)])
    assert [(each.first, each.second) for each in found] == [(0, 1), (0, 2)]
    assert found[0].ratios["total"] == pytest.approx((2.0, 2.0))
    assert found[1].ratios["total"] == pytest.approx((3.0, 3.0, 3.0))


def test_one_failure_of_the_first_does_not_make_another_the_reference() -> None:
    found = locksteps([whole(0, 1, 2), *(whole(index, 0, 1, 2) for index in range(1, 4))])
    assert [(each.first, each.second, len(each.ratios["total"])) for each in found] == [(0, 1, 3), (0, 2, 3)]


def test_where_the_first_failed_in_most_runs_the_next_is_the_reference() -> None:
    found = locksteps([whole(0, 0, 1, 2), whole(1, 1, 2), whole(2, 1, 2)])
    assert [(each.first, each.second) for each in found] == [(1, 0), (1, 2)]
    assert found[1].ratios["total"] == pytest.approx((1.5, 1.5, 1.5))


@pytest.mark.parametrize("runs", [[], [{}], [whole(0, 1)]], ids=["no run", "none left", "one left"])
def test_without_two_in_a_run_there_are_no_ratios(runs: list[Run]) -> None:
    assert locksteps(runs) == ()
