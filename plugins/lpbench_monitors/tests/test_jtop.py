"""jetson-stats.  Tested on a strict stand-in of its documented interface (stub); it is not installed here."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench.testing import monitor_checks
from lpbench_monitors._jtop import JtopMonitor

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterator

    from lpbench.plugin.monitor import Readings
    from lpbench.testing import Machine

STUB = Path(__file__).parent / "jtop_stub"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """Return the module of an installed jetson-stats, which the processes of the checks find, too."""
    monkeypatch.syspath_prepend(str(STUB))
    monkeypatch.setenv("PYTHONPATH", str(STUB))
    monkeypatch.delitem(sys.modules, "jtop", raising=False)
    yield importlib.import_module("jtop")
    sys.modules.pop("jtop", None)


@pytest.mark.usefixtures("service")
@pytest.mark.long
@monitor_checks("jtop")
def test_jtop(check: Callable[[], None]) -> None:
    check()


def value(found: Readings, key: str) -> float:
    reading = found[key]
    assert isinstance(reading, Reading)
    return reading.value


def reason(found: Readings, key: str) -> Unavailable:
    told = found[key]
    assert isinstance(told, Unavailable)
    return told


def test_what_the_service_tells_is_read(machine: Machine, service: types.ModuleType) -> None:
    with JtopMonitor(machine.target()) as monitor:
        found = monitor.sample()
    assert value(found, "CPU_TEMP") == 47.5
    assert value(found, "GPU_TEMP") == 44.25
    assert value(found, "GPU_LOAD") == 37
    assert value(found, "POWER_CONSUMPTION") == 5.1
    assert value(found, "POWER_CONSUMPTION/VDD_SOC") == 1.4
    assert service.opened == []


def test_a_total_that_the_service_added_up_is_a_sum_of_rails(machine: Machine, service: types.ModuleType) -> None:
    service.POWER["tot"] = {"power": 2392}
    with JtopMonitor(machine.target()) as monitor:
        power = monitor.sample()["POWER_CONSUMPTION"]
    assert isinstance(power, Reading)
    assert power.value == pytest.approx(2.392)
    assert power.scope == "rails"


def test_without_jetson_stats_the_reason_is_how_to_install_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jtop", None)
    with JtopMonitor(machine.target()) as monitor:
        found = monitor.sample()
    assert {reason(found, key).code for key in found} == {"not-installed"}
    assert "pip install jetson-stats" in reason(found, "GPU_LOAD").hint


def test_a_service_that_refuses_is_the_reason(
    machine: Machine, service: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "refuses", "The jtop.service is not active")
    with JtopMonitor(machine.target()) as monitor:
        found = monitor.sample()
    assert "JtopException" in reason(found, "GPU_LOAD").reason
    assert "not active" in reason(found, "GPU_LOAD").reason
    assert "restart jtop.service" in reason(found, "GPU_LOAD").hint


def test_a_service_that_stops_is_told_and_left(
    machine: Machine, service: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with JtopMonitor(machine.target()) as monitor:
        monkeypatch.setattr(service, "running", False)
        assert "has ended" in reason(monitor.sample(), "CPU_TEMP").reason
        monkeypatch.setattr(service, "running", True)
        assert value(monitor.sample(), "CPU_TEMP") == 47.5
    assert service.opened == []


@pytest.mark.parametrize("absurd", ["OFF", None, float("nan"), -263.2, 1e9, True])
def test_sensors_that_cannot_be_are_no_readings(machine: Machine, service: types.ModuleType, absurd: object) -> None:
    service.STATS["Temp cpu"] = absurd
    with JtopMonitor(machine.target()) as monitor:
        found = monitor.sample()
    assert isinstance(found["CPU_TEMP"], Unavailable)
    assert value(found, "GPU_TEMP") == 44.25


def test_an_older_interface_is_a_reason(machine: Machine, service: types.ModuleType) -> None:
    del service.POWER["rail"]
    with JtopMonitor(machine.target()) as monitor:
        assert reason(monitor.sample(), "POWER_CONSUMPTION").code == "failed"
