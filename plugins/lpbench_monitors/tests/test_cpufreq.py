"""Frequencies of cores.  Tested on file trees; no hardware here has cpufreq."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench.testing import monitor_checks
from lpbench_monitors._cpufreq import CpufreqMonitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.testing import Machine

CORE = "sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq"


@pytest.mark.long
@monitor_checks("cpufreq")
def test_cpufreq(check: Callable[[], None]) -> None:
    check()


def test_the_mean_of_the_cores_counts_and_each_core_is_told(machine: Machine) -> None:
    machine.write(CORE.format(0), 1_200_000)
    machine.write(CORE.format(1), 2_400_000)
    with CpufreqMonitor(machine.target()) as monitor:
        found = monitor.sample()
    assert isinstance(found["CPU_FREQ"], Reading)
    assert found["CPU_FREQ"].value == 1800
    cores = [found["CPU_FREQ/cpu0"], found["CPU_FREQ/cpu1"]]
    assert [each.value for each in cores if isinstance(each, Reading)] == [1200, 2400]


@pytest.mark.parametrize("nonsense", ["0", "-5", "nan", "<unknown>", 10**18])
def test_what_a_core_cannot_run_at_is_no_frequency(machine: Machine, nonsense: object) -> None:
    machine.write(CORE.format(0), nonsense)
    with CpufreqMonitor(machine.target()) as monitor:
        assert isinstance(monitor.sample()["CPU_FREQ"], Unavailable)


def test_a_core_that_goes_offline_does_not_count_any_more(machine: Machine) -> None:
    machine.write(CORE.format(0), 1_000_000)
    machine.write(CORE.format(1), 2_000_000)
    with CpufreqMonitor(machine.target()) as monitor:
        monitor.sample()
        machine.remove(CORE.format(1))
        left = monitor.sample()["CPU_FREQ"]
    assert isinstance(left, Reading)
    assert left.value == 1000


@pytest.mark.parametrize(("online", "mean"), [("0-1,3", 1400), ("0", 1000), ("", 1550), ("0-", 1550), ("x" * 9, 1550)])
def test_a_core_that_is_offline_shows_the_frequency_of_others_and_does_not_count(
    machine: Machine, online: str, mean: float
) -> None:
    for core, khz in enumerate((1_000_000, 1_200_000, 2_000_000, 2_000_000)):
        machine.write(CORE.format(core), khz)
    machine.write("sys/devices/system/cpu/online", online)
    with CpufreqMonitor(machine.target()) as monitor:
        found = monitor.sample()["CPU_FREQ"]
    assert isinstance(found, Reading)
    assert found.value == pytest.approx(mean)


def test_of_hundreds_of_cores_some_that_are_evenly_distributed_are_read(machine: Machine) -> None:
    for core in range(512):
        machine.write(CORE.format(core), 1_000_000 + 1000 * core)
    with CpufreqMonitor(machine.target()) as monitor:
        found = monitor.sample()
    assert len(found) == 41
    assert isinstance(found["CPU_FREQ"], Reading)
    assert found["CPU_FREQ"].value == pytest.approx(1255.5, abs=10)
    assert "40 of 512 cores" in found["CPU_FREQ"].source


@pytest.mark.parametrize("hostile", ["0-99999", ",".join(["0-16000"] * 1000), "0-1," * 300_000 + "1", "0-\u0669"])
def test_a_list_of_cores_that_cannot_be_takes_no_time_and_hides_no_core(machine: Machine, hostile: str) -> None:
    machine.write(CORE.format(3), 1_200_000)
    machine.write("sys/devices/system/cpu/online", hostile)
    with CpufreqMonitor(machine.target()) as monitor:
        begun = time.process_time()
        assert isinstance(monitor.sample()["CPU_FREQ"], Reading)
    assert time.process_time() - begun < 0.2


def test_frequencies_that_are_there_and_say_nothing_are_not_missing(machine: Machine) -> None:
    machine.write(CORE.format(0), "<unknown>")
    with CpufreqMonitor(machine.target()) as monitor:
        found = monitor.sample()["CPU_FREQ"]
    assert isinstance(found, Unavailable)
    assert found.code == "not-read"
    assert "cpu0" in found.reason
