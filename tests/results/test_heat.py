"""What a heating curve shows, from made up curves and signals."""

from __future__ import annotations

import random

import pytest

from lpbench.results.heat import judge
from lpbench.results.resources import Resource, TimeSeries
from lpbench.results.sustained import BEGAN, NONE, NOT_KNOWN, SLOWER, Heat, HeatSlice

SECONDS = 600.0


def curve(*, step: float = 0.0, at: float = 0.4, ramp: float = 0.0, count: int = 600) -> list[HeatSlice]:
    """Return slices of about 4 ms that are longer by ``step`` from a share of the time on."""
    rng = random.Random(count)  # noqa: S311 - no secret
    levels = [1 + step * (index >= at * count) + ramp * index / count for index in range(count)]
    medians = [4e6 * level * rng.lognormvariate(0, 0.01) for level in levels]
    return [
        HeatSlice(SECONDS * n / count, 50, 0.2, each, int(each) - 9, int(each) + 9) for n, each in enumerate(medians)
    ]


def signal(name: str, unit: str, before: float, after: float, *, at: float = 0.4) -> Resource:
    """Return readings once a second, of one value before a share of the time and of another from then on."""
    times = [float(second) for second in range(int(SECONDS))]
    values = [before if each < at * SECONDS else after for each in times]
    return Resource(name, unit, "fake", mean=before, series=TimeSeries(tuple(times), tuple(values)))


def frequency(before: float, after: float) -> Resource:
    return signal("CPU_FREQ", "MHz", before, after)


def heated(slices: list[HeatSlice], *signals: Resource, processor: str = "CPU") -> Heat:
    return judge(slices, signals, processor, SECONDS)


def test_a_rise_with_a_falling_frequency_is_throttling() -> None:
    found = heated(curve(step=0.2), frequency(2000, 1500))
    assert found.throttling == BEGAN
    assert found.began_s == pytest.approx(240, abs=10)
    assert found.before_ms == pytest.approx(4.0, rel=0.01)
    assert found.early_ms == pytest.approx(4.0, rel=0.01)
    assert found.steady_ms == pytest.approx(4.8, rel=0.01)
    assert found.steady_interval is not None
    assert found.steady_interval.lower <= 4.8 <= found.steady_interval.upper
    assert found.steady is True
    assert found.reasons == ("CPU_FREQ fell from 2000 to 1500 MHz",)


def test_a_flag_or_a_temperature_at_its_plateau_is_evidence_too() -> None:
    assert heated(curve(step=0.2), signal("THROTTLING", "1", 0, 1)).throttling == BEGAN
    times = tuple(float(each) for each in range(600))
    warming = tuple(40 + 45 * min(1.0, each / 200) for each in times)
    hot = Resource("CPU_TEMP", "°C", "fake", mean=70.0, series=TimeSeries(times, warming))
    assert heated(curve(step=0.2), hot).throttling == BEGAN
    assert heated(curve(step=0.2, at=0.15), hot).throttling == SLOWER, "it was still warming up"


def test_a_rise_without_evidence_has_no_known_cause() -> None:
    assert heated(curve(step=0.2), frequency(2000, 2000)).throttling == SLOWER
    even = signal("CPU_TEMP", "°C", 40.0, 40.0)
    assert heated(curve(step=0.2), even).throttling == SLOWER, "a temperature that never rose explains nothing"


def test_none_is_said_only_where_something_is_known() -> None:
    assert heated(curve(), frequency(2000, 2000)).throttling == NONE
    assert heated(curve()).throttling == NOT_KNOWN
    assert heated(curve(step=0.2)).throttling == NOT_KNOWN
    assert heated(curve(step=0.2)).began_s == pytest.approx(240, abs=10), "that it became slower is said all the same"
    assert heated(curve(count=40), frequency(2000, 2000)).throttling == NOT_KNOWN, "too few slices"
    assert heated(curve(), signal("THROTTLING", "1", 1, 1)).throttling == NOT_KNOWN, "it throttled from the start"


def test_the_heat_of_a_device_that_did_not_run_the_model_says_nothing() -> None:
    idle = signal("GPU_FREQ", "MHz", 300, 300)
    assert heated(curve(), idle).throttling == NOT_KNOWN
    assert heated(curve(), idle, processor="GPU").throttling == NONE


def test_a_signal_that_does_not_count_says_nothing() -> None:
    second = Resource("CPU_FREQ", "MHz", "fake", mean=1.0, second=True, series=TimeSeries((0.0,), (1.0,)))
    missing = Resource("CPU_TEMP", reason="no sensor", code="no-sensor")
    part = Resource("CPU_FREQ/cpu0", "MHz", "fake", mean=1.0, series=TimeSeries((0.0,), (1.0,)))
    assert heated(curve(), second, missing, part).throttling == NOT_KNOWN


def test_what_still_rises_is_not_steady() -> None:
    found = heated(curve(ramp=0.5), frequency(2000, 1500))
    assert found.steady is False
    assert found.drift > 0.03
    assert found.throttling == BEGAN, "a gradual rise is one too"


def test_a_curve_without_slices_shows_nothing() -> None:
    found = heated([], frequency(2000, 2000))
    assert (found.throttling, found.steady_ms, found.steady) == (NOT_KNOWN, None, None)


def test_times_below_the_clock_do_no_harm() -> None:
    found = heated([HeatSlice(float(at), 10, 0.2, 0.0, 0, 0) for at in range(100)], frequency(2000, 2000))
    assert found.began_s is None
