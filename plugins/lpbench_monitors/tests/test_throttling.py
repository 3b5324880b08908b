"""Throttling.  Tested on fixtures: file trees with numbers of our own; no hardware here tells of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench.testing import Machine, monitor_checks
from lpbench_monitors._throttling import ThrottlingMonitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import Readings

THROTTLING = "THROTTLING"
COUNT = "sys/devices/system/cpu/cpu{}/thermal_throttle/{}_throttle_count"
FLAGS = "sys/devices/platform/soc/soc:firmware/get_throttled"
MODEL = "proc/device-tree/model"


@pytest.mark.long
@monitor_checks("throttling")
def test_throttling(check: Callable[[], None]) -> None:
    check()


def cooling(machine: Machine, number: int, kind: str, state: object) -> None:
    machine.write(f"sys/class/thermal/cooling_device{number}/type", kind)
    machine.write(f"sys/class/thermal/cooling_device{number}/cur_state", state)


def alarm(machine: Machine, state: object) -> None:
    machine.write("sys/class/hwmon/hwmon1/name", "rpi_volt")
    machine.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", state)


def sampled(machine: Machine) -> Readings:
    with ThrottlingMonitor(machine.target()) as monitor:
        return monitor.sample()


def values(readings: Readings) -> dict[str, float]:
    return {key: found.value for key, found in readings.items() if isinstance(found, Reading)}


def why(readings: Readings) -> Unavailable:
    found = readings[THROTTLING]
    assert isinstance(found, Unavailable), found
    return found


def test_it_throttles_while_a_count_grows(machine: Machine) -> None:
    for cpu in range(2):
        machine.write(COUNT.format(cpu, "core"), 7)
        machine.write(COUNT.format(cpu, "package"), 12)
    told = []
    with ThrottlingMonitor(machine.target()) as monitor:
        for count in (7, 9, 11, 11):
            machine.write(COUNT.format(1, "core"), count)
            told.append(values(monitor.sample()))
    assert [each[THROTTLING] for each in told] == [0, 1, 1, 0]
    assert (told[1]["THROTTLING/core_throttle_count"], told[1]["THROTTLING/package_throttle_count"]) == (1, 0)


def test_a_count_that_is_reset_is_no_throttling(machine: Machine) -> None:
    machine.write(COUNT.format(0, "package"), 12)
    with ThrottlingMonitor(machine.target()) as monitor:
        machine.write(COUNT.format(0, "package"), 0)
        assert values(monitor.sample())[THROTTLING] == 0
        machine.write(COUNT.format(0, "package"), 1)
        assert values(monitor.sample())[THROTTLING] == 1


def test_of_many_cores_each_is_noticed_after_some_samples_and_goes_on_counting(machine: Machine) -> None:
    for cpu in range(64):
        machine.write(COUNT.format(cpu, "core"), 0)
    told = []
    with ThrottlingMonitor(machine.target()) as monitor:
        for count in range(1, 13):
            machine.write(COUNT.format(50, "core"), count)
            told.append(values(monitor.sample())[THROTTLING])
    assert told[3:] == [1] * 9


@pytest.mark.parametrize("kind", ["Processor", "cpufreq-cpu0", "thermal-cpufreq-1", "thermal-devfreq-0"])
def test_a_cooling_device_that_slows_the_machine_down_is_the_cause(machine: Machine, kind: str) -> None:
    cooling(machine, 0, kind, 3)
    cooling(machine, 1, "pwm-fan", 4)
    assert values(sampled(machine)) == {THROTTLING: 1, f"{THROTTLING}/{kind}": 1}


def test_of_many_cooling_devices_of_one_kind_each_is_noticed_after_some_samples(machine: Machine) -> None:
    for number in range(64):
        cooling(machine, number, "Processor", 0)
    with ThrottlingMonitor(machine.target()) as monitor:
        monitor.sample()
        cooling(machine, 50, "Processor", 2)
        told = [THROTTLING in values(monitor.sample()) for _ in range(8)]
        cooling(machine, 50, "Processor", 0)
        after = [THROTTLING in values(monitor.sample()) for _ in range(8)]
    assert all(told[3:])
    assert not any(after[4:])


def test_a_cooling_device_of_the_cores_would_have_told(machine: Machine) -> None:
    cooling(machine, 0, "thermal-cpufreq-0", 0)
    assert values(sampled(machine)) == {THROTTLING: 0, f"{THROTTLING}/thermal-cpufreq-0": 0}


def test_what_does_not_tell_of_every_kind_of_throttling_never_says_that_there_is_none(machine: Machine) -> None:
    cooling(machine, 0, "Processor", 0)
    assert "do not tell of every kind" in why(sampled(machine)).reason
    alarm(machine, 0)
    assert isinstance(sampled(machine)[THROTTLING], Unavailable)


def test_fans_and_settings_tell_nothing(machine: Machine) -> None:
    cooling(machine, 0, "pwm-fan", 2)
    cooling(machine, 1, "TCC Offset", 5)
    assert why(sampled(machine)).code == "not-here"


def test_on_a_raspberry_pi_the_firmware_throttles_and_the_kernels_devices_do_not_know(machine: Machine) -> None:
    cooling(machine, 0, "cpufreq-cpu0", 0)
    machine.write(MODEL, "Raspberry Pi 4 Model B Rev 1.4")
    assert isinstance(sampled(machine)[THROTTLING], Unavailable)


def test_a_raspberry_pis_flags_say_what_is_so_now(machine: Machine) -> None:
    machine.write(FLAGS, "60002")
    assert values(sampled(machine)) == {
        THROTTLING: 1,
        f"{THROTTLING}/under-voltage": 0,
        f"{THROTTLING}/frequency-capped": 1,
        f"{THROTTLING}/throttled": 0,
        f"{THROTTLING}/soft-temperature-limit": 0,
    }


def test_what_occurred_before_is_no_throttling_and_what_occurred_between_two_samples_is(machine: Machine) -> None:
    machine.write(FLAGS, "10000")
    with ThrottlingMonitor(machine.target()) as monitor:
        told = [values(monitor.sample())]
        for flags in ("50000", "50000"):
            machine.write(FLAGS, flags)
            told.append(values(monitor.sample()))
    assert [each[THROTTLING] for each in told] == [0, 1, 0]
    assert told[1][f"{THROTTLING}/throttled"] == 1


def test_an_alarm_of_under_voltage_is_told(machine: Machine) -> None:
    alarm(machine, 1)
    assert values(sampled(machine)) == {THROTTLING: 1, f"{THROTTLING}/under-voltage": 1}


@pytest.mark.parametrize("nonsense", ["", "nan", "throttled", "-1", "9" * 29, "\x01\x02"])
def test_flags_that_are_none_give_the_reason(machine: Machine, nonsense: str) -> None:
    machine.write(FLAGS, nonsense)
    found = why(sampled(machine))
    assert found.code == "not-read"
    assert "get_throttled" in found.reason


def test_a_source_that_vanishes_is_missed_and_found_again(machine: Machine) -> None:
    path = COUNT.format(0, "package")
    machine.write(path, 4)
    with ThrottlingMonitor(machine.target()) as monitor:
        machine.remove(path)
        assert why(monitor.sample()).code == "not-here"
        machine.write(path, 6)
        assert values(monitor.sample())[THROTTLING] == 1


def test_a_machine_that_tells_nothing_says_so(machine: Machine) -> None:
    assert why(sampled(machine)).code == "not-here"


@pytest.mark.long
@given(st.lists(st.tuples(st.text(), st.one_of(st.text(), st.integers().map(str))), min_size=1, max_size=4))
def test_whatever_files_say_throttling_is_0_or_1(contents: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        machine.write(FLAGS, "0")
        with ThrottlingMonitor(machine.target()) as monitor:
            for kind, content in contents:
                content = content.encode("utf-8", "replace").decode()  # noqa: PLW2901 - what a file can hold
                cooling(machine, 0, kind.encode("utf-8", "replace").decode() + "cpufreq", content)
                machine.write(FLAGS, content)
                machine.write(COUNT.format(0, "core"), content)
                assert set(values(monitor.sample()).values()) <= {0.0, 1.0}
                assert set(values(sampled(machine)).values()) <= {0.0, 1.0}
