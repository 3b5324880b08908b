"""How a benchmark is laid out before anything starts."""

from __future__ import annotations

import os
from typing import Any

import pytest

from lpbench.errors import LpbenchError
from lpbench.jobs.engine_choice import Target
from lpbench.jobs.measuring import plan as plans
from lpbench.jobs.measuring.cores import all_cores, pinned
from lpbench.jobs.measuring.live import live_settings
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results.settings import RunSettings


@pytest.mark.parametrize(
    ("asked", "counts"),
    [
        (RunSettings(number=10), [10]),
        (RunSettings(number=6), [6]),
        (RunSettings(number=1), [1]),
        (RunSettings(number=48), [6] * 8),
        (RunSettings(number=50), [7, 7, 6, 6, 6, 6, 6, 6]),
        (RunSettings(number=10, runs=4), [3, 3, 2, 2]),
        (RunSettings(runs=2), [None, None]),
    ],
)
def test_number_is_split_over_as_many_runs_as_can_each_have_an_interval(
    asked: RunSettings, counts: list[int | None]
) -> None:
    assert [each.number for each in plans.budgets(asked, 1, 13.0)] == counts


def test_a_percentile_asks_every_run_for_its_share() -> None:
    budgets = plans.budgets(RunSettings(percentile=99), 1, 13.0)
    assert sum(each.need for each in budgets) >= 662
    assert sum(each.need for each in plans.budgets(RunSettings(percentile=99.9), 1, 13.0)) >= 6636


@pytest.mark.parametrize(
    ("settings", "configurations", "max_time"),
    [(RunSettings(), 1, 13.0), (RunSettings(), 4, 48.0), (RunSettings(runs=20), 1, 13.0), (RunSettings(), 1, 2.0)],
)
def test_the_time_alone_and_in_turns_fits_the_goal(settings: RunSettings, configurations: int, max_time: float) -> None:
    budgets = plans.budgets(settings, configurations, max_time)
    spent = sum(each.most_s * configurations + each.lockstep_s * (configurations + 1) for each in budgets)
    assert spent <= max_time


def _target(**how: Any) -> Target:
    return Target("fake", EngineConfiguration("fake", **how))


def _cores(**how: Any) -> tuple[int, ...]:
    return pinned(_target(**how)).configuration.affinity


def test_each_worker_is_pinned_to_as_many_cores_as_its_threads_the_last_ones() -> None:
    allowed = tuple(sorted(os.sched_getaffinity(0)))
    assert _cores(threads=1) == allowed[-1:]
    assert _cores(threads=len(allowed)) == allowed


@pytest.mark.parametrize("how", [{}, {"threads": 4000}, {"threads": 1, "streams": 2}])
def test_without_a_number_of_threads_and_of_several_streams_it_may_use_all(how: dict[str, Any]) -> None:
    assert _cores(**how) == ()


def test_cores_that_were_asked_for_stay() -> None:
    assert _cores(threads=1, affinity=(0,)) == (0,)


def test_the_yardstick_has_the_cores_of_all_workers_that_can_run() -> None:
    one, two = _target(affinity=(0,)), _target(affinity=(0, 2))
    refused = Target("gone", EngineConfiguration("gone"), refusal=LpbenchError("gone"))
    assert all_cores([one, two, refused]) == (0, 2)
    assert all_cores([one, _target()]) == ()


@pytest.mark.parametrize(
    ("margin", "given", "runs", "max_time"),
    [
        (0.01, {}, 8, None),
        (0.005, {}, 12, 40.0),
        (0.003, {"runs": 20}, 20, 40.0),
        (0.003, {"max_time": 5.0}, 12, 5.0),
    ],
)
def test_a_sharper_margin_takes_more_processes_and_more_time(
    margin: float, given: dict[str, Any], runs: int, max_time: float | None
) -> None:
    settings = live_settings({**given, "engine": ["fake", "fake"]}, margin)
    assert (settings.runs, settings.max_time) == (runs, max_time)
