"""How a benchmark is laid out before anything starts."""

from __future__ import annotations

import os

import pytest

from lpbench.errors import LpbenchError
from lpbench.jobs.engine_choice import Target
from lpbench.jobs.measuring import plan as plans
from lpbench.jobs.measuring.plan import Effort


@pytest.mark.parametrize(
    ("asked", "counts"),
    [
        (Effort(number=10), [10]),
        (Effort(number=6), [6]),
        (Effort(number=1), [1]),
        (Effort(number=48), [6] * 8),
        (Effort(number=50), [7, 7, 6, 6, 6, 6, 6, 6]),
        (Effort(number=10, runs=4), [3, 3, 2, 2]),
        (Effort(runs=2), [None, None]),
    ],
)
def test_number_is_split_over_as_many_runs_as_can_each_have_an_interval(
    asked: Effort, counts: list[int | None]
) -> None:
    assert [each.number for each in plans.limits(asked)] == counts


def test_a_percentile_asks_every_run_for_its_share() -> None:
    limits = plans.limits(Effort(percentile=99))
    assert sum(each.need for each in limits) >= 662
    assert sum(each.need for each in plans.limits(Effort(percentile=99.9))) >= 6636


@pytest.mark.parametrize(
    "asked", [Effort(), Effort(configurations=4, max_time=48), Effort(runs=20), Effort(max_time=2)]
)
def test_the_time_alone_and_in_turns_fits_the_goal(asked: Effort) -> None:
    limits = plans.limits(asked)
    turns = asked.configurations + 1
    spent = sum(each.most_s * asked.configurations + each.lockstep_s * turns for each in limits)
    assert spent <= asked.max_time


def _target(**options: object) -> Target:
    return Target("fake", options=options)


def test_workers_are_pinned_to_as_many_cores_as_threads() -> None:
    allowed = sorted(os.sched_getaffinity(0))
    assert plans.cores_for([_target(threads=1)]) == (allowed[-1],)
    assert plans.cores_for([_target(threads=1), _target(threads=len(allowed))]) == tuple(allowed)


@pytest.mark.parametrize("targets", [[_target()], [_target(threads=1), _target()], [_target(threads=4000)], []])
def test_without_a_number_of_threads_nobody_is_pinned(targets: list[Target]) -> None:
    assert plans.cores_for(targets) == ()


def test_a_target_that_cannot_run_does_not_count_for_the_cores() -> None:
    refused = Target("gone", refusal=LpbenchError("gone"))
    assert len(plans.cores_for([_target(threads=1), refused])) == 1
