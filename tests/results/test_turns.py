"""Times that stand beside ratios: from the same turns, so that no table contradicts its verdict."""

from __future__ import annotations

import pytest

from lpbench.results.run import Lockstep
from lpbench.results.stats import Interval
from lpbench.results.turns import pair_medians, turn_metrics

DRIFT = (1.0, 1.1, 1.3, 1.2, 0.9, 1.0, 1.05, 1.4)
"""What a machine does to all of a run alike."""


def pair(second: int, ratio: float, runs: int = 8) -> Lockstep:
    """Return turns in which the reference takes 2 ms on a machine that drifts."""
    ratios = {"total": tuple(ratio * (1 + run / 1000) for run in range(runs))}
    return Lockstep(0, second, ratios, {"total": tuple(2e6 * factor for factor in DRIFT[:runs])})


def test_the_seconds_time_over_the_firsts_is_the_ratio() -> None:
    first, second = pair_medians(pair(1, 0.8))["total"]
    assert second / first == pytest.approx(0.8, rel=0.01)
    assert 2e6 < first < 2.4e6


@pytest.mark.parametrize("runs", [8, 5])
def test_all_rows_stand_on_one_level_also_where_one_took_part_in_fewer_runs(runs: int) -> None:
    """In the first five runs the machine was faster than in all eight."""
    found = turn_metrics([pair(1, 0.8), pair(2, 1.4, runs)])
    values = [found[index]["total"].value or 0.0 for index in range(3)]
    assert values[1] / values[0] == pytest.approx(0.8, rel=0.01)
    assert values[2] / values[0] == pytest.approx(1.4, rel=0.01)
    assert found[2]["total"].n == runs
    assert isinstance(found[2]["total"].interval, Interval)


def test_a_file_of_before_has_no_such_times() -> None:
    old = Lockstep(0, 1, {"total": (1.1,) * 8})
    assert pair_medians(old) == {}
    assert turn_metrics([old]) == {}
    damaged = Lockstep(0, 1, {"total": (1.1,) * 8}, {"total": (2e6,) * 3})
    assert pair_medians(damaged) == {}
