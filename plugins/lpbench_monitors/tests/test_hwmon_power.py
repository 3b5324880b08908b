"""Power sensors of hwmon.  Tested on fixtures: file trees with numbers of our own; no hardware here has such a chip."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import METRICS, Reading, Unavailable
from lpbench.testing import Machine, monitor_checks
from lpbench_monitors._hwmon_power import HwmonPowerMonitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import Readings

CHIP = "sys/class/hwmon/hwmon{}"
POWER = "POWER_CONSUMPTION"


@pytest.mark.long
@monitor_checks("hwmon-power")
def test_hwmon_power(check: Callable[[], None]) -> None:
    check()


def chip(machine: Machine, number: int, name: str, **files: object) -> None:
    machine.write(f"{CHIP.format(number)}/name", name)
    for file, content in files.items():
        machine.write(f"{CHIP.format(number)}/{file}", content)


def sampled(machine: Machine) -> Readings:
    with HwmonPowerMonitor(machine.target()) as monitor:
        return monitor.sample()


def values(readings: Readings) -> dict[str, float]:
    return {key: found.value for key, found in readings.items() if isinstance(found, Reading)}


def test_a_single_sensor_is_the_power(machine: Machine) -> None:
    chip(machine, 2, "ina226", power1_input=4_250_000)
    found = sampled(machine)
    assert values(found) == {POWER: 4.25, f"{POWER}/ina226 power1": 4.25}
    power = found[POWER]
    assert isinstance(power, Reading)
    assert power.scope == "rails"


def test_a_graphics_card_is_a_device_and_its_average_comes_before_its_last_value(machine: Machine) -> None:
    chip(machine, 0, "amdgpu", power1_average=31_000_000, power1_input=55_000_000, power1_label="PPT")
    found = sampled(machine)
    assert values(found) == {POWER: 31.0, f"{POWER}/amdgpu PPT": 31.0}
    power = found[POWER]
    assert isinstance(power, Reading)
    assert power.scope == "device"


def test_several_sensors_are_parts_and_their_sum_is_not_claimed(machine: Machine) -> None:
    chip(machine, 0, "ina226", power1_input=4_000_000)
    chip(machine, 1, "ina226", power1_input=1_500_000)
    found = sampled(machine)
    assert values(found) == {f"{POWER}/ina226 power1": 4.0, f"{POWER}/ina226 power1 1": 1.5}
    total = found[POWER]
    assert isinstance(total, Unavailable)
    assert total.code == "not-comparable"


def test_a_chip_that_another_monitor_reads_is_left_to_it(machine: Machine) -> None:
    chip(machine, 0, "ina3221", power1_input=4_000_000)
    chip(machine, 1, "ina3221x", power1_input=4_000_000)
    assert set(sampled(machine)) == {POWER}


@pytest.mark.parametrize("nonsense", ["-5", "nan", "", "1" * 25, "N/A", "4.5"])
def test_what_no_power_can_be_is_not_told(machine: Machine, nonsense: str) -> None:
    chip(machine, 0, "ina226", power1_input=nonsense)
    found = sampled(machine)[POWER]
    assert isinstance(found, Unavailable)
    assert found.code == "not-read"
    assert "power1_input" in found.reason


def test_an_average_that_is_not_ready_leaves_the_last_value(machine: Machine) -> None:
    chip(machine, 0, "power_meter", power1_average="", power1_input=93_000_000)
    assert values(sampled(machine))[POWER] == 93.0


def test_a_sensor_that_vanishes_is_missed_and_found_again(machine: Machine) -> None:
    chip(machine, 0, "ina226", power1_input=4_000_000)
    with HwmonPowerMonitor(machine.target()) as monitor:
        machine.remove(f"{CHIP.format(0)}/power1_input")
        gone = monitor.sample()[POWER]
        chip(machine, 0, "ina226", power1_input=3_000_000)
        assert values(monitor.sample())[POWER] == 3.0
    assert isinstance(gone, Unavailable)
    assert gone.code == "not-here"


@given(name=st.text(min_size=1), content=st.one_of(st.text(), st.integers().map(str)))
def test_whatever_a_chip_says_no_power_is_impossible(name: str, content: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        chip(
            machine,
            0,
            name.encode("utf-8", "replace").decode(),
            power1_input=content.encode("utf-8", "replace").decode(),
        )
        for value in values(sampled(machine)).values():
            assert METRICS[POWER].least <= value <= METRICS[POWER].most


def test_a_meter_that_is_unplugged_and_comes_back_under_another_number_is_found_again(machine: Machine) -> None:
    machine.write("sys/class/hwmon/hwmon2/name", "usbmeter")
    machine.write("sys/class/hwmon/hwmon2/power1_input", 3_000_000)
    with HwmonPowerMonitor(machine.target()) as monitor:
        assert isinstance(monitor.sample()["POWER_CONSUMPTION"], Reading)
        shutil.rmtree(machine.folder / "sys/class/hwmon/hwmon2")
        for _ in range(3):
            machine.now += 20
            assert isinstance(monitor.sample()["POWER_CONSUMPTION"], Unavailable)
        machine.write("sys/class/hwmon/hwmon5/name", "usbmeter")
        machine.write("sys/class/hwmon/hwmon5/power1_input", 4_000_000)
        machine.now += 20
        monitor.sample()
        back = monitor.sample()["POWER_CONSUMPTION"]
    assert isinstance(back, Reading)
    assert back.value == 4.0


def test_the_sensor_that_is_left_of_two_does_not_become_the_total(machine: Machine) -> None:
    for number in (1, 2):
        machine.write(f"sys/class/hwmon/hwmon{number}/name", f"chip{number}")
        machine.write(f"sys/class/hwmon/hwmon{number}/power1_input", 3_000_000)
    with HwmonPowerMonitor(machine.target()) as monitor:
        monitor.sample()
        shutil.rmtree(machine.folder / "sys/class/hwmon/hwmon2")
        for _ in range(3):
            machine.now += 20
            assert isinstance(monitor.sample()["POWER_CONSUMPTION"], Unavailable)
