"""tegrastats.  Tested on lines in the documented grammar, with numbers of our own (fixtures); no Jetson is here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import METRICS, Reading, Unavailable
from lpbench.testing import Machine, monitor_checks
from lpbench_monitors._tegrastats import TegrastatsMonitor
from lpbench_monitors._tegrastats_line import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import Readings

COMMAND = "tegrastats --interval 100"
NANO = (
    "RAM 811/3956MB (lfb 77x4MB) SWAP 3/1978MB (cached 0MB) IRAM 0/252kB(lfb 252kB) CPU [21%@1224,4%@1224,0%@1224,8%@"
    "1224] EMC_FREQ 7%@1600 GR3D_FREQ 44%@614 APE 25 PLL@29C CPU@33.5C PMIC@100C GPU@31C AO@38C thermal@32.25C "
    "POM_5V_IN 2310/2290 POM_5V_GPU 315/300 POM_5V_CPU 640/610"
)
TX2 = (
    "RAM 1500/7853MB (lfb 900x4MB) CPU [3%@499,off,off,9%@499,0%@500,1%@501] EMC_FREQ 5%@1331 GR3D_FREQ 0%@140 APE 150 "
    "MTS fg 0% bg 0% BCPU@39C MCPU@41C GPU@37.5C Tboard@34C VDD_SYS_GPU 228/230 VDD_SYS_SOC 610/600 VDD_IN 3900/3850"
)
AGX_XAVIER = (
    "RAM 2000/15692MB (lfb 3x4MB) CPU [1%@1190,off,2%@1190] EMC_FREQ 1%@2133 GR3D_FREQ 11%@675 GPU@36.5C CPU@38C "
    "GPU 1200/1100 CPU 900/890 SOC 1800/1790 CV 0/0 VDDRQ 300/300 SYS5V 2100/2050"
)
JETPACK_5 = (
    "RAM 5011/15389MB (lfb 12x4MB) CPU [6%@729,0%@729,off] EMC_FREQ 0%@2133 GR3D_FREQ 0%@611 VIC_FREQ 729 APE 174 "
    "CV0@-256C CPU@47.937C tj@48.5C GPU@-256C VDD_IN 5120mW/5100mW VDD_CPU_GPU_CV 760mW/750mW VDD_SOC 1430mW/1420mW"
)
NO_ROOT = (
    "RAM 4100/30697MB (lfb 5x4MB) SWAP 0/15348MB (cached 0MB) CPU [1%@729,2%@1190] GR3D_FREQ 30% cpu@42C soc0@41C "
    "tj@43C VDD_GPU_SOC 4800mW/4810mW VDD_CPU_CV 990mW/985mW VIN_SYS_5V0 4400mW/4390mW NC 0mW/0mW "
    "VDDQ_VDD2_1V8AO 510mW/500mW NC 0mW/0mW"
)
JETPACK_6 = (
    "RAM  5400/62841MB  (lfb 2x4MB)   CPU [2%@1113,3%@1113]  EMC_FREQ 2%@2133   GR3D_FREQ 6%@[306,408] NVENC off  "
    "NVDEC off   cpu@44.5C  gpu@40C   VDD_GPU_SOC 3000mW/3000mW  VDD_CPU_CV 500mW/500mW  VIN_SYS_5V0 4000mW/4000mW"
)
JETPACK_7 = (
    "07-25-2026 11:22:33 RAM 20100/62817MB (lfb 1x512kB) CPU [0%@729,1%@729] EMC_FREQ 3%@3199 "
    "GR3D_FREQ 12%@[1300,1300] NVENC0 off cpu@45.25C/49.5C gpu@41C/44.25C "
    "VDD_GPU_SOC 5150mW/5150mW/5400mW VDD_CPU_CV 800mW/800mW/800mW "
    "VIN_SYS_5V0 4050mW/4050mW/4060mW"
)
THOR = (
    "RAM 9000/125772MB (lfb 30x4MB) CPU [0%@972,1%@972] GR3D_FREQ @[1000,1001,1002] cpu@40C gpu@38C "
    "VDD_GPU 2000mW/2000mW VDD_CPU_SOC_MSS 4000mW/4000mW VIN_SYS_5V0 5000mW/5000mW VIN 25000mW/25100mW"
)


@pytest.mark.long
@monitor_checks("tegrastats")
def test_tegrastats(check: Callable[[], None]) -> None:
    check()


def sampled(machine: Machine, *lines: str) -> Readings:
    machine.answers[COMMAND] = "\n".join(lines)
    with TegrastatsMonitor(machine.target()) as monitor:
        return monitor.sample()


def value(found: Readings, key: str) -> float:
    reading = found[key]
    assert isinstance(reading, Reading)
    return reading.value


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (NANO, {"POWER_CONSUMPTION": 2.31, "CPU_TEMP": 33.5, "GPU_TEMP": 31, "GPU_LOAD": 44, "GPU_FREQ": 614}),
        (NANO, {"CPU_FREQ": 1224, "TEMPERATURE": 38, "POWER_CONSUMPTION/POM_5V_CPU": 0.64}),
        (
            TX2,
            {"POWER_CONSUMPTION": 3.9, "CPU_TEMP": 41, "CPU_TEMP/BCPU": 39, "CPU_FREQ/cpu3": 499, "CPU_FREQ": 499.75},
        ),
        (AGX_XAVIER, {"POWER_CONSUMPTION": 6.3, "POWER_CONSUMPTION/GPU": 1.2, "GPU_TEMP": 36.5, "CPU_TEMP": 38}),
        (JETPACK_5, {"POWER_CONSUMPTION": 5.12, "POWER_CONSUMPTION/VDD_SOC": 1.43, "TEMPERATURE": 48.5}),
        (NO_ROOT, {"POWER_CONSUMPTION": 10.19, "GPU_LOAD": 30, "CPU_FREQ": 959.5, "CPU_TEMP": 42}),
        (JETPACK_6, {"POWER_CONSUMPTION": 7.5, "GPU_FREQ": 357, "GPU_FREQ/gpc1": 408, "GPU_LOAD": 6}),
        (JETPACK_7, {"POWER_CONSUMPTION": 10.0, "GPU_FREQ": 1300, "CPU_TEMP": 45.25, "GPU_TEMP": 41}),
        (THOR, {"POWER_CONSUMPTION": 25.0, "GPU_FREQ": 1001, "POWER_CONSUMPTION/VDD_GPU": 2}),
    ],
)
def test_each_release_is_read(machine: Machine, line: str, expected: dict[str, float]) -> None:
    found = sampled(machine, line)
    assert {key: value(found, key) for key in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("line", "scope"), [(NANO, "module"), (TX2, "module"), (THOR, "machine"), (AGX_XAVIER, "rails"), (NO_ROOT, "rails")]
)
def test_power_says_whether_it_is_the_module_or_only_its_rails(machine: Machine, line: str, scope: str) -> None:
    power = sampled(machine, line)["POWER_CONSUMPTION"]
    assert isinstance(power, Reading)
    assert power.scope == scope
    assert ("sum of rails, not module total" in power.source) == (scope == "rails")


@pytest.mark.parametrize(
    ("line", "metric", "code"),
    [
        (THOR, "GPU_LOAD", "not-supported"),
        (NO_ROOT, "GPU_FREQ", "no-permission"),
        (NO_ROOT, "MEMORY_BANDWIDTH", "no-permission"),
        (NO_ROOT, "GPU_TEMP", "not-supported"),
        (JETPACK_5, "GPU_TEMP", "not-supported"),  # -256 °C
        (JETPACK_5.replace("0%@611", "0%@[0,0]"), "GPU_FREQ", "not-read"),
    ],
)
def test_what_a_line_does_not_tell_has_a_reason(machine: Machine, line: str, metric: str, code: str) -> None:
    found = sampled(machine, line)[metric]
    assert isinstance(found, Unavailable)
    assert found.code == code


@pytest.mark.parametrize("absurd", ["PMIC@100C", "CV0@-256C", "AUX@511C"])
def test_temperatures_that_cannot_be_are_no_readings(machine: Machine, absurd: str) -> None:
    found = sampled(machine, f"{NANO} {absurd}")
    assert value(found, "TEMPERATURE") == 38
    assert f"TEMPERATURE/{absurd.partition('@')[0]}" not in found


@pytest.mark.parametrize("line", [NANO, AGX_XAVIER, JETPACK_6, JETPACK_7, THOR])
def test_runs_of_spaces_of_any_length_change_nothing(line: str) -> None:
    assert parse(line.replace(" ", " " * 25)) == parse(line)
    assert parse(line.replace(" ", "\t") + "\r") == parse(line)


def test_a_sensor_of_the_chip_that_the_processor_is_on_is_the_processors_as_its_thermal_zone_is(
    machine: Machine,
) -> None:
    found = sampled(machine, NO_ROOT.replace("soc0@41C", "soc0@44.5C"))
    assert value(found, "CPU_TEMP") == 44.5
    assert value(found, "CPU_TEMP/soc0") == 44.5
    assert value(found, "TEMPERATURE") == 43


def test_a_metric_may_cover_the_machine_and_each_of_its_parts_covers_a_device(machine: Machine) -> None:
    found = sampled(machine, NANO)
    scopes = {key: told.scope for key, told in found.items() if isinstance(told, Reading) and "POWER" not in key}
    assert (scopes["CPU_TEMP"], scopes["CPU_FREQ"], scopes["TEMPERATURE"]) == ("package", "machine", "machine")
    assert {scope for key, scope in scopes.items() if "/" in key} == {"device"}


def test_a_line_without_a_rail_that_was_added_tells_no_sum(machine: Machine) -> None:
    machine.answers[COMMAND] = NO_ROOT
    with TegrastatsMonitor(machine.target()) as monitor:
        assert value(monitor.sample(), "POWER_CONSUMPTION") == pytest.approx(10.19)
        machine.commands.streams[0].ready = [NO_ROOT[: NO_ROOT.index(" VIN_SYS")]]
        found = monitor.sample()
    assert isinstance(found["POWER_CONSUMPTION"], Unavailable)
    assert "VIN_SYS_5V0" in found["POWER_CONSUMPTION"].reason
    assert value(found, "POWER_CONSUMPTION/VDD_CPU_CV") == 0.99


def test_cores_that_are_off_do_not_count(machine: Machine) -> None:
    found = sampled(machine, TX2)
    assert [key for key in found if key.startswith("CPU_FREQ/")] == [f"CPU_FREQ/cpu{core}" for core in (0, 3, 4, 5)]


def test_the_bandwidth_follows_from_the_bus_of_the_module(machine: Machine) -> None:
    machine.write("proc/device-tree/model", "NVIDIA Jetson AGX Orin Developer Kit\0")
    bandwidth = sampled(machine, JETPACK_7)["MEMORY_BANDWIDTH"]
    assert isinstance(bandwidth, Reading)
    assert bandwidth.value == pytest.approx(0.03 * 3199 * 2 * 32)
    assert "estimate from EMC utilisation" in bandwidth.source


def test_every_line_since_the_last_sample_is_a_reading(machine: Machine) -> None:
    machine.answers[COMMAND] = ""
    with TegrastatsMonitor(machine.target()) as monitor:
        stream = machine.commands.streams[0]
        stream.ready = [NANO]
        assert value(monitor.sample(), "GPU_LOAD") == 44
        machine.now += 0.3
        stream.ready = [NANO.replace("44%", f"{load}%") for load in (1, 2, 3)]
        loads = monitor.sample()["GPU_LOAD"]
    assert isinstance(loads, list)
    assert [load.value for load in loads] == [1, 2, 3]
    assert [load.at for load in loads] == pytest.approx([100.1, 100.2, 100.3])


def test_a_sample_between_two_lines_says_nothing_and_silence_is_told(machine: Machine) -> None:
    machine.answers[COMMAND] = NANO
    with TegrastatsMonitor(machine.target()) as monitor:
        monitor.sample()
        machine.now += 0.4
        assert monitor.sample() == {}
        machine.now += 0.2
        silent = monitor.sample()["POWER_CONSUMPTION"]
        machine.commands.streams[0].ready = [NANO]
        assert value(monitor.sample(), "POWER_CONSUMPTION") == 2.31
    assert isinstance(silent, Unavailable)
    assert "no line for 0.5 s" in silent.reason


def test_a_process_that_ends_is_told_with_its_exit(machine: Machine) -> None:
    machine.answers[COMMAND] = NANO
    with TegrastatsMonitor(machine.target()) as monitor:
        machine.commands.streams[0].status = "exit status 1"
        assert value(monitor.sample(), "GPU_LOAD") == 44
        ended = monitor.sample()["GPU_LOAD"]
    assert isinstance(ended, Unavailable)
    assert "exit status 1" in ended.reason
    assert machine.commands.streams[0].closed


def test_a_process_that_ended_is_started_again_and_not_more_often_than_every_ten_seconds(machine: Machine) -> None:
    machine.answers[COMMAND] = ""
    with TegrastatsMonitor(machine.target()) as monitor:
        for _ in range(30):
            machine.commands.streams[-1].status = "exit status 1"
            machine.now += 1
            assert isinstance(monitor.sample()["GPU_LOAD"], Unavailable)
        assert len(machine.commands.streams) == 4
        machine.commands.streams[-1].ready = [NANO]
        assert value(monitor.sample(), "GPU_LOAD") == 44
    assert all(stream.closed for stream in machine.commands.streams)


@pytest.mark.parametrize("garbage", ["tegrastats: cannot open", "RAM 12/", NANO[:9], "\x00\ufffd\x07"])
def test_lines_cut_short_are_told(machine: Machine, garbage: str) -> None:
    found = sampled(machine, garbage)["CPU_TEMP"]
    assert isinstance(found, Unavailable)
    assert found.code == "not-read"
    assert found.reason.isprintable()


@pytest.mark.parametrize("end", ["/1978", "/252", "GR3D_FREQ", "PMIC@", "POM_5V_IN 2310"])
def test_no_line_that_is_cut_tells_a_power(machine: Machine, end: str) -> None:
    found = sampled(machine, NANO[: NANO.index(end) + len(end)])
    assert isinstance(found["POWER_CONSUMPTION"], Unavailable)


def test_a_line_that_ends_early_gives_what_it_has(machine: Machine) -> None:
    found = sampled(machine, NANO[: NANO.index("APE")])
    assert value(found, "GPU_LOAD") == 44
    assert isinstance(found["POWER_CONSUMPTION"], Unavailable)


def test_thousands_of_lines_at_once_are_bounded(machine: Machine) -> None:
    loads = sampled(machine, *[NANO] * 5000)["GPU_LOAD"]
    assert isinstance(loads, list)
    assert len(loads) <= 100


LINES = st.one_of(
    st.text(max_size=400),
    st.lists(st.sampled_from([word for line in (NANO, JETPACK_7, THOR) for word in line.split()]), max_size=60).map(
        " ".join
    ),
    st.tuples(st.sampled_from([NANO, JETPACK_6, THOR]), st.integers(0, 400), st.text(max_size=9)).map(
        lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] :]
    ),
)


@given(LINES)
def test_no_text_gives_a_value_that_cannot_be(text: str) -> None:
    found = sampled(Machine(Path("/nonexistent")), text)
    readings = [(key, told) for key, told in found.items() if not isinstance(told, Unavailable)]
    for key, told in readings:
        for reading in [told] if isinstance(told, Reading) else told:
            span = METRICS[key.partition("/")[0]]
            assert span.least <= reading.value <= span.most


def test_a_huge_line_takes_no_time() -> None:
    begun = time.process_time()
    parse("RAM 1/2MB CPU [" + "1%@1," * 300_000 + " a@" * 300_000)
    assert time.process_time() - begun < 0.2
