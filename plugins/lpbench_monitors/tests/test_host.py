"""The host monitor.  Tested on file trees and on the hardware here, with processes that use known amounts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from plugins.lpbench_monitors.tests.proc_files import (
    PID,
    reason,
    value,
    write_process,
    write_stat,
    write_status,
    write_thread,
)

from lpbench.plugin.monitor import MonitorTarget, Reading
from lpbench.testing import monitor_checks
from lpbench_monitors._host import OF_PROCESSES, HostMonitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpbench.testing import Machine

SHARE = 0.6
BURN = f"""
import time
while True:
    until = time.thread_time() + 0.05 * {SHARE}
    begun = time.monotonic()
    while time.thread_time() < until:
        pass
    time.sleep(max(0, begun + 0.05 - time.monotonic()))
"""
HOLD = """
import sys
held = bytearray(b"x" * 200_000_000)
del held
held = bytearray(b"x" * 50_000_000)
print("ready", flush=True)
sys.stdin.read()
"""
needs_proc = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")


@monitor_checks("host")
def test_host(check: Callable[[], None]) -> None:
    check()


@pytest.fixture
def watched(machine: Machine) -> Iterator[HostMonitor]:
    """Return a monitor of process PID on a machine of two cores."""
    write_stat(machine, (0, 0), (0, 0))
    write_process(machine)
    write_status(machine)
    with HostMonitor(machine.target(PID)) as monitor:
        yield monitor


def test_load_is_the_process_s_share_of_all_cores(machine: Machine, watched: HostMonitor) -> None:
    assert "CPU_LOAD" not in watched.sample()
    machine.now += 1
    write_stat(machine, (80, 20), (10, 90))
    write_process(machine, ticks=50)
    found = watched.sample()
    assert value(found, "CPU_LOAD") == 25
    assert value(found, "CPU_LOAD/foreign") == 20
    assert [value(found, f"CPU_LOAD/core {core}") for core in (0, 1)] == [80, 10]


def test_what_other_virtual_machines_took_is_no_load(machine: Machine, watched: HostMonitor) -> None:
    machine.write("proc/stat", "cpu  0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0")
    watched.sample()
    machine.now += 1
    machine.write("proc/stat", "cpu  0 0 0 40 0 0 0 60\ncpu0 0 0 0 40 0 0 0 60")
    found = watched.sample()
    assert value(found, "CPU_LOAD/foreign") == value(found, "CPU_LOAD/core 0") == 0


def test_samples_closer_than_the_kernel_s_ticks_give_no_load_and_lose_none(
    machine: Machine, watched: HostMonitor
) -> None:
    watched.sample()
    machine.now += 0.005
    assert reason(watched.sample(), "CPU_LOAD").code == "too-short"
    machine.now += 0.995
    write_process(machine, ticks=100)
    assert value(watched.sample(), "CPU_LOAD") == pytest.approx(50)


def test_without_a_process_the_machine_s_load_is_told(machine: Machine) -> None:
    write_stat(machine, (0, 0))
    with HostMonitor(machine.target()) as monitor:
        monitor.sample()
        machine.now += 2
        write_stat(machine, (50, 150))
        found = monitor.sample()
    assert value(found, "CPU_LOAD/foreign") == value(found, "CPU_LOAD/core 0") == 25
    assert {reason(found, metric).reason for metric in ("CPU_LOAD", *OF_PROCESSES)} == {"no process is watched"}


def test_memory_is_in_mb_of_a_million_bytes(machine: Machine, watched: HostMonitor) -> None:
    write_status(machine, rss=1000, peak=2000)
    found = watched.sample()
    assert value(found, "CPU_MEM") == 1.024
    assert value(found, "CPU_MEM_PEAK") == 2.048
    assert value(found, "CPU_MEM/swap") == 0


def test_faults_and_transfers_count_up(machine: Machine, watched: HostMonitor) -> None:
    write_process(machine, faults=(700, 3))
    machine.write(f"proc/{PID}/io", "rchar: 1\nread_bytes: 5000000\nwrite_bytes: 250000\ncancelled_write_bytes: 9")
    found = watched.sample()
    assert [value(found, f"PAGE_FAULTS{part}") for part in ("", "/minor", "/major")] == [703, 700, 3]
    assert (value(found, "IO_READ"), value(found, "IO_WRITE")) == (5, 0.25)
    assert all(reading.cumulative for name in ("PAGE_FAULTS", "IO_READ") if isinstance(reading := found[name], Reading))


def test_a_counter_that_jumps_back_starts_anew_without_a_jump(machine: Machine, watched: HostMonitor) -> None:
    seen = []
    for faults in (1000, 1500, 20, 30):
        write_process(machine, faults=(faults, 0))
        seen.append(value(watched.sample(), "PAGE_FAULTS"))
    assert seen == [1000, 1500, 1500, 1510]


def test_switches_of_all_threads_count(machine: Machine, watched: HostMonitor) -> None:
    write_status(machine, threads=3, switches="10 1")
    write_thread(machine, 5001, 20, 2)
    write_thread(machine, 5002, 30, 3)
    found = watched.sample()
    assert value(found, "CONTEXT_SWITCHES/voluntary") == 60
    assert value(found, "CONTEXT_SWITCHES/involuntary") == 6
    assert value(found, "CONTEXT_SWITCHES") == 66


def test_switches_of_a_thread_that_ended_stay_in_the_total(machine: Machine, watched: HostMonitor) -> None:
    write_status(machine, threads=2, switches="10 0")
    write_thread(machine, 5001, 20, 0)
    watched.sample()
    machine.remove(f"proc/{PID}/task/5001/status")
    (machine.folder / f"proc/{PID}/task/5001").rmdir()
    write_status(machine, threads=1, switches="11 0")
    assert value(watched.sample(), "CONTEXT_SWITCHES") == 31


def test_many_threads_take_turns_and_none_is_forgotten(machine: Machine, watched: HostMonitor) -> None:
    threads = range(5001, 5040)
    write_status(machine, threads=40)
    for thread in threads:
        write_thread(machine, thread, 100, 0)
    assert value(watched.sample(), "CONTEXT_SWITCHES") == 3900
    for thread in threads:
        write_thread(machine, thread, 101, 0)
    counts = [value(watched.sample(), "CONTEXT_SWITCHES") for _ in range(6)]
    assert counts == sorted(counts)
    assert 3900 < counts[0] < 3939
    assert counts[-1] == 3939


def test_a_survey_reads_all_threads_at_once(machine: Machine, watched: HostMonitor) -> None:
    write_status(machine, threads=40)
    for thread in range(5001, 5040):
        write_thread(machine, thread, 100, 0)
    watched.sample()
    for thread in range(5001, 5040):
        write_thread(machine, thread, 101, 0)
    assert value(watched.survey(), "CONTEXT_SWITCHES") == 3939


@pytest.mark.parametrize("how", ["gone", "zombie", "another process has its id"])
def test_a_process_that_ended_is_not_read(machine: Machine, watched: HostMonitor, how: str) -> None:
    watched.sample()
    machine.now += 1
    if how == "gone":
        machine.remove(f"proc/{PID}/stat")
    else:
        write_process(
            machine, state="Z" if how == "zombie" else "S", started=9000 if how.startswith("another") else 5000
        )
    found = watched.sample()
    assert {reason(found, metric).reason for metric in ("CPU_LOAD", *OF_PROCESSES)} == {f"process {PID} has ended"}
    assert reason(found, "CPU_LOAD/foreign").code == "not-read"


def test_a_process_name_with_parentheses_and_spaces_is_no_trap(machine: Machine, watched: HostMonitor) -> None:
    write_process(machine, faults=(7, 0), name="a) R 1 2 (b")
    assert value(watched.sample(), "PAGE_FAULTS") == 7


def test_transfers_that_only_their_owner_may_read_say_so(machine: Machine, watched: HostMonitor) -> None:
    machine.write(f"proc/{PID}/io", "")
    found = reason(watched.sample(), "IO_READ")
    assert found.code == "no-permission"
    assert "CAP_SYS_PTRACE" in found.hint


def test_a_survey_tells_shares_of_memory(machine: Machine, watched: HostMonitor) -> None:
    rollup = "00400000-7fff0000 ---p 00000000 00:00 0 [rollup]\nRss: 9000 kB\nPss: 5000 kB\nPss_Anon: 1 kB\n"
    machine.write(f"proc/{PID}/smaps_rollup", f"{rollup}Private_Clean: 1000 kB\nPrivate_Dirty: 2000 kB")
    found = watched.survey()
    assert value(found, "CPU_MEM/PSS") == 5.12
    assert value(found, "CPU_MEM/USS") == 3.072
    assert "CPU_MEM/PSS" not in watched.sample()


@pytest.mark.parametrize("members", [f"{PID}", f"{PID}\n12"])
def test_a_control_group_counts_where_it_holds_the_process_alone(
    machine: Machine, watched: HostMonitor, members: str
) -> None:
    machine.write(f"proc/{PID}/cgroup", "0::/bench.slice/worker")
    group = "sys/fs/cgroup/bench.slice/worker"
    for name, content in {"procs": members, "stat": "nr_descendants 0"}.items():
        machine.write(f"{group}/cgroup.{name}", content)
    machine.write(f"{group}/memory.current", 30_000_000)
    machine.write(f"{group}/memory.peak", 64_000_000)
    found = watched.survey()
    if members == f"{PID}":
        assert (value(found, "CPU_MEM/cgroup"), value(found, "CPU_MEM_PEAK/cgroup")) == (30, 64)
    else:
        assert "shares" in reason(found, "CPU_MEM_PEAK/cgroup").reason


def test_a_group_s_path_does_not_lead_out_of_the_tree(machine: Machine, watched: HostMonitor) -> None:
    machine.write(f"proc/{PID}/cgroup", "0::/../../../etc")
    assert reason(watched.survey(), "CPU_MEM_PEAK/cgroup").code == "not-here"


@pytest.mark.parametrize(
    "nonsense", ["", "cpu", "cpu  nan -1 0 0 0 0 0 0", "cpu  1 2 3", f"cpu  {'9' * 40} 0 0 0 0 0 0 0"]
)
def test_garbage_in_stat_is_a_reason_and_leaves_the_rest(machine: Machine, watched: HostMonitor, nonsense: str) -> None:
    machine.write("proc/stat", nonsense)
    write_status(machine, rss=1000)
    found = watched.sample()
    assert reason(found, "CPU_LOAD").code == "not-read"
    assert value(found, "CPU_MEM") == 1.024


@pytest.mark.parametrize("nonsense", ["nan", "-5", "9" * 30, "lots", ""])
def test_garbage_in_status_is_no_memory(machine: Machine, watched: HostMonitor, nonsense: str) -> None:
    write_status(machine, rss=nonsense, peak=2000)
    found = watched.sample()
    assert reason(found, "CPU_MEM").code == "not-read"
    assert value(found, "CPU_MEM_PEAK") == 2.048


@needs_proc
def test_a_process_that_uses_a_known_share_has_that_load() -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", BURN]) as process:
        try:
            with HostMonitor(MonitorTarget(process.pid)) as monitor:
                time.sleep(0.3)
                monitor.sample()
                begun, before = time.monotonic(), _spent(process.pid)
                time.sleep(2)
                load = value(monitor.sample(), "CPU_LOAD")
                spent, seconds = _spent(process.pid) - before, time.monotonic() - begun
        finally:
            process.kill()
    cores = os.cpu_count() or 1
    assert load == pytest.approx(100 * spent / seconds / cores, abs=3)  # a busy machine may give it less than its share
    assert 0 < load <= 100 * (SHARE + 0.1) / cores


def _spent(pid: int) -> float:
    """Return the process's CPU time in seconds, counted in nanoseconds by the scheduler."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:  # noqa: PTH123 - one number
        return int(file.read().split()[0]) / 1e9


@needs_proc
def test_peak_and_use_of_a_process_that_holds_known_memory() -> None:
    arguments = [sys.executable, "-I", "-S", "-c", HOLD]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline()
        with HostMonitor(MonitorTarget(process.pid)) as monitor:
            found = {**monitor.sample(), **monitor.survey()}
    assert 200 < value(found, "CPU_MEM_PEAK") < 430  # the constant may have been copied
    assert 50 < value(found, "CPU_MEM/USS") <= value(found, "CPU_MEM/PSS") <= value(found, "CPU_MEM") < 80


def test_after_a_clock_that_jumped_back_loads_are_told_again(machine: Machine, watched: HostMonitor) -> None:
    machine.now -= 3600
    watched.sample()
    machine.now += 1
    assert isinstance(watched.sample()["CPU_LOAD"], Reading)
