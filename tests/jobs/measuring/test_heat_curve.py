"""Slices of a heating curve take no more memory, however long it runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.jobs.measuring.heat_curve import HeatCurve, Thermometer
from lpbench.plugin.monitor import Reading
from lpbench.results.sustained import MOST_SLICES, HeatSlice
from lpbench.worker.sampler.messages import Report, encode

if TYPE_CHECKING:
    from collections.abc import Sequence


def curve(medians: Sequence[float], most: int = MOST_SLICES) -> HeatCurve:
    found = HeatCurve(most)
    for at, median in enumerate(medians):
        found.append(HeatSlice(0.2 * at, 10, 0.2, median, int(median) - 1, int(median) + 1))
    return found


def test_two_days_of_slices_are_two_thousand() -> None:
    """864,000 slices of 0.2 s; one at a time, so that the test itself holds none."""
    found = HeatCurve()
    largest = 0
    for at in range(864_000):
        found.append(HeatSlice(0.2 * at, 10, 0.2, 4e6 + at, 3_000_000, 5_000_000 + at))
        if at % 50_000 == 0:
            largest = max(largest, len(found.slices()), sys.getsizeof(found._kept) // 16)
    slices = found.slices()
    assert largest <= MOST_SLICES + 600, "a list has some room to grow"
    assert MOST_SLICES / 2 <= len(slices) <= MOST_SLICES
    assert sum(each.samples for each in slices) == 8_640_000
    assert sum(each.wall_s for each in slices) == pytest.approx(172_800)
    assert max(each.maximum_ns for each in slices) == 5_863_999
    assert [each.at for each in slices[:2]] == [0, pytest.approx(0.2 * found.merged)]
    assert found.merged == 512


@given(st.lists(st.floats(1, 1e12), min_size=1, max_size=200), st.integers(1, 8).map(lambda half: 2 * half))
def test_what_is_merged_adds_up(medians: list[float], most: int) -> None:
    found = curve(medians, most)
    slices = found.slices()
    assert len(slices) <= most
    assert sum(each.samples for each in slices) == 10 * len(medians)
    total = sum(each.median_ns * each.samples for each in slices)
    assert total == pytest.approx(10 * sum(medians)), "a mean weighted by samples, in whatever order it is merged"
    assert [each.at for each in slices] == sorted(each.at for each in slices)
    assert {each.samples for each in slices[:-1]} <= {10 * found.merged}


def told(monitor: str, celsius: float) -> Report:
    reading = Reading(celsius, "°C", "machine", "a sensor")
    return Report(monitor=monitor, readings=encode({"CPU_TEMP": reading}))


def test_the_temperature_is_that_of_the_best_monitor_and_never_absurd() -> None:
    found = Thermometer({"good": 10, "bad": 90})
    assert found.celsius() is None
    found.take(told("bad", 70.0))
    assert found.celsius() == 70.0
    for celsius in (41.0, 45.0, -263.2, float("nan")):
        found.take(told("good", celsius))
    assert found.celsius() == 45.0
