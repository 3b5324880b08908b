"""jetson-stats.  Tested on a strict stand-in of its documented interface (stub); it is not installed here."""

from __future__ import annotations

import sys
import types
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench.testing import monitor_checks
from lpbench_monitors._jtop import JtopMonitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from lpbench.plugin.monitor import Readings
    from lpbench.testing import Machine

STATS: dict[str, object] = {
    "CPU1": 12,
    "CPU2": "OFF",
    "GPU": 37,
    "RAM": 0.41,
    "Temp cpu": 47.5,
    "Temp gpu": 44.25,
    "Temp cv0": -256,
    "Temp tj": 48.0,
    "Power TOT": 5100,
    "nvp model": "15W",
}
POWER: dict[str, Any] = {
    "rail": {"VDD_CPU_GPU_CV": {"volt": 4960, "curr": 200, "power": 992}, "VDD_SOC": {"power": 1400}},
    "tot": {"name": "VDD_IN", "power": 5100},
}


class JtopException(Exception):  # noqa: N818 - its name in jetson-stats
    pass


class Service:
    """Stands in for the module; it fails on any use that the documentation does not have."""

    def __init__(self) -> None:
        self.stats = dict(STATS)
        self.power = POWER
        self.running = True
        self.refuses = ""
        self.opened = 0

    def module(self) -> types.ModuleType:
        service = self

        class Jtop:
            def __init__(self, interval: float = 0.5) -> None:
                assert interval > 0
                self._open = False

            def __enter__(self) -> Self:
                if service.refuses:
                    raise JtopException(service.refuses)
                assert not self._open, "entered twice"
                self._open = True
                service.opened += 1
                return self

            def __exit__(self, *_: object) -> bool:
                assert self._open, "left without being entered"
                self._open = False
                service.opened -= 1
                return True

            def ok(self, spin: bool = False) -> bool:  # noqa: FBT001, FBT002 - its signature
                assert self._open, "asked while closed"
                assert spin, "this would wait for the next values"
                return service.running

            @property
            def stats(self) -> dict[str, object]:
                assert self._open, "read while closed"
                return dict(service.stats)

            @property
            def power(self) -> dict[str, Any]:
                assert self._open, "read while closed"
                return service.power

        module = types.ModuleType("jtop")
        module.__spec__ = ModuleSpec("jtop", None)
        module.jtop, module.JtopException = Jtop, JtopException  # type: ignore[attr-defined] # of the stand-in
        return module


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """Return the service of an installed jetson-stats."""
    service = Service()
    monkeypatch.setitem(sys.modules, "jtop", service.module())
    return service


@pytest.mark.usefixtures("service")
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


def test_what_the_service_tells_is_read(machine: Machine, service: Service) -> None:
    with JtopMonitor(machine.target()) as monitor:
        found = monitor.sample()
    assert value(found, "CPU_TEMP") == 47.5
    assert value(found, "GPU_TEMP") == 44.25
    assert value(found, "GPU_LOAD") == 37
    assert value(found, "POWER_CONSUMPTION") == 5.1
    assert value(found, "POWER_CONSUMPTION/VDD_SOC") == 1.4
    assert service.opened == 0


def test_a_total_that_the_service_added_up_is_a_sum_of_rails(machine: Machine, service: Service) -> None:
    service.power = {**POWER, "tot": {"power": 2392}}
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


def test_a_service_that_refuses_is_the_reason(machine: Machine, service: Service) -> None:
    service.refuses = "The jtop.service is not active"
    with JtopMonitor(machine.target()) as monitor:
        found = monitor.sample()
    assert "JtopException" in reason(found, "GPU_LOAD").reason
    assert "not active" in reason(found, "GPU_LOAD").reason
    assert "restart jtop.service" in reason(found, "GPU_LOAD").hint


def test_a_service_that_stops_is_told_and_left(machine: Machine, service: Service) -> None:
    with JtopMonitor(machine.target()) as monitor:
        service.running = False
        assert "has ended" in reason(monitor.sample(), "CPU_TEMP").reason
        service.running = True
        assert value(monitor.sample(), "CPU_TEMP") == 47.5
    assert service.opened == 0


@pytest.mark.parametrize("absurd", ["OFF", None, float("nan"), -263.2, 1e9, True])
def test_sensors_that_cannot_be_are_no_readings(machine: Machine, service: Service, absurd: object) -> None:
    service.stats |= {"Temp cpu": absurd}
    with JtopMonitor(machine.target()) as monitor:
        found = monitor.sample()
    assert isinstance(found["CPU_TEMP"], Unavailable)
    assert value(found, "GPU_TEMP") == 44.25


def test_an_older_interface_is_a_reason(machine: Machine, service: Service) -> None:
    service.power = {"all": {"cur": 5100}}
    with JtopMonitor(machine.target()) as monitor:
        assert reason(monitor.sample(), "POWER_CONSUMPTION").code == "failed"
