"""Which monitor's values count, and which reason is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lpbench.jobs.measuring.resources.choosing import choose
from lpbench.plugin.monitor import METRICS
from lpbench.render._resources import resource_notes
from lpbench.results.resources import Resource, ResourcePass

RANKS = {"best": 1, "good": 2, "poor": 3}


def watts(monitor: str, scope: str, mean: float | None = 1.0, **fields: Any) -> Resource:
    return Resource("POWER_CONSUMPTION", "W", monitor, scope, mean=mean, **fields)


def chosen(found: list[Resource], processor: str, name: str = "POWER_CONSUMPTION") -> Resource:
    (counts,) = [each for each in choose(found, RANKS, processor) if each.name == name and not each.second]
    return counts


def test_the_lowest_rank_that_answers_counts_and_the_others_are_kept() -> None:
    found = [
        Resource("GPU_LOAD", monitor="best", reason="not supported", code="not-supported"),
        Resource("GPU_LOAD", monitor="poor", mean=3.0),
        Resource("GPU_LOAD", monitor="good", mean=2.0),
    ]
    every = [each for each in choose(found, RANKS, "GPU") if each.name == "GPU_LOAD"]
    assert [(each.monitor, each.second) for each in every] == [("good", False), ("poor", True)]


@pytest.mark.parametrize(
    ("processor", "scopes", "counts"),
    [
        ("CPU", ["device", "package"], "package"),
        ("GPU", ["package", "device"], "device"),
        ("NPU", ["package", "device"], "device"),
        ("GPU/CPU", ["package", "device"], "device"),
        ("CPU", ["package", "module"], "module"),
        ("GPU", ["device", "wall", "module"], "wall"),
        ("CPU", ["rails"], "rails"),
        ("", ["device"], "device"),
    ],
)
def test_the_power_that_counts_is_that_of_what_ran_the_model(processor: str, scopes: list[str], counts: str) -> None:
    found = [watts(name, scope) for name, scope in zip(RANKS, scopes, strict=False)]
    assert chosen(found, processor).scope == counts


def test_the_power_of_an_idle_gpu_is_not_that_of_a_model_on_the_cpu() -> None:
    power = chosen([watts("best", "device")], "CPU")
    assert power.mean is None
    assert power.code == "no-sensor"
    assert "best" in power.reason


def test_the_most_telling_reason_is_told() -> None:
    found = [
        watts("best", "", None, reason="there is no powercap", code="not-here"),
        watts("good", "", None, reason="this board has no sensor", code="no-sensor", hint="use a meter"),
        watts("poor", "", None, reason="not installed: x", code="not-installed"),
    ]
    power = chosen(found, "CPU")
    assert (power.reason, power.hint, power.monitor) == ("this board has no sensor", "use a meter", "")
    denied = watts("poor", "", None, reason="may not be read", code="no-permission")
    assert chosen([*found, denied], "CPU").reason == "may not be read"


def test_sensors_that_say_nothing_together_are_more_telling_than_a_monitor_without_a_source() -> None:
    found = [
        watts("best", "", None, reason="there is no powercap", code="not-here"),
        watts("poor", "", None, reason="there are several sensors", code="not-comparable"),
    ]
    assert chosen(found, "CPU").reason == "there are several sensors"


def test_every_metric_has_an_entry() -> None:
    assert {each.name for each in choose([], {}, "CPU")} == set(METRICS)
    assert all(each.reason for each in choose([], {}, "CPU"))


def test_the_reason_of_a_monitor_that_was_asked_for_is_told_first() -> None:
    """Also where another one has a value: the user would think that it is the meter's."""
    apart = watts("poor", "", None, reason="the times do not overlap", code="not-comparable", hint="offset=3")
    denied = watts("best", "", None, reason="may not be read", code="no-permission")
    (counts, *_) = [each for each in choose([denied, apart], RANKS, "CPU", {"poor"}) if each.metric == apart.metric]
    assert (counts.reason, counts.hint) == (apart.reason, apart.hint)
    found = [watts("good", "package"), apart]
    every = [each for each in choose(found, RANKS, "CPU", {"poor"}) if each.metric == apart.metric]
    assert [(each.monitor, each.second, each.reason) for each in every] == [
        ("good", False, ""),
        ("poor", True, "the times do not overlap"),
    ]
    nothing: Any = SimpleNamespace(metrics={})
    (note,) = [
        note
        for note in resource_notes(nothing, [ResourcePass(resources=tuple(every))], verbose=False)
        if "known" in note
    ]
    assert note == "not known: POWER_CONSUMPTION by poor: the times do not overlap (offset=3)"
