"""Every installed monitor is asked, a stranger's too; one that fails loses its own metrics, and says so."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

import lpbench
from lpbench.plugin import registry
from lpbench.plugin.monitor import METRICS
from lpbench.testing.setups import installed

if TYPE_CHECKING:
    from lpbench.jobs.monitoring import MonitoredMachine

PLUGIN = """
    import lpbench
    from lpbench.plugin.specs import MonitorSpec

    @lpbench.hookimpl
    def lpbench_register_monitors(register):
        register(MonitorSpec("fan", "acme_monitors:Fan", metrics=("FAN_SPEED", "GPU_TEMP", "ENERGY"), rank=1))
        register(MonitorSpec("slow-fan", "acme_monitors:SlowFan", metrics=("FAN_SPEED",), rank=2))
        register(MonitorSpec("broken", "acme_monitors:Broken", metrics=("NPU_TEMP",), rank=1))
        register(MonitorSpec("absent", "acme_monitors:Fan", metrics=("NPU_LOAD",), requires=("no_such_library",),
                             hint="pip install no-such-library", rank=1))
"""
MONITORS = """
from lpbench.plugin.monitor import Monitor, Reading, Unavailable

class Fan(Monitor):
    asked = 0

    def sample(self):
        self.asked += 1
        return {
            "FAN_SPEED": Reading(1200, "1/min", "machine", "fan1_input"),
            "FAN_SPEED/left": Reading(1100, "1/min", "device", "fan1_input"),
            **({"FAN_SPEED/right": Reading(1300, "1/min", "device", "fan2_input")} if self.asked == 1 else {}),
            "GPU_TEMP": Unavailable("the fan has no thermometer", "no-sensor", "buy one"),
            "ENERGY": Reading(100.0 + self.asked, "J", "device", "fan's meter", cumulative=True),
        }

class SlowFan(Monitor):
    def sample(self):
        return {"FAN_SPEED": Reading(600, "1/min", "machine", "fan2_input")}

class Broken(Monitor):
    def sample(self):
        raise RuntimeError("this monitor is broken")
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> MonitoredMachine:
    """Return what is told while the plugin is installed, for this process and those that it starts."""
    modules, site, patch = tmp_path_factory.mktemp("modules"), tmp_path_factory.mktemp("site"), pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    (modules / "lpbench_acme.py").write_text(dedent(PLUGIN), encoding="utf-8")
    (modules / "acme_monitors.py").write_text(MONITORS, encoding="utf-8")
    with installed("acme", modules, site, patch):
        return lpbench.monitors()


def test_a_strangers_monitor_is_asked_and_its_own_metrics_are_listed(told: MonitoredMachine) -> None:
    fan = told.by_name()["FAN_SPEED"]
    assert (fan.value, fan.unit, fan.scope, fan.monitor, fan.source) == (1200, "1/min", "machine", "fan", "fan1_input")
    assert fan.seconds is None
    assert "FAN_SPEED" in str(told)


def test_the_monitor_of_the_lowest_rank_counts_and_the_others_stand_beside_it(told: MonitoredMachine) -> None:
    assert [(each.monitor, each.value) for each in told.metrics if each.second and each.name == "FAN_SPEED"] == [
        ("slow-fan", 600)
    ]


def test_what_counts_up_is_told_as_its_growth(told: MonitoredMachine) -> None:
    energy = told.by_name()["ENERGY"]
    assert energy.value is not None
    assert 1 <= energy.value < 40
    assert energy.seconds == 2.0


def test_a_part_that_is_told_no_longer_has_no_value(told: MonitoredMachine) -> None:
    parts = told.by_name()
    assert parts["FAN_SPEED/left"].value == 1100
    assert (parts["FAN_SPEED/right"].value, parts["FAN_SPEED/right"].code) == (None, "not-here")


def test_reasons_and_hints_are_those_of_the_monitors(told: MonitoredMachine) -> None:
    metrics = told.by_name()
    assert (metrics["GPU_TEMP"].code, metrics["GPU_TEMP"].hint) == ("no-sensor", "buy one")
    assert "RuntimeError: this monitor is broken" in metrics["NPU_TEMP"].reason
    assert [(loss.monitor, "this monitor is broken" in loss.reason) for loss in told.lost] == [("broken", True)]


def test_every_metric_is_there_with_its_unit(told: MonitoredMachine) -> None:
    metrics = told.by_name()
    for name, known in METRICS.items():
        assert metrics[name].unit == known.unit, name
        assert (metrics[name].value is None) == bool(metrics[name].reason), name
    assert metrics["ENERGY_EFFICIENCY"].value is None


@pytest.mark.parametrize("disabled", ["monitors", "monitors,acl"])
def test_without_the_usual_monitors_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, disabled: str) -> None:
    """Where the plugin of an engine brings a monitor that tells little, and without any monitor."""
    monkeypatch.setenv("LPBENCH_DISABLED_PLUGINS", disabled)
    told = lpbench.monitors()
    assert told.known() == []
    before = "" if registry.current().all(registry.MONITORS) else "no monitor is installed: "
    assert told.by_name()["CPU_LOAD"].hint == f"{before}remove monitors from LPBENCH_DISABLED_PLUGINS"
