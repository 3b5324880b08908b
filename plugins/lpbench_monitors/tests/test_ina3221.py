"""Supply rails of a Jetson.  Tested on file trees in both documented layouts (fixtures); no Jetson is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench.testing import monitor_checks
from lpbench_monitors import _rails
from lpbench_monitors._ina3221 import Ina3221Monitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import Readings
    from lpbench.testing import Machine

CHIP = "sys/bus/i2c/devices/1-0040"
HWMON = f"{CHIP}/hwmon/hwmon4"


@pytest.mark.long
@monitor_checks("ina3221")
def test_ina3221(check: Callable[[], None]) -> None:
    check()


def hwmon(machine: Machine, *rails: tuple[str, int, int], chip: str = CHIP) -> None:
    """Write a chip of the kernel's driver: label, mV and mA of each rail."""
    machine.write(f"{chip}/name", "ina3221")
    for number, (label, millivolts, milliamperes) in enumerate(rails, 1):
        machine.write(f"{chip}/hwmon/hwmon4/in{number}_label", label)
        machine.write(f"{chip}/hwmon/hwmon4/in{number}_input", millivolts)
        machine.write(f"{chip}/hwmon/hwmon4/curr{number}_input", milliamperes)


def sampled(machine: Machine) -> Readings:
    with Ina3221Monitor(machine.target()) as monitor:
        return monitor.sample()


def power(found: Readings, part: str = "") -> Reading:
    reading = found[f"POWER_CONSUMPTION{part and '/'}{part}"]
    assert isinstance(reading, Reading)
    return reading


def test_the_input_of_the_module_is_its_power(machine: Machine) -> None:
    hwmon(machine, ("VDD_IN", 5000, 1200), ("VDD_CPU_GPU_CV", 4960, 250), ("VDD_SOC", 4960, 300))
    found = sampled(machine)
    assert power(found).value == pytest.approx(6.0)
    assert power(found).scope == "module"
    assert power(found, "VDD_SOC").value == pytest.approx(1.488)


def test_rails_without_the_module_are_added_and_say_so(machine: Machine) -> None:
    hwmon(machine, ("VDD_GPU_SOC", 10_000, 300), ("VDD_CPU_CV", 10_000, 100), ("VIN_SYS_5V0", 5000, 800))
    hwmon(machine, ("NC", 0, 0), ("VDDQ_VDD2_1V8AO", 5000, 100), chip="sys/bus/i2c/devices/1-0041")
    found = sampled(machine)
    assert power(found).value == pytest.approx(8.0)
    assert power(found).scope == "rails"
    assert "sum of rails, not module total" in power(found).source
    assert power(found, "VDDQ_VDD2_1V8AO").value == pytest.approx(0.5)
    assert "POWER_CONSUMPTION/NC" not in found


def test_shunt_voltages_and_their_sum_are_no_rails(machine: Machine) -> None:
    hwmon(machine, ("VDD_IN", 5000, 1000))
    machine.write(f"{HWMON}/in4_input", 2100)
    machine.write(f"{HWMON}/in4_label", "VDD_IN shunt")
    machine.write(f"{HWMON}/in7_input", 9100)
    machine.write(f"{HWMON}/in7_label", "sum of shunt voltages")
    assert set(sampled(machine)) == {"POWER_CONSUMPTION", "POWER_CONSUMPTION/VDD_IN"}


@pytest.mark.parametrize("top", ["sys/bus/i2c/devices", "sys/bus/i2c/drivers/ina3221x"])
def test_the_older_driver_is_read_wherever_it_is_listed(machine: Machine, top: str) -> None:
    folder = f"{top}/6-0040/iio:device0"
    if top.endswith("devices"):
        machine.write(f"{top}/6-0040/name", "ina3221x")
    for number, (name, millivolts, milliamperes, milliwatts) in enumerate(
        [("POM_5V_IN", 5000, 500, 2512), ("POM_5V_GPU", 5000, 40, 208), ("POM_5V_CPU", 5000, 100, 516)]
    ):
        machine.write(f"{folder}/rail_name_{number}", name)
        machine.write(f"{folder}/in_voltage{number}_input", millivolts)
        machine.write(f"{folder}/in_current{number}_input", milliamperes)
        machine.write(f"{folder}/in_power{number}_input", milliwatts)
    found = sampled(machine)
    assert power(found).value == pytest.approx(2.512)
    assert power(found).scope == "module"
    machine.remove(f"{folder}/in_power0_input")
    assert power(sampled(machine)).value == pytest.approx(2.5)


