"""Means over time, growth of counters and thinned series, against plain computations; memory over a simulated day."""

from __future__ import annotations

import itertools
import math
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.jobs.measuring.resources.collector import BUSY, IDLE, Collector
from lpbench.jobs.measuring.resources.series import Counter, Gauge, Thinned
from lpbench.plugin.monitor import Reading
from lpbench.results.resources import MOST_POINTS
from lpbench.worker.sampler.messages import Report, encode

STEPS = st.lists(st.tuples(st.floats(0.001, 10), st.floats(-1e3, 1e3)), min_size=1, max_size=60)


def timed(steps: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return moments and values from steps of time and values."""
    moments = itertools.accumulate(step for step, _ in steps)
    return list(zip(moments, (value for _, value in steps), strict=True))


@given(STEPS, st.floats(0, 5), st.floats(0, 5))
def test_a_mean_over_time_is_the_area_of_the_trapezoids_and_of_both_ends(
    steps: list[tuple[float, float]], before: float, after: float
) -> None:
    readings = timed(steps)
    begin, end = readings[0][0] - before, readings[-1][0] + after
    gauge = Gauge()
    for at, value in readings:
        gauge.add(at, value)
    corners = [(begin, readings[0][1]), *readings, (end, readings[-1][1])]
    area = sum((late - soon) * (low + high) / 2 for (soon, low), (late, high) in itertools.pairwise(corners))
    expected = area / (end - begin) if end > begin else readings[-1][1]
    assert gauge.mean(begin, end) == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert (gauge.n, gauge.minimum, gauge.maximum) == (
        len(readings),
        min(value for _, value in readings),
        max(value for _, value in readings),
    )


@given(STEPS, st.floats(-100, 100), st.floats(0, 100))
def test_a_mean_is_never_beyond_the_readings_whatever_their_moments(
    steps: list[tuple[float, float]], begin: float, seconds: float
) -> None:
    gauge = Gauge()
    for at, value in timed(steps):
        gauge.add(at, value)
    mean = gauge.mean(begin, begin + seconds)
    assert mean is not None
    assert gauge.minimum - 1e-6 <= mean <= gauge.maximum + 1e-6


@given(st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 1e6), st.booleans()), min_size=2, max_size=60))
def test_a_counter_grows_by_what_it_counts_and_by_nothing_when_it_starts_anew(
    steps: list[tuple[float, float, bool]],
) -> None:
    counter, at, value, expected, counted = Counter(), 0.0, 1e7, 0.0, 0.0
    counter.add(at, value)
    for seconds, growth, restarts in steps:
        at += seconds
        if restarts and value > 0:
            value = 0.0
        else:
            value, expected, counted = value + growth, expected + growth, counted + seconds
        counter.add(at, value)
    assert counter.growth == pytest.approx(expected, rel=1e-6, abs=1e-3)
    if counted:
        assert counter.rate() == pytest.approx(expected / counted, rel=1e-6, abs=1e-6)


@given(st.integers(1, 20_000))
def test_a_series_keeps_the_mean_of_what_it_thins_out(count: int) -> None:
    points = Thinned(most=16)
    for at in range(count):
        points.add(float(at), float(at))
    series = points.series(0.0)
    assert len(series.seconds) <= 17
    assert list(series.seconds) == sorted(series.seconds)
    assert series.values[0] <= (count - 1) / 2 <= series.values[-1] + 1e-9
    assert list(series.values) == pytest.approx(list(series.seconds), rel=1e-5)


@pytest.mark.long
def test_a_day_at_ten_a_second_takes_no_more_memory_than_an_hour() -> None:
    """A simulated day: 864,000 samples of three metrics."""
    collector = Collector()
    collector.begin(BUSY, 0.0)

    def go(first: int, last: int) -> int:
        for at in range(first, last, 10):
            heat = Reading(40 + math.sin(at / 1000), "°C", "device", "x")
            joules = Reading(float(at), "J", "package", "x", cumulative=True)
            collector.take(Report(monitor="m", at=at / 10, readings=encode({"CPU_TEMP": heat, "ENERGY": joules})))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        hour, day = go(0, 36_000 * 4), go(36_000 * 4, 864_000)
    finally:
        tracemalloc.stop()
    assert day < hour + 200_000
    collector.end(86_400.0)
    heat, joules = collector.resources()
    assert heat.n == joules.n == 86_400
    assert len(heat.series.seconds) <= MOST_POINTS + 1
    assert joules.growth == 864_000 - 10
    assert joules.mean == pytest.approx(10.0)


def test_a_power_step_is_found_in_joules_whatever_its_meters_rate() -> None:
    """5 W for 2 s idle, 20 W for 4 s of samples, 5 W again, by meters of 0.5 to 100 Hz: within 2 % of the energy."""
    for rate in (2, 5, 10, 33, 100):
        collector = Collector()
        for kind, begin, end in ((IDLE, 0.0, 2.0), (BUSY, 2.0, 6.0), (IDLE, 6.0, 8.0)):
            collector.begin(kind, begin)
            for tick in range(math.ceil(begin * rate), math.floor(end * rate) + 1):
                if begin < tick / rate < end:
                    watts = Reading(20.0 if kind == BUSY else 5.0, "W", "wall", "meter", at=tick / rate)
                    collector.take(Report(monitor="meter", at=end, readings=encode({"POWER_CONSUMPTION": watts})))
            collector.end(end)
        (power,) = collector.resources()
        assert power.mean is not None
        assert power.mean * collector.seconds(BUSY) == pytest.approx(80.0, rel=0.02)
        assert power.idle == pytest.approx(5.0, rel=0.02)


def test_readings_that_come_late_count_where_they_belong() -> None:
    """A source that tells a second later what it read: the windows of then are those that count."""
    collector = Collector()
    collector.begin(IDLE, 0.0)
    collector.end(1.0)
    collector.begin(BUSY, 1.0)
    late = [Reading(value, "W", "wall", "meter", at=at) for at, value in ((0.2, 3.0), (0.8, 3.0), (1.5, 9.0))]
    collector.take(Report(monitor="meter", at=1.9, readings=encode({"POWER_CONSUMPTION": late})))
    collector.end(2.0)
    (power,) = collector.resources()
    assert (power.mean, power.idle, power.n) == (9.0, 3.0, 1)
    assert power.series.seconds == (0.5,)
