"""Memory bandwidth of a Jetson.  Tested on file trees (fixtures); no Jetson is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench.testing import monitor_checks
from lpbench_monitors._emc import EmcMonitor
from lpbench_monitors._jetson_memory import Bus, bandwidth

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.testing import Machine

MODEL, MEMORY = "proc/device-tree/model", "proc/meminfo"
ACTIVITY = "sys/kernel/actmon_avg_activity/mc_all"
CLOCK = "sys/kernel/debug/bpmp/debug/clk/emc/rate"


@pytest.mark.long
@monitor_checks("emc")
def test_emc(check: Callable[[], None]) -> None:
    check()


def jetson(machine: Machine, model: str, kilohertz: object = 320_000, hertz: object = 1_600_000_000) -> None:
    machine.write(MODEL, f"{model}\0")
    machine.write(ACTIVITY, kilohertz)
    machine.write(CLOCK, hertz)


def sampled(machine: Machine) -> Reading | Unavailable:
    with EmcMonitor(machine.target()) as monitor:
        found = monitor.sample()["MEMORY_BANDWIDTH"]
    assert isinstance(found, (Reading, Unavailable))
    return found


@pytest.mark.parametrize(
    ("model", "bits", "assumed"),
    [
        ("NVIDIA Jetson Xavier NX Developer Kit", 128, False),
        ("NVIDIA Jetson Nano Developer Kit", 64, False),
        ("NVIDIA Jetson AGX Orin Developer Kit", 256, False),
        ("quill", 128, True),
    ],
)
def test_a_fifth_of_the_clock_is_a_fifth_of_the_bus(machine: Machine, model: str, bits: int, assumed: bool) -> None:  # noqa: FBT001 - a column of the table
    jetson(machine, model)
    found = sampled(machine)
    assert isinstance(found, Reading)
    assert found.value == pytest.approx(0.2 * 1600 * 2 * bits / 8)
    assert "estimate from EMC utilisation" in found.source
    assert ("assumed" in found.source) == assumed


@pytest.mark.parametrize(("kilobytes", "bits"), [(7_620_000, 128), (3_620_000, 64)])
def test_the_bus_of_orin_nano_follows_from_its_memory(machine: Machine, kilobytes: int, bits: int) -> None:
    jetson(machine, "NVIDIA Jetson Orin Nano Developer Kit")
    machine.write(MEMORY, f"MemTotal:  {kilobytes} kB\nMemFree: 1 kB")
    found = sampled(machine)
    assert isinstance(found, Reading)
    assert found.value == pytest.approx(0.2 * 1600 * 2 * bits / 8)


def test_a_module_whose_bus_is_not_known_gives_no_number(machine: Machine) -> None:
    jetson(machine, "NVIDIA Jetson Next")
    found = sampled(machine)
    assert isinstance(found, Unavailable)
    assert found.reason == "the bus width of NVIDIA Jetson Next is not known"


@pytest.mark.parametrize("name", ["cactmon/mc_all", "bpmp/debug/actmon/mc_all_avg_activity"])
def test_activity_in_an_undocumented_unit_gives_no_number(machine: Machine, name: str) -> None:
    machine.write(MODEL, "NVIDIA Jetson AGX Orin Developer Kit")
    machine.write(f"sys/kernel/debug/{name}", 120_000)
    machine.write(CLOCK, 3_199_000_000)
    found = sampled(machine)
    assert isinstance(found, Unavailable)
    assert "unit" in found.reason
    assert "tegrastats" in found.hint


def test_debugfs_that_only_root_may_read_gives_a_hint(machine: Machine) -> None:
    jetson(machine, "NVIDIA Jetson Xavier NX Developer Kit")
    machine.remove(CLOCK)
    for folder in ("bpmp/debug/clk/emc", "bpmp/debug/clk", "bpmp/debug", "bpmp"):
        (machine.folder / "sys/kernel/debug" / folder).rmdir()  # what a user sees of a folder that root alone may list
    found = sampled(machine)
    assert isinstance(found, Unavailable)
    assert found.code == "no-permission"
    assert "root" in found.hint


@pytest.mark.parametrize(
    ("kilohertz", "hertz"), [(-1, 10**9), (2_000_000, 10**9), ("nan", 10**9), (1, 0), (1, -5), (1, "x"), (1, 10**20)]
)
def test_activity_that_cannot_be_is_no_reading(machine: Machine, kilohertz: object, hertz: object) -> None:
    jetson(machine, "NVIDIA Jetson Nano Developer Kit", kilohertz, hertz)
    assert isinstance(sampled(machine), Unavailable)


def test_other_machines_have_none(machine: Machine) -> None:
    found = sampled(machine)
    assert isinstance(found, Unavailable)
    assert found.code == "other-machine"


@given(st.floats(), st.floats(), st.sampled_from([64, 128, 256]))
def test_no_utilisation_gives_a_bandwidth_that_cannot_be(percent: float, mhz: float, bits: int) -> None:
    found = bandwidth(percent, mhz, Bus(bits), "test")
    assert isinstance(found, Unavailable) or 0 <= found.value <= 20_000 * 2 * bits / 8
