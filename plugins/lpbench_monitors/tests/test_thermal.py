"""Temperatures.  Tested on fixtures: file trees with numbers of our own; no hardware here has a thermal zone."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import METRICS, Reading, Unavailable
from lpbench.testing import Machine, monitor_checks
from lpbench_monitors._parts import LONGEST, distinct, part_name
from lpbench_monitors._thermal import ThermalMonitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import Readings


@pytest.mark.long
@monitor_checks("thermal")
def test_thermal(check: Callable[[], None]) -> None:
    check()


def zone(machine: Machine, number: int, kind: str, millidegrees: object) -> None:
    machine.write(f"sys/class/thermal/thermal_zone{number}/type", kind)
    machine.write(f"sys/class/thermal/thermal_zone{number}/temp", millidegrees)


def chip(machine: Machine, number: int, name: str, **heat: int) -> None:
    machine.write(f"sys/class/hwmon/hwmon{number}/name", name)
    for index, (label, millidegrees) in enumerate(heat.items(), 1):
        machine.write(f"sys/class/hwmon/hwmon{number}/temp{index}_input", millidegrees)
        machine.write(f"sys/class/hwmon/hwmon{number}/temp{index}_label", label.replace("_", " "))


def sampled(machine: Machine) -> Readings:
    with ThermalMonitor(machine.target()) as monitor:
        return monitor.sample()


def values(machine: Machine) -> dict[str, float]:
    return {key: found.value for key, found in sampled(machine).items() if isinstance(found, Reading)}


def test_a_jetsons_zones_are_told_apart_and_the_constant_one_is_left_out(machine: Machine) -> None:
    for number, (kind, heat) in enumerate(
        {"CPU-therm": 43_500, "GPU-therm": 41_250, "AO-therm": 47_000, "PMIC-Die": 100_000}.items()
    ):
        zone(machine, number, kind, heat)
    assert values(machine) == {
        "CPU_TEMP": 43.5,
        "CPU_TEMP/CPU-therm": 43.5,
        "GPU_TEMP": 41.25,
        "GPU_TEMP/GPU-therm": 41.25,
        "TEMPERATURE": 47.0,
        "TEMPERATURE/AO-therm": 47.0,
    }


def test_zones_and_chips_are_both_read_and_a_zone_that_shows_as_a_chip_once(machine: Machine) -> None:
    zone(machine, 0, "cpu-thermal", 61_000)
    chip(machine, 0, "cpu_thermal", temp1=61_000)
    chip(machine, 1, "nvme", Composite=38_850)
    assert values(machine) == {
        "CPU_TEMP": 61.0,
        "CPU_TEMP/cpu-thermal": 61.0,
        "TEMPERATURE": 38.85,
        "TEMPERATURE/nvme Composite": 38.85,
    }


def test_equal_names_of_two_sockets_stay_apart(machine: Machine) -> None:
    chip(machine, 2, "coretemp", Package_id_0=55_000, Core_0=52_000)
    chip(machine, 3, "coretemp", Package_id_1=58_000, Core_0=57_000)
    found = values(machine)
    assert found["CPU_TEMP"] == 58.0
    assert (found["CPU_TEMP/coretemp Core 0"], found["CPU_TEMP/coretemp Core 0 3"]) == (52.0, 57.0)


def test_many_cores_do_not_hide_the_second_sockets_package(machine: Machine) -> None:
    for socket in (0, 1):
        chip(
            machine,
            socket,
            "coretemp",
            Package=60_000 + socket * 9000,
            **{f"Core_{n}": 50_000 for n in range(60)},
        )
    found = values(machine)
    assert found["CPU_TEMP"] == 69.0
    assert len(found) <= 41


def test_a_temperature_with_an_offset_is_left_out_where_there_is_one_without(machine: Machine) -> None:
    chip(machine, 0, "k10temp", Tctl=75_000, Tdie=48_000)
    assert values(machine) == {"CPU_TEMP": 48.0, "CPU_TEMP/k10temp Tdie": 48.0}


def test_sensors_of_the_chip_that_the_processor_is_on_are_the_processors(machine: Machine) -> None:
    zone(machine, 0, "soc0-thermal", 52_000)
    zone(machine, 1, "cpu-thermal", 49_000)
    zone(machine, 2, "tboard-thermal", 38_000)
    found = values(machine)
    assert (found["CPU_TEMP"], found["TEMPERATURE"]) == (52.0, 38.0)


def test_the_made_up_temperature_of_a_policy_zone_is_left_out(machine: Machine) -> None:
    zone(machine, 0, "INT3400 Thermal", 20_000)
    assert isinstance(sampled(machine)["TEMPERATURE"], Unavailable)


@pytest.mark.parametrize(
    "nonsense",
    ["-263200", "511000", "0", "nan", "", "41.5", "41_500", "\u0664\u0661\u0665\u0660\u0660", "4" * 400, "\x00\x01"],
)
def test_what_no_working_sensor_tells_is_no_temperature(machine: Machine, nonsense: str) -> None:
    zone(machine, 0, "cpu-thermal", nonsense)
    heat = sampled(machine)["CPU_TEMP"]
    assert isinstance(heat, Unavailable)
    assert heat.code == "not-read"
    assert "thermal_zone0" in heat.reason


def test_a_broken_sensor_does_not_count_beside_one_that_works(machine: Machine) -> None:
    zone(machine, 0, "cpu0-thermal", -263_200)
    zone(machine, 1, "cpu1-thermal", 44_000)
    assert values(machine) == {"CPU_TEMP": 44.0, "CPU_TEMP/cpu1-thermal": 44.0}


def test_a_sensor_that_vanishes_is_missed_and_found_again(machine: Machine) -> None:
    zone(machine, 0, "cpu-thermal", 44_000)
    with ThermalMonitor(machine.target()) as monitor:
        machine.remove("sys/class/thermal/thermal_zone0/temp")
        gone = monitor.sample()["CPU_TEMP"]
        zone(machine, 0, "cpu-thermal", 45_000)
        back = monitor.sample()["CPU_TEMP"]
    assert isinstance(gone, Unavailable)
    assert gone.code == "not-here"
    assert isinstance(back, Reading)
    assert back.value == 45.0


def test_a_chip_that_is_unplugged_and_comes_back_under_another_number_is_found_again(machine: Machine) -> None:
    chip(machine, 1, "acpitz", t=30_000)
    chip(machine, 3, "usbtemp", probe=41_000)
    with ThermalMonitor(machine.target()) as monitor:
        assert "TEMPERATURE/usbtemp probe" in monitor.sample()
        shutil.rmtree(machine.folder / "sys/class/hwmon/hwmon3")
        for _ in range(3):
            machine.now += 20
            assert "TEMPERATURE/usbtemp probe" not in monitor.sample()
        chip(machine, 7, "usbtemp", probe=42_000)
        machine.now += 20
        monitor.sample()
        back = monitor.sample()["TEMPERATURE/usbtemp probe"]
    assert isinstance(back, Reading)
    assert back.value == 42.0


def test_names_of_a_megabyte_take_no_time(machine: Machine) -> None:
    chip(machine, 0, "c" * 1_000_000, edge=41_000)
    zone(machine, 0, "cpu-" + "x " * 500_000, 42_000)
    begun = time.process_time()
    found = sampled(machine)
    assert time.process_time() - begun < 0.2
    assert isinstance(found["CPU_TEMP"], Reading)
    assert all(len(key) < 100 for key in found)


def test_the_hottest_is_of_those_that_tell(machine: Machine) -> None:
    for number, heat in enumerate((44_000, 46_000, -263_200)):
        zone(machine, number, f"cpu{number}-thermal", heat)
    hottest = sampled(machine)["CPU_TEMP"]
    assert isinstance(hottest, Reading)
    assert hottest.source == "the hottest of 2 sensors"


def test_hundreds_of_other_sensors_hide_neither_processor_nor_gpu(machine: Machine) -> None:
    for number in range(200):
        zone(machine, number, f"board{number}", 30_000 + number)
    zone(machine, 200, "cpu-thermal", 61_000)
    chip(machine, 0, "coretemp", Package=62_000)
    chip(machine, 1, "amdgpu", edge=63_000)
    found = values(machine)
    assert (found["CPU_TEMP"], found["GPU_TEMP"]) == (62.0, 63.0)
    assert {"CPU_TEMP/cpu-thermal", "CPU_TEMP/coretemp Package", "TEMPERATURE/board0"} <= set(found)
    assert len(found) == 43


def test_a_machine_without_sensors_says_so_for_each_metric(machine: Machine) -> None:
    found = sampled(machine)
    assert {key: each.code for key, each in found.items() if isinstance(each, Unavailable)} == dict.fromkeys(
        ("CPU_TEMP", "GPU_TEMP", "TEMPERATURE"), "not-here"
    )


@given(kind=st.text(), content=st.one_of(st.text(), st.integers().map(str)))
def test_whatever_a_zone_says_no_temperature_is_impossible(kind: str, content: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        top = machine.folder / "sys/class/thermal/thermal_zone0"
        top.mkdir(parents=True)
        (top / "type").write_bytes(kind.encode("utf-8", "surrogatepass"))
        (top / "temp").write_bytes(content.encode("utf-8", "surrogatepass"))
        for value in values(machine).values():
            assert METRICS["CPU_TEMP"].least <= value <= METRICS["CPU_TEMP"].most


@given(st.text())
def test_a_parts_name_can_be_shown_and_parted_from_its_metric(text: str) -> None:
    name = part_name(text)
    assert name.isprintable()
    assert "/" not in name
    assert 0 < len(name) <= LONGEST


@given(st.lists(st.sampled_from(["rail", "rail 1", "fan"]), max_size=12))
def test_no_two_parts_share_a_name(names: list[str]) -> None:
    taken: set[str] = set()
    for name in names:
        chosen = distinct(name, "1", taken)
        assert chosen not in taken
        taken.add(chosen)
