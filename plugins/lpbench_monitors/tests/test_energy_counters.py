"""Energy counters.  Tested on fixtures: counters that the tests drive, as files; no hardware here has one."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import FileTree, Reading, Unavailable
from lpbench.testing import Machine, monitor_checks
from lpbench_monitors._amd_energy import AmdEnergyMonitor
from lpbench_monitors._energy_counters import safe_interval
from lpbench_monitors._rapl import RaplMonitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import Monitor, Readings

RAPL = "sys/class/powercap/intel-rapl:{}"
AMD = "sys/devices/platform/amd_energy.0/hwmon/hwmon4"
RANGE = 65_532_610_987


@pytest.mark.long
@monitor_checks("rapl")
def test_rapl(check: Callable[[], None]) -> None:
    check()


@pytest.mark.long
@monitor_checks("amd-energy")
def test_amd_energy(check: Callable[[], None]) -> None:
    check()


def domain(machine: Machine, zone: str, name: str, shown: object, span: object = RANGE) -> None:
    machine.write(f"{RAPL.format(zone)}/name", name)
    machine.write(f"{RAPL.format(zone)}/energy_uj", shown)
    machine.write(f"{RAPL.format(zone)}/max_energy_range_uj", span)


def show(machine: Machine, shown: object, zone: str = "0") -> None:
    machine.write(f"{RAPL.format(zone)}/energy_uj", shown)


def later(machine: Machine, monitor: Monitor, seconds: float = 0.1) -> Readings:
    machine.now += seconds
    return monitor.sample()


def value(readings: Readings, key: str) -> float:
    found = readings[key]
    assert isinstance(found, Reading), found
    return found.value


def why(readings: Readings, key: str) -> Unavailable:
    found = readings[key]
    assert isinstance(found, Unavailable), found
    return found


def test_energy_is_followed_through_two_wraps(machine: Machine) -> None:
    """A counter driven at 250 W for 500 s, shown modulo its range."""
    drawn = RANGE - 4_000_000_017
    domain(machine, "0", "package-0", drawn)
    with RaplMonitor(machine.target()) as monitor:
        start = value(monitor.sample(), "ENERGY")
        for _ in range(500):
            drawn += 250_000_000
            show(machine, drawn % RANGE)
            found = later(machine, monitor, 1.0)
            assert value(found, "POWER_CONSUMPTION") == pytest.approx(250)
    assert drawn // RANGE == 2
    assert value(found, "ENERGY") - start == pytest.approx(500 * 250, rel=1e-9)


def test_a_step_in_power_is_found_in_joules(machine: Machine) -> None:
    """8 s at 35 W with 3 s at 90 W amid them; the counter shows steps of 61 µJ, and is read at uneven times."""
    domain(machine, "0", "package-0", 0)
    energy, watts = 0.0, {}
    with RaplMonitor(machine.target()) as monitor:
        start = value(monitor.sample(), "ENERGY")
        for step in range(110):
            seconds = 0.07 + 0.06 * (step % 2)
            power = 90 if 40 <= step < 70 else 35
            energy += power * seconds
            show(machine, int(energy * 1e6) // 61 * 61)
            found = later(machine, monitor, seconds)
            watts[step] = value(found, "POWER_CONSUMPTION")
    assert value(found, "ENERGY") - start == pytest.approx(30 * 0.1 * 90 + 80 * 0.1 * 35, rel=0.02)
    assert watts[39] == pytest.approx(35, rel=0.02)
    assert watts[40] == pytest.approx(90, rel=0.02)


def test_packages_are_summed_without_what_they_contain_or_what_contains_them(machine: Machine) -> None:
    for zone, name, shown in (
        ("0", "package-0", 5_000_000),
        ("0:0", "core", 2_000_000),
        ("0:1", "dram", 700_000),
        ("1", "package-1", 9_000_000),
        ("1:0", "core", 3_000_000),
        ("2", "psys", 40_000_000),
        ("3", "something-new", 1),
    ):
        domain(machine, zone, name, shown)
    machine.write("sys/class/powercap/intel-rapl-mmio:0/name", "package-0")
    machine.write("sys/class/powercap/intel-rapl-mmio:0/energy_uj", 5_000_000)
    with RaplMonitor(machine.target()) as monitor:
        found = monitor.sample()
    assert {key: each.value for key, each in found.items() if isinstance(each, Reading)} == {
        "ENERGY": 14.0,
        "ENERGY/package-0": 5.0,
        "ENERGY/package-1": 9.0,
        "ENERGY/package-0 core": 2.0,
        "ENERGY/package-0 dram": 0.7,
        "ENERGY/package-1 core": 3.0,
        "ENERGY/core": 5.0,
        "ENERGY/dram": 0.7,
        "ENERGY/psys": 40.0,
    }
    assert all(each.cumulative and each.unit == "J" for each in found.values() if isinstance(each, Reading))


def test_domains_are_found_inside_their_package_too(machine: Machine) -> None:
    domain(machine, "0", "package-0", 5_000_000)
    machine.write(f"{RAPL.format('0')}/intel-rapl:0:0/name", "core")
    machine.write(f"{RAPL.format('0')}/intel-rapl:0:0/energy_uj", 1_000_000)
    with RaplMonitor(machine.target()) as monitor:
        assert value(monitor.sample(), "ENERGY/core") == 1.0


def test_dies_that_show_one_packages_energy_count_once(machine: Machine) -> None:
    shown = 7_000_000
    for zone in "01":
        domain(machine, zone, f"package-0-die-{zone}", shown)
    with RaplMonitor(machine.target()) as monitor:
        start = value(monitor.sample(), "ENERGY")
        for step in range(10):
            shown += 6_000_000
            show(machine, shown, "0")
            show(machine, shown + (90_000 if step == 4 else 0), "1")  # updated between the two reads
            found = later(machine, monitor)
            assert value(found, "POWER_CONSUMPTION") == pytest.approx(60)
    assert value(found, "ENERGY") - start == pytest.approx(60)
    assert why(found, "ENERGY/package-0-die-1").code == "not-comparable"


def test_dies_are_found_to_be_one_after_some_samples(machine: Machine) -> None:
    shown = 7_000_000
    domain(machine, "0", "package-0-die-0", shown)
    domain(machine, "1", "package-0-die-1", shown + 61)
    with RaplMonitor(machine.target()) as monitor:
        for _ in range(8):
            found = monitor.sample()
            shown += 6_000_000
            show(machine, shown, "0")
            show(machine, shown, "1")
            machine.now += 0.1
    assert value(found, "POWER_CONSUMPTION") == pytest.approx(60)


def test_packages_that_are_equal_by_chance_are_two(machine: Machine) -> None:
    domain(machine, "0", "package-0", 50_000_000)
    domain(machine, "1", "package-1", 50_000_000)
    with RaplMonitor(machine.target()) as monitor:
        monitor.sample()
        show(machine, 60_000_000, "0")
        show(machine, 53_000_000, "1")
        assert value(later(machine, monitor), "POWER_CONSUMPTION") == pytest.approx(130)


def test_packages_of_the_same_name_are_two(machine: Machine) -> None:
    domain(machine, "0", "package-0", 50_000_000)
    domain(machine, "1", "package-0", 20_000_000)
    with RaplMonitor(machine.target()) as monitor:
        found = monitor.sample()
    assert (value(found, "ENERGY"), value(found, "ENERGY/package-0 (2)")) == (70.0, 20.0)


@pytest.mark.parametrize("span", [RANGE, 0, "", "-5", "nan"])
def test_a_counter_that_jumps_back_starts_anew(machine: Machine, span: object) -> None:
    domain(machine, "0", "package-0", 40_000_000_000, span)
    with RaplMonitor(machine.target()) as monitor:
        before = value(monitor.sample(), "ENERGY")
        show(machine, 1_000_000)
        jumped = later(machine, monitor)
        show(machine, 3_000_000)
        after = later(machine, monitor)
    assert value(jumped, "ENERGY") == before
    assert "POWER_CONSUMPTION" not in jumped
    assert value(after, "ENERGY") - before == pytest.approx(2)
    assert value(after, "POWER_CONSUMPTION") == pytest.approx(20)


def test_a_jump_that_no_processor_can_draw_is_not_energy(machine: Machine) -> None:
    domain(machine, "0", "package-0", 1_000_000)
    with RaplMonitor(machine.target()) as monitor:
        before = value(monitor.sample(), "ENERGY")
        show(machine, 50_000_000_000)
        assert value(later(machine, monitor), "ENERGY") == before


def test_after_a_gap_in_which_it_may_have_wrapped_unseen_energy_is_not_known_and_power_is(machine: Machine) -> None:
    assert safe_interval(RANGE) == pytest.approx(65.5, abs=0.1)
    domain(machine, "0", "package-0", 1_000_000)
    with RaplMonitor(machine.target()) as monitor:
        monitor.sample()
        show(machine, 900_000_000)
        later(machine, monitor, 300.0)
        show(machine, 910_000_000)
        found = later(machine, monitor)
    assert "300 s without a sample" in why(found, "ENERGY").reason
    assert value(found, "POWER_CONSUMPTION") == pytest.approx(100)


def test_a_counter_that_does_not_move_is_no_energy(machine: Machine) -> None:
    domain(machine, "0", "package-0", 1_000_000)
    domain(machine, "0:0", "uncore", 0)
    with RaplMonitor(machine.target()) as monitor:
        monitor.sample()
        for step in range(6):
            show(machine, 2_000_000 + step)
            found = later(machine, monitor)
        assert isinstance(found["ENERGY"], Reading)
        assert why(found, "ENERGY/uncore").reason.startswith("the counter does not move")
        for _ in range(6):
            found = later(machine, monitor)
        assert why(found, "ENERGY").code == why(found, "POWER_CONSUMPTION").code == "not-read"
        show(machine, 8_000_005)
        moving = later(machine, monitor)
    assert isinstance(moving["ENERGY"], Reading)
    assert value(moving, "POWER_CONSUMPTION") == pytest.approx(6 / 0.7, rel=0.01)


class Locked(FileTree):
    """Counters that only root may read, once they are locked."""

    locked = True

    def text(self, name: str) -> str | None:
        return (
            None
            if self.locked and "energy" in name and not name.endswith(("range_uj", "label"))
            else super().text(name)
        )

    def missing(self, name: str) -> Unavailable:
        return Unavailable(f"/{name} may not be read by this user", "no-permission")


def test_what_only_root_may_read_comes_with_the_commands_that_mend_it(machine: Machine) -> None:
    domain(machine, "0", "package-0", 1_000_000)
    files = Locked(machine.folder)
    with RaplMonitor(dataclasses.replace(machine.target(), files=files)) as monitor:
        first = why(monitor.sample(), "ENERGY")
        files.locked = False
        assert isinstance(later(machine, monitor)["ENERGY"], Reading)
        files.locked = True
        again = why(later(machine, monitor), "POWER_CONSUMPTION")
    assert first.code == again.code == "no-permission"
    assert "sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj" in first.hint
    assert 'SUBSYSTEM=="powercap"' in first.hint
    assert first.hint == again.hint


def test_a_package_that_vanishes_is_not_left_out_of_the_sum(machine: Machine) -> None:
    domain(machine, "0", "package-0", 1_000_000)
    domain(machine, "1", "package-1", 500_000_000)
    with RaplMonitor(machine.target()) as monitor:
        start = value(monitor.sample(), "ENERGY")
        machine.remove(f"{RAPL.format('1')}/energy_uj")
        show(machine, 5_000_000)
        gone = later(machine, monitor)
        show(machine, 9_000_000)
        show(machine, 516_000_000, "1")
        back = later(machine, monitor)
    assert why(gone, "ENERGY").code == "not-here"
    assert value(gone, "ENERGY/package-0") == 5.0
    assert value(back, "ENERGY") - start == pytest.approx(24)
    assert value(back, "POWER_CONSUMPTION") == pytest.approx(120)


def test_a_second_stay_forgets_the_first(machine: Machine) -> None:
    domain(machine, "0", "package-0", 1_000_000)
    monitor = RaplMonitor(machine.target())
    with monitor:
        monitor.sample()
    show(machine, 9_000_000)
    with monitor:
        assert "POWER_CONSUMPTION" not in later(machine, monitor)


def test_without_counters_the_reason_says_what_is_missing(machine: Machine) -> None:
    with RaplMonitor(machine.target()) as monitor:
        assert why(monitor.sample(), "ENERGY").code == "not-here"
    with AmdEnergyMonitor(machine.target()) as monitor:
        assert "amd_energy" in why(monitor.sample(), "ENERGY").reason


def sensor(machine: Machine, number: int, label: str, shown: int) -> None:
    machine.write(f"{AMD}/energy{number}_label", label)
    machine.write(f"{AMD}/energy{number}_input", shown)


def test_amd_sockets_are_summed_and_cores_are_parts(machine: Machine) -> None:
    for number, (label, shown) in enumerate(
        {"Ecore000": 1_000_000, "Ecore001": 2_000_000, "Esocket0": 30_000_000, "Esocket1": 50_000_000}.items(), 1
    ):
        sensor(machine, number, label, shown)
    with AmdEnergyMonitor(machine.target()) as monitor:
        first = monitor.sample()
        sensor(machine, 3, "Esocket0", 42_000_000)
        sensor(machine, 4, "Esocket1", 58_000_000)
        second = later(machine, monitor, 0.2)
    assert value(first, "ENERGY") == 80.0
    assert value(first, "ENERGY/Ecore001") == 2.0
    assert value(second, "ENERGY") == 100.0
    assert value(second, "POWER_CONSUMPTION") == pytest.approx(100)
    assert value(second, "POWER_CONSUMPTION/Esocket1") == pytest.approx(40)


def test_hundreds_of_amd_cores_are_not_read(machine: Machine) -> None:
    for number in range(1, 129):
        sensor(machine, number, f"Ecore{number:03}", number)
    sensor(machine, 129, "Esocket0", 1_000_000)
    with AmdEnergyMonitor(machine.target()) as monitor:
        assert set(monitor.sample()) == {"ENERGY", "ENERGY/Esocket0"}


def test_amd_counters_that_only_root_may_read_come_with_the_commands_that_mend_it(machine: Machine) -> None:
    sensor(machine, 1, "Esocket0", 1_000_000)
    with AmdEnergyMonitor(dataclasses.replace(machine.target(), files=Locked(machine.folder))) as monitor:
        found = why(monitor.sample(), "ENERGY")
    assert found.code == "no-permission"
    assert "sudo chmod a+r /sys/devices/platform/amd_energy.*" in found.hint


@given(
    contents=st.lists(st.one_of(st.text(max_size=20), st.integers(-(10**6), 1 << 65).map(str)), min_size=1, max_size=8),
    span=st.one_of(st.text(max_size=20), st.integers(-1, 1 << 65).map(str)),
    seconds=st.floats(0, 1000),
)
def test_whatever_a_counter_shows_energy_never_falls_and_power_is_possible(
    contents: list[str], span: str, seconds: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        machine, known = Machine(Path(folder)), 0.0
        domain(machine, "0", "package-0", 0, span.encode("utf-8", "replace").decode())
        with RaplMonitor(machine.target()) as monitor:
            for content in contents:
                show(machine, content.encode("utf-8", "replace").decode())
                found = later(machine, monitor, seconds)
                energy, power = found["ENERGY"], found.get("POWER_CONSUMPTION")
                if isinstance(energy, Reading):
                    assert energy.value >= known
                    known = energy.value
                if isinstance(power, Reading):
                    assert 0 < power.value <= 10_000.001
