"""What the pilot's runs lead to; the runs are synthetic."""

from __future__ import annotations

import random
from array import array

import pytest

from lpbench.jobs.measuring.pilot import FEWEST, PILOT, rest_of
from lpbench.jobs.measuring.recording import Recorder, RunBudget
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results.stages import TOTAL

MS = 1_000_000
FIRST = RunBudget(most_s=0.6, least_s=0.3, lockstep_s=0.2)


def pilot(samples: int = 100, spread: float = 0.02, seed: int = 0) -> list[Recorder]:
    """Return three runs of samples of 4 ms, which differ no more than their samples make them."""
    random_ = random.Random(seed)  # noqa: S311 - no secret
    found = []
    for index in range(PILOT):
        one = Recorder(index, EngineConfiguration("fake"))
        one.columns[TOTAL] = array("q", [int(4 * MS * random_.gauss(1, spread)) for _ in range(samples)])
        one.whole_ns, one.start_ns = samples * 4 * MS, 300 * MS
        found.append(one)
    return found


def later(tracks: list[list[Recorder]], spent_s: float, max_s: float) -> list[RunBudget]:
    """Return the limits of what follows the pilot."""
    return rest_of([FIRST] * PILOT, tracks, spent_s, max_s)[PILOT:]


def test_a_run_may_take_the_time_that_is_left_over() -> None:
    """Three runs of 1.5 s: five more leave 3 s of 13 s, which are theirs."""
    found = later([pilot()], 4.5, 13.0)
    assert len(found) == FEWEST - PILOT
    assert [each.most_s for each in found] == pytest.approx([0.4 + (13.0 - 4.5) / 5 - 1.5] * len(found))


def test_a_run_is_as_long_as_the_pilots_at_least() -> None:
    (found, *_) = later([pilot(samples=90)], 4.5, 13.0)
    assert found.need >= 90
    assert found.most == FIRST.most


def test_runs_are_shortened_where_eight_would_take_too_long() -> None:
    found = later([pilot()], 6.0, 13.0)
    assert len(found) == FEWEST - PILOT
    assert all(each.most_s < FIRST.most_s and each.lockstep_s < FIRST.lockstep_s for each in found)


def test_time_that_is_left_over_goes_to_nobody_where_turns_are_what_counts() -> None:
    found = later([pilot(), pilot(seed=1)], 6.0, 26.0)
    assert {each.most_s for each in found} == {FIRST.most_s}


def test_a_run_takes_no_longer_than_two_seconds_whatever_is_left() -> None:
    found = later([pilot()], 4.5, 60.0)
    assert {each.most_s for each in found} == {RunBudget.most_s}
