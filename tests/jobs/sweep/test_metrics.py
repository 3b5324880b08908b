"""What rows of a sweep are compared by: the reference's time over the whole sweep, and the samples of a row."""

from __future__ import annotations

import math

import pytest

from lpbench.results.sweep import RATIO, REFERENCED, SAMPLE_TIME, UNITS, Found
from lpbench.results.sweep_metrics import Level, Scale, compared

LEVELS = [Level((2e6, 2e6), (3e6, 3e6)), Level((8e6, 8e6), (12e6, 12e6))]
"""The reference takes 4 ms in the mean, and 6 ms of wall time for a sample."""


def values(found: Found, scale: Scale) -> dict[str, float | None]:
    return {name: metric.value for name, metric in compared(found, scale).items()}


def test_the_latency_of_a_batch_is_divided_by_its_samples() -> None:
    found = values(Found({"BATCH": 4}, ratios=(2.0, 2.0), sample_ratios=(9.0, 9.0)), Scale.of(LEVELS, streams=False))
    assert found[RATIO] == pytest.approx(2.0)
    assert found[REFERENCED] == pytest.approx(8.0)
    assert found[SAMPLE_TIME] == pytest.approx(2.0)


@pytest.mark.parametrize("facts", [{}, {"BATCH": 2}, {"STREAMS": 2}])
def test_where_streams_overlap_a_sample_takes_wall_time_in_every_row(facts: dict[str, str | int]) -> None:
    """Two streams on one core take twice the latency for the same throughput: that is no faster sample."""
    found = values(Found(facts, ratios=(2.0, 2.0), sample_ratios=(0.5, 0.5)), Scale.of(LEVELS, streams=True))
    assert found[REFERENCED] == pytest.approx(8.0)
    assert found[SAMPLE_TIME] == pytest.approx(3.0)


@pytest.mark.parametrize("streams", [False, True])
def test_what_took_no_turns_has_the_reason(*, streams: bool) -> None:
    for found, levels in ((Found(), LEVELS), (Found(ratios=(1.0,), sample_ratios=(1.0,)), [])):
        time = compared(found, Scale.of(levels, streams=streams))[SAMPLE_TIME]
        assert time.value is None
        assert "no turns" in time.reason


def test_a_reference_that_failed_is_the_reason() -> None:
    failed = Scale.of([Level(failed="no such device")], streams=False)
    metrics = compared(Found(units=(2.0, 2.0)), failed)
    assert "no such device" in metrics[RATIO].reason
    assert metrics[UNITS].value == pytest.approx(2.0), "the yardstick still says how long it took"


def test_a_block_counts_once_however_many_runs_it_had() -> None:
    scale = Scale.of([Level((1e6,)), Level((4e6,) * 9)], streams=False)
    assert scale.latency_ns is not None
    assert math.isclose(scale.latency_ns, 2e6)
