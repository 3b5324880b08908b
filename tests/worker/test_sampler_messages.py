"""Reports of a sampler: what monitors give is sent as it is, and what cannot be is a reason on the other side."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import METRICS, SCOPES, Reading, Readings, Unavailable
from lpbench.worker.sampler.messages import MOST_KEYS, MOST_SECONDS, Report, decode, encode

NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(10**30), 10**30)


def sent(readings: Any) -> dict[str, Any]:
    """Return what the parent makes of readings that travelled as JSON."""
    return dict(decode(Report(monitor="m", readings=json.loads(json.dumps(encode(readings))))))


@given(st.sampled_from(sorted(METRICS)), NUMBERS, st.sampled_from(SCOPES), st.text(max_size=50))
def test_a_reading_arrives_as_it_is_or_as_the_reason_why_it_cannot_be(
    name: str, value: float, scope: str, source: str
) -> None:
    allowed = METRICS[name]
    found = sent({name: Reading(value, allowed.unit, scope, source, cumulative=True)})[name]
    if math.isfinite(value) and allowed.least <= value <= allowed.most:
        (reading,) = found
        assert (reading.value, reading.unit, reading.scope) == (float(value), allowed.unit, scope)
        assert reading.cumulative
    else:
        assert isinstance(found, Unavailable)
        assert found.code == "not-read"


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        (Reading(-263.2, "°C", "device", "a loose sensor"), "a loose sensor says -263.2 °C, which cannot be"),
        (Reading(float("nan"), "°C", "device", "x"), "x says nan"),
        (Reading(40.0, "K", "device", "x"), 'x gives "K"; expected "°C"'),
        (Reading(40.0, "°C", "galaxy", "x"), 'the scope "galaxy" is not known'),
        (Reading(40.0, "°C", "device", "x", at=2 * MOST_SECONDS), "x says 40.0, at"),
    ],
)
def test_what_cannot_be_is_told_with_its_source(reading: Reading, told: str) -> None:
    found = sent({"CPU_TEMP": reading})["CPU_TEMP"]
    assert isinstance(found, Unavailable)
    assert told in found.reason


def test_of_several_readings_those_that_can_be_count() -> None:
    several = [Reading(value, "°C", "device", "x", at=1.0) for value in (40.0, 999.0, 41.0)]
    assert [each.value for each in sent({"CPU_TEMP": several})["CPU_TEMP"]] == [40.0, 41.0]


def test_a_reason_keeps_its_code_and_hint_on_one_line() -> None:
    found = sent({"CPU_TEMP": Unavailable("no\nsensor\x1b[31m", "no-sensor", "buy one")})["CPU_TEMP"]
    assert (found.reason, found.code, found.hint) == ("no sensor [31m", "no-sensor", "buy one")


@pytest.mark.parametrize("lie", ["hot", 40.0, [40.0], None, {"value": 40.0}])
def test_what_is_no_reading_costs_its_metric_alone(lie: Any) -> None:
    found = sent({"CPU_TEMP": lie, "CPU_FREQ": Reading(800.0, "MHz", "machine", "x")})
    assert isinstance(found["CPU_TEMP"], Unavailable)
    assert [each.value for each in found["CPU_FREQ"]] == [800.0]


@pytest.mark.parametrize("lie", ["CPU_TEMP", None, 7])
def test_what_are_no_readings_at_all_is_the_monitors_fault(lie: Any) -> None:
    with pytest.raises(TypeError):
        encode(lie)


def test_a_flood_of_parts_is_cut_off() -> None:
    flood: Readings = {f"X/{at}": Reading(1.0, "1", "device", "x") for at in range(10 * MOST_KEYS)}
    assert len(sent(flood)) == MOST_KEYS
