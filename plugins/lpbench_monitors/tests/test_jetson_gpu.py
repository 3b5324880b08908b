"""The GPU of a Jetson.  Tested on file trees (fixtures); no Jetson is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench.testing import monitor_checks
from lpbench_monitors._jetson_gpu import JetsonGpuMonitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import Readings
    from lpbench.testing import Machine

DEVFREQ = "sys/class/devfreq"
GPU = f"{DEVFREQ}/17000000.gpu"


@pytest.mark.long
@monitor_checks("jetson-gpu")
def test_jetson_gpu(check: Callable[[], None]) -> None:
    check()


def sampled(machine: Machine) -> Readings:
    with JetsonGpuMonitor(machine.target()) as monitor:
        return monitor.sample()


def value(found: Readings, key: str) -> float:
    reading = found[key]
    assert isinstance(reading, Reading)
    return reading.value


def gpu(machine: Machine, load: object = 437, hertz: object = 918_000_000, name: str = "gpu") -> None:
    machine.write(f"{DEVFREQ}/15340000.vic/device/of_node/name", "vic")
    machine.write(f"{DEVFREQ}/15340000.vic/device/load", 999)
    machine.write(f"{GPU}/device/of_node/name", f"{name}\0")
    machine.write(f"{GPU}/device/load", load)
    machine.write(f"{GPU}/cur_freq", hertz)


@pytest.mark.parametrize("name", ["gpu", "gp10b", "gv11b", "ga10b", "gb10b"])
def test_the_gpu_is_known_by_its_node_and_not_by_its_number(machine: Machine, name: str) -> None:
    gpu(machine, name=name)
    found = sampled(machine)
    assert value(found, "GPU_LOAD") == pytest.approx(43.7)
    assert value(found, "GPU_FREQ") == pytest.approx(918)


@pytest.mark.parametrize("folder", ["sys/devices/gpu.0", "sys/devices/platform/bus@0/17000000.gpu"])
def test_releases_without_a_named_node_are_read(machine: Machine, folder: str) -> None:
    machine.write(f"{folder}/load", 1000)
    machine.write(f"{folder}/devfreq/57000000.gpu/cur_freq", 76_800_000)
    found = sampled(machine)
    assert value(found, "GPU_LOAD") == 100
    assert value(found, "GPU_FREQ") == pytest.approx(76.8)


def test_a_load_without_a_frequency_is_told_alone(machine: Machine) -> None:
    machine.write("sys/devices/gpu.0/load", 0)
    found = sampled(machine)
    assert value(found, "GPU_LOAD") == 0
    assert isinstance(found["GPU_FREQ"], Unavailable)


@pytest.mark.parametrize("absurd", [1001, -1, "nan", "busy", 10**25])
def test_loads_that_cannot_be_are_no_readings(machine: Machine, absurd: object) -> None:
    gpu(machine, load=absurd)
    found = sampled(machine)
    assert isinstance(found["GPU_LOAD"], Unavailable)
    assert value(found, "GPU_FREQ") == 918


def test_a_gpu_that_is_powered_down_has_no_frequency(machine: Machine) -> None:
    gpu(machine, load=0, hertz=0)
    found = sampled(machine)["GPU_FREQ"]
    assert isinstance(found, Unavailable)
    assert "powered down" in found.reason


def test_a_file_that_vanishes_and_comes_back_is_followed(machine: Machine) -> None:
    gpu(machine)
    with JetsonGpuMonitor(machine.target()) as monitor:
        machine.remove(f"{GPU}/device/load")
        assert isinstance(monitor.sample()["GPU_LOAD"], Unavailable)
        machine.write(f"{GPU}/device/load", 500)
        assert value(monitor.sample(), "GPU_LOAD") == 50
