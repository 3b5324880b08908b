"""Counters of memory controllers.  Tested on fixtures, with a kernel of our own."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugins.lpbench_monitors.tests.proc_files import reason, value

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench.testing import Machine, monitor_checks
from lpbench_monitors._memory_pmu import MemoryPmuMonitor
from lpbench_monitors._perf import Count, Event, refusal
from lpbench_monitors._pmu_files import DEVICES

if TYPE_CHECKING:
    from collections.abc import Callable

MIB_OF_64_BYTES = "6.103515625e-5"
READ, WRITE = 0x0304, 0x0C04


@pytest.mark.long
@monitor_checks("memory-pmu")
def test_memory_pmu(check: Callable[[], None]) -> None:
    check()


@dataclass
class FakeCounter:
    """A counter that a test sets."""

    count: Count | None = field(default_factory=lambda: Count(0, 0, 0))
    closed: bool = False

    def read(self) -> Count | None:
        return self.count

    def close(self) -> None:
        self.closed = True

    def set(self, value: int, enabled: int = 0, running: int | None = None) -> None:
        self.count = Count(value, enabled, enabled if running is None else running)


class FakeKernel:
    """Opens counters by event."""

    def __init__(self) -> None:
        self.counters: dict[Event, FakeCounter] = {}
        self.refuses: Unavailable | None = None

    def __call__(self, wanted: Event) -> FakeCounter | Unavailable:
        return self.refuses or self.counters.setdefault(wanted, FakeCounter())


@pytest.fixture
def kernel() -> FakeKernel:
    """Return a kernel without open counters."""
    return FakeKernel()


def write_intel(machine: Machine, unit: str = "uncore_imc_0", number: int = 14, cpumask: str = "0") -> None:
    """Write a memory controller of a server."""
    folder = f"{DEVICES}/{unit}"
    machine.write(f"{folder}/type", number)
    machine.write(f"{folder}/cpumask", cpumask)
    machine.write(f"{folder}/format/event", "config:0-7")
    machine.write(f"{folder}/format/umask", "config:8-15")
    for name, terms in {"cas_count_read": "event=0x04,umask=0x03", "cas_count_write": "event=0x04,umask=0x0c"}.items():
        machine.write(f"{folder}/events/{name}", terms)
        machine.write(f"{folder}/events/{name}.scale", MIB_OF_64_BYTES)
        machine.write(f"{folder}/events/{name}.unit", "MiB")


def write_events(machine: Machine, unit: str, events: dict[str, str], number: int = 9) -> None:
    """Write a unit with events and without formats."""
    machine.write(f"{DEVICES}/{unit}/type", number)
    for name, terms in events.items():
        machine.write(f"{DEVICES}/{unit}/events/{name}", terms)


def test_accesses_of_64_bytes_become_mb_per_second(machine: Machine, kernel: FakeKernel) -> None:
    write_intel(machine)
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        assert monitor.sample() == {}
        machine.now += 0.5
        kernel.counters[Event(14, 0, READ)].set(1_000_000)
        kernel.counters[Event(14, 0, WRITE)].set(250_000)
        found = monitor.sample()
    assert value(found, "MEMORY_BANDWIDTH/read") == pytest.approx(128)
    assert value(found, "MEMORY_BANDWIDTH/write") == pytest.approx(32)
    assert value(found, "MEMORY_BANDWIDTH") == pytest.approx(160)


def test_controllers_and_sockets_add_up(machine: Machine, kernel: FakeKernel) -> None:
    write_intel(machine, "uncore_imc_0", 14, "0,18")
    write_intel(machine, "uncore_imc_1", 15, "0,18")
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        monitor.sample()
        assert len(kernel.counters) == 8
        machine.now += 1
        for wanted, counter in kernel.counters.items():
            counter.set(1_000_000 * (wanted.type - 13))
        found = monitor.sample()
    assert value(found, "MEMORY_BANDWIDTH") == pytest.approx(64 * 12)
    assert value(found, "MEMORY_BANDWIDTH/uncore_imc_0") == pytest.approx(64 * 4)
    assert value(found, "MEMORY_BANDWIDTH/uncore_imc_1") == pytest.approx(64 * 8)


def test_a_counter_that_ran_for_a_quarter_of_the_time_counts_four_times(machine: Machine, kernel: FakeKernel) -> None:
    write_intel(machine)
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        kernel.counters[Event(14, 0, READ)].set(500, 10_000, 10_000)
        monitor.sample()
        machine.now += 1
        kernel.counters[Event(14, 0, READ)].set(500 + 1_000_000, 10_000 + 1_000_000_000, 10_000 + 250_000_000)
        found = monitor.sample()
    assert value(found, "MEMORY_BANDWIDTH/read") == pytest.approx(256)


def test_a_counter_that_others_kept_from_running_is_a_reason(machine: Machine, kernel: FakeKernel) -> None:
    write_intel(machine)
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        monitor.sample()
        machine.now += 1
        kernel.counters[Event(14, 0, READ)].set(0, 1_000_000_000, 0)
        assert "did not run" in reason(monitor.sample(), "MEMORY_BANDWIDTH").reason


@pytest.mark.parametrize(
    ("unit", "names"),
    [
        ("uncore_imc_free_running_0", ("data_read", "data_write")),
        ("uncore_imc_free_running", ("read", "write")),
        ("uncore_imc", ("data_reads", "data_writes")),
    ],
)
def test_free_running_counters_of_client_processors_are_read(
    machine: Machine, kernel: FakeKernel, unit: str, names: tuple[str, str]
) -> None:
    write_events(machine, unit, {names[0]: "event=0xff,umask=0x20", names[1]: "event=0xff,umask=0x21"})
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        monitor.sample()
        machine.now += 1
        kernel.counters[Event(9, 0, 0x20FF)].set(1_000_000)
        assert value(monitor.sample(), "MEMORY_BANDWIDTH/read") == pytest.approx(64)


def test_traffic_that_two_units_count_counts_once(machine: Machine, kernel: FakeKernel) -> None:
    write_intel(machine)
    write_events(
        machine, "uncore_imc_free_running_0", {"read": "event=0xff,umask=0x20", "write": "event=0xff,umask=0x21"}
    )
    with MemoryPmuMonitor(machine.target(), opener=kernel):
        assert {wanted.type for wanted in kernel.counters} == {14}


def test_both_schedulers_of_a_controller_count(machine: Machine, kernel: FakeKernel) -> None:
    write_intel(machine)
    for way, umask in {"read": "0xcf", "write": "0xf0"}.items():
        for scheduler, code in enumerate(("0x05", "0x06")):
            name = f"cas_count_{way}_sch{scheduler}"
            machine.write(f"{DEVICES}/uncore_imc_0/events/{name}", f"event={code},umask={umask}")
    with MemoryPmuMonitor(machine.target(), opener=kernel):
        assert {wanted.config for wanted in kernel.counters} == {0xCF05, 0xCF06, 0xF005, 0xF006}


@pytest.mark.parametrize(("chip", "bytes_of_a_cycle"), [("i.MX8MN", 8), ("i.MX8MM", 16), ("i.MX8MQ", 16)])
def test_cycles_of_an_imx_count_by_the_width_of_its_memory(
    machine: Machine, kernel: FakeKernel, chip: str, bytes_of_a_cycle: int
) -> None:
    write_events(machine, "imx8_ddr0", {"read-cycles": "event=0x2a", "write-cycles": "event=0x2b"})
    machine.write(f"{DEVICES}/imx8_ddr0/identifier", chip)
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        kernel.counters[Event(9, 0, 0x2A)].set((1 << 32) - 1000)
        monitor.sample()
        machine.now += 1
        kernel.counters[Event(9, 0, 0x2A)].set(999_000)  # it has 32 bits, and started at 0 again
        assert value(monitor.sample(), "MEMORY_BANDWIDTH/read") == pytest.approx(bytes_of_a_cycle)


def test_an_imx_whose_kernel_names_no_chip_is_known_by_its_device_tree(machine: Machine, kernel: FakeKernel) -> None:
    write_events(machine, "imx8_ddr0", {"read-cycles": "event=0x2a", "write-cycles": "event=0x2b"})
    machine.write("proc/device-tree/compatible", "fsl,imx8mn-evk\0fsl,imx8mn\0")
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        monitor.sample()
        machine.now += 1
        kernel.counters[Event(9, 0, 0x2B)].set(1_000_000)
        assert value(monitor.sample(), "MEMORY_BANDWIDTH") == pytest.approx(8)


def test_an_imx8mp_counts_the_bytes_of_every_master(machine: Machine, kernel: FakeKernel) -> None:
    write_events(machine, "imx8_ddr0", {"axid-read": "event=0x41", "axid-write": "event=0x42"})
    machine.write(f"{DEVICES}/imx8_ddr0/identifier", "i.MX8MP")
    machine.write(f"{DEVICES}/imx8_ddr0/format/axi_id", "config1:0-15")
    machine.write(f"{DEVICES}/imx8_ddr0/format/axi_mask", "config1:16-31")
    with MemoryPmuMonitor(machine.target(), opener=kernel):
        assert Event(9, 0, 0x41, 0xFFFF0000) in kernel.counters


def test_a_chip_of_unknown_width_is_not_guessed(machine: Machine, kernel: FakeKernel) -> None:
    write_events(machine, "imx8_ddr0", {"read-cycles": "event=0x2a", "write-cycles": "event=0x2b"})
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        assert reason(monitor.sample(), "MEMORY_BANDWIDTH").code == "not-read"
    assert not kernel.counters


def test_no_permission_says_what_mends_it(machine: Machine, kernel: FakeKernel) -> None:
    write_intel(machine)
    kernel.refuses = refusal(errno.EACCES)
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        found = reason(monitor.sample(), "MEMORY_BANDWIDTH")
    assert found.code == "no-permission"
    assert "kernel.perf_event_paranoid=0" in found.hint
    assert "cap_perfmon" in found.hint


def test_one_controller_that_is_not_understood_leaves_no_sum_of_the_others(
    machine: Machine, kernel: FakeKernel
) -> None:
    write_intel(machine, "uncore_imc_0", 14)
    write_intel(machine, "uncore_imc_1", 15)
    machine.write(f"{DEVICES}/uncore_imc_1/type", "?")
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        assert "uncore_imc_1" in reason(monitor.sample(), "MEMORY_BANDWIDTH").reason


def test_a_machine_without_controllers_says_so(machine: Machine, kernel: FakeKernel) -> None:
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        assert reason(monitor.sample(), "MEMORY_BANDWIDTH").code == "not-here"


def test_files_of_another_machine_open_no_counter_of_this_one(machine: Machine) -> None:
    write_intel(machine)
    with MemoryPmuMonitor(machine.target()) as monitor:
        assert "another machine" in reason(monitor.sample(), "MEMORY_BANDWIDTH").reason


def test_a_counter_that_stops_is_opened_again_later(machine: Machine, kernel: FakeKernel) -> None:
    write_intel(machine)
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        monitor.sample()
        broken, kernel.counters = kernel.counters, {}
        broken[Event(14, 0, READ)].count = None
        assert reason(monitor.sample(), "MEMORY_BANDWIDTH").code == "failed"
        assert all(counter.closed for counter in broken.values())
        machine.now += 11
        assert monitor.sample() == {}
        machine.now += 1
        assert value(monitor.sample(), "MEMORY_BANDWIDTH") == 0


def test_a_counter_that_jumps_back_is_no_bandwidth(machine: Machine, kernel: FakeKernel) -> None:
    write_intel(machine)
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        kernel.counters[Event(14, 0, READ)].set(5_000_000)
        monitor.sample()
        found = []
        for count in (100, 1_000_100):
            machine.now += 1
            kernel.counters[Event(14, 0, READ)].set(count)
            found.append(monitor.sample())
    assert "went back" in reason(found[0], "MEMORY_BANDWIDTH").reason
    assert value(found[1], "MEMORY_BANDWIDTH") == pytest.approx(64)


def test_leaving_closes_every_counter(machine: Machine, kernel: FakeKernel) -> None:
    write_intel(machine)
    with MemoryPmuMonitor(machine.target(), opener=kernel):
        assert not any(counter.closed for counter in kernel.counters.values())
    assert all(counter.closed for counter in kernel.counters.values())


@pytest.mark.parametrize(
    ("name", "content"),
    [("type", "nan"), ("type", "-3"), ("events/cas_count_read", "event=zz"), ("events/cas_count_read.scale", "nan"),
     ("events/cas_count_read.scale", "-1"), ("events/cas_count_read.unit", "furlong"), ("cpumask", "x"),
     ("events/cas_count_read", "event=0x1ff")],
)  # fmt: skip
def test_files_with_garbage_never_give_half_of_the_traffic(
    machine: Machine, kernel: FakeKernel, name: str, content: str
) -> None:
    write_intel(machine)
    machine.write(f"{DEVICES}/uncore_imc_0/{name}", content)
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        monitor.sample()
        machine.now += 1
        assert isinstance(monitor.sample()["MEMORY_BANDWIDTH"], Unavailable)


COUNTS = st.none() | st.builds(Count, *[st.integers(0, 2**64 - 1)] * 3)


@given(st.lists(st.tuples(COUNTS, st.floats(0, 1e3)), min_size=1, max_size=5))
def test_no_bandwidth_is_outside_its_range(
    tmp_path_factory: pytest.TempPathFactory, moments: list[tuple[Count | None, float]]
) -> None:
    from lpbench.testing import Machine

    machine, kernel = Machine(tmp_path_factory.mktemp("machine")), FakeKernel()
    write_intel(machine)
    with MemoryPmuMonitor(machine.target(), opener=kernel) as monitor:
        for count, seconds in moments:
            machine.now += seconds
            for counter in kernel.counters.values():
                counter.count = count
            for found in monitor.sample().values():
                assert not isinstance(found, Reading) or 0 <= found.value < 1e15
