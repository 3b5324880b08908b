"""What the turns of several runs come to."""

from __future__ import annotations

from typing import Any

import pytest

from lpbench.jobs.measuring.interleave import Contender
from lpbench.jobs.measuring.recording import Recorder
from lpbench.jobs.measuring.turns import Turns, lockstep, turns_of


def contender(**medians: list[float]) -> Contender:
    client: Any = None
    return Contender(client, 1.0, medians=medians)


def run(index: int, slowness: float, *, superseded: bool = False) -> Turns:
    """Return turns in which the second takes twice as long, in a machine's good and bad times alike."""
    recorder = Recorder(index)
    recorder.superseded = superseded
    reference = contender(total=[slowness * ns for ns in (90.0, 100.0, 300.0)], preprocessing=[0.0, 0.0, 0.0])
    other = contender(total=[slowness * ns for ns in (180.0, 200.0, 600.0)], preprocessing=[1.0, 1.0, 1.0])
    return turns_of(recorder, reference, other)


def test_each_run_keeps_the_ratio_and_the_references_time_in_the_same_slices() -> None:
    found = lockstep(0, 2, [run(0, 1.0), run(1, 3.0)])
    assert (found.first, found.second) == (0, 2)
    assert set(found.ratios) == {"total"}, "what takes no time has no ratio"
    assert found.ratios["total"] == pytest.approx((2.0, 2.0))
    assert found.first_ns == {"total": (100.0, 300.0)}


def test_a_run_that_was_repeated_counts_no_more() -> None:
    found = lockstep(0, 1, [run(0, 1.0, superseded=True), run(1, 3.0)])
    assert found.first_ns["total"] == (300.0,)
    assert len(found.ratios["total"]) == 1
    assert lockstep(0, 1, [run(0, 1.0, superseded=True)]).ratios == {}