def test_rails_of_the_same_name_are_both_told(machine: Machine) -> None:
    hwmon(machine, ("VDD_A", 1000, 1000))
    hwmon(machine, ("VDD_A", 1000, 2000), chip="sys/bus/i2c/devices/1-0041")
    assert power(sampled(machine)).value == pytest.approx(3.0)


@pytest.mark.parametrize("told", [None, "nan", "99999999999"])
def test_without_a_rail_that_was_added_there_is_no_sum_until_it_comes_back(machine: Machine, told: str | None) -> None:
    hwmon(machine, ("VDD_A", 1000, 1000), ("VDD_B", 1000, 2000))
    with Ina3221Monitor(machine.target()) as monitor:
        assert power(monitor.sample()).value == pytest.approx(3.0)
        machine.remove(f"{HWMON}/curr2_input")
        if told:
            machine.write(f"{HWMON}/curr2_input", told)
        gone = monitor.sample()
        machine.write(f"{HWMON}/curr2_input", 2000)
        assert power(monitor.sample()).value == pytest.approx(3.0)
    assert isinstance(gone["POWER_CONSUMPTION"], Unavailable)
    assert "VDD_B" in gone["POWER_CONSUMPTION"].reason
    assert power(gone, "VDD_A").value == pytest.approx(1.0)


@pytest.mark.parametrize("told", ["-8", "nan", None])
def test_without_the_modules_input_the_sum_of_the_rest_does_not_take_its_place(
    machine: Machine, told: str | None
) -> None:
    hwmon(machine, ("VDD_IN", 5000, 1200), ("VDD_SOC", 4960, 300))
    with Ina3221Monitor(machine.target()) as monitor:
        if told is None:
            machine.remove(f"{HWMON}/curr1_input")
        else:
            machine.write(f"{HWMON}/curr1_input", told)
        found = monitor.sample()
    assert isinstance(found["POWER_CONSUMPTION"], Unavailable)
    assert "VDD_IN" in found["POWER_CONSUMPTION"].reason
    assert power(found, "VDD_SOC").value == pytest.approx(1.488)


def test_a_voltage_and_a_current_below_0_are_no_power(machine: Machine) -> None:
    hwmon(machine, ("VDD_A", 1000, 1000), ("VDD_B", -5000, -200))
    assert power(sampled(machine)).value == pytest.approx(1.0)


@pytest.mark.parametrize("absurd", ["-8", "nan", "<error>", "99999999999", ""])
def test_a_rail_with_a_power_that_cannot_be_is_no_reading(machine: Machine, absurd: str) -> None:
    hwmon(machine, ("VDD_A", 1000, 1000), ("VDD_B", 1000, 2000))
    machine.write(f"{HWMON}/curr2_input", absurd)
    found = sampled(machine)
    assert power(found).value == pytest.approx(1.0)
    assert "1 without a possible value left out" in power(found).source
    assert "POWER_CONSUMPTION/VDD_B" not in found


def test_a_machine_without_the_chip_says_so(machine: Machine) -> None:
    machine.write(f"{CHIP}/name", "tmp451")
    found = sampled(machine)["POWER_CONSUMPTION"]
    assert isinstance(found, Unavailable)
    assert found.code == "other-machine"


@given(st.dictionaries(st.text(max_size=60), st.floats(), max_size=60))
def test_no_set_of_rails_gives_a_power_that_cannot_be(rails: dict[str, float]) -> None:
    found = _rails.Rails("test").power(rails)
    assert len(found) <= 42
    for key, reading in found.items():
        assert key.isprintable()
        assert isinstance(reading, Unavailable) or 0 <= reading.value <= 1e6
