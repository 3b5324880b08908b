"""Contents of /proc for the tests, with numbers of their own in the formats of proc(5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Reading, Unavailable

if TYPE_CHECKING:
    from lpbench.plugin.monitor import Readings
    from lpbench.testing import Machine

PID = 4711


def value(readings: Readings, name: str) -> float:
    """Return the value of a reading that must be there."""
    found = readings[name]
    assert isinstance(found, Reading), found
    return found.value


def reason(readings: Readings, name: str) -> Unavailable:
    """Return why a metric is missing, which it must be."""
    found = readings[name]
    assert isinstance(found, Unavailable), found
    return found


def write_stat(machine: Machine, *cores: tuple[int, int]) -> None:
    """Write /proc/stat.

    :param cores: Busy and idle ticks of each.
    """
    busy, idle = sum(core[0] for core in cores), sum(core[1] for core in cores)
    lines = [f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0"]
    lines += [f"cpu{number} {busy} 0 0 {idle} 0 0 0 0 0 0" for number, (busy, idle) in enumerate(cores)]
    machine.write("proc/stat", "\n".join([*lines, "intr 12345 0 0 7", "ctxt 99"]))


def write_process(  # noqa: PLR0913 - what a process is like
    machine: Machine,
    *,
    ticks: int = 0,
    faults: tuple[int, int] = (0, 0),
    state: str = "S",
    started: int = 5000,
    name: str = "worker",
) -> None:
    """Write /proc/PID/stat; half of the ticks are the kernel's."""
    user, system, (minor, major) = ticks - ticks // 2, ticks // 2, faults
    fields = f"{state} 1 1 1 0 -1 4194304 {minor} 999 {major} 999 {user} {system} 999 999 20 0 1 0 {started} 1000 100"
    machine.write(f"proc/{PID}/stat", f"{PID} ({name}) {fields}")


def write_status(machine: Machine, rss: object = 0, peak: object = 0, threads: int = 1, switches: str = "0 0") -> None:
    """Write /proc/PID/status, in kB, and the same for its first thread."""
    voluntary, involuntary = switches.split()
    sizes = f"VmHWM:\t{peak:>9} kB\nVmRSS:\t{rss:>9} kB\nVmSwap:\t       0 kB\nThreads:\t{threads}"
    ends = f"voluntary_ctxt_switches:\t{voluntary}\nnonvoluntary_ctxt_switches:\t{involuntary}"
    for folder in ("", f"/task/{PID}"):
        machine.write(f"proc/{PID}{folder}/status", f"Name:\tworker\n{sizes}\n{ends}")


def write_thread(machine: Machine, thread: int, voluntary: int, involuntary: int) -> None:
    """Write the status of another thread."""
    ends = f"voluntary_ctxt_switches:\t{voluntary}\nnonvoluntary_ctxt_switches:\t{involuntary}"
    machine.write(f"proc/{PID}/task/{thread}/status", f"Name:\tworker\n{ends}")
