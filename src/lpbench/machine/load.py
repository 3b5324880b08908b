"""The load that others put on the machine during a measurement: two snapshots and their difference."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING

from lpbench.machine._board import throttled
from lpbench.machine._facts import Root
from lpbench.util.file_tree import whole
from lpbench.util.portable import growth, usage
from lpbench.util.text import amount
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

_IDLE, _WAIT, _STEAL, _FIELDS = 3, 4, 7, 8
"""Indices in the first line of /proc/stat; guest time, which follows, is part of user time."""
_OWN = slice(11, 15)
"""utime, stime, cutime and cstime in /proc/PID/stat, counted from the field after the command's name."""


@dataclass(frozen=True)
class Snapshot:
    """Counters at one moment; times in seconds since the machine or the process started.

    :param busy: CPU time of all processes and the kernel on all cores; None if /proc/stat does not state it.
    :param stolen: Time that the host gave to other virtual machines; None if /proc/stat does not state it.
    :param own: CPU time of the measured processes and of their children that have ended.
    :param cores: Number of online cores.
    """

    at: float
    busy: float | None
    stolen: float | None
    own: float
    cores: int
    involuntary_switches: int | None
    minor_faults: int | None
    major_faults: int | None
    quota_stops: int
    quota_ns: int


@dataclass(frozen=True)
class Disturbance:
    """The disturbances between two snapshots.

    :param foreign: CPU seconds of everything except the measured processes.
    :param foreign_share: The same as a share of all cores' time.
    :param stolen_share: Time given to other virtual machines, as a share of all cores' time.
    :param involuntary_switches: How often the kernel took the core away from this process.
    :param quota_stops: How often the control group's CPU quota stopped this process.
    """

    seconds: float
    foreign: float | Unavailable
    foreign_share: float | Unavailable
    stolen_share: float | Unavailable
    involuntary_switches: int | Unavailable
    minor_faults: int | Unavailable
    major_faults: int | Unavailable
    quota_stops: int
    quota_seconds: float

    def disturbed(self, limit: float = 0.05) -> str:
        """Return why the time between the snapshots counts as disturbed by others, or "".

        :param limit: Largest acceptable share of all cores' time used by others.
        """
        reasons = {"other processes": self.foreign_share, "other virtual machines": self.stolen_share}
        for who, share in reasons.items():
            if not isinstance(share, Unavailable) and share > limit:
                return f"{who} used {share:.0%} of the CPU time"
        return f"the CPU quota stopped the run {amount(self.quota_stops, 'time')}" if self.quota_stops else ""


def snapshot(pids: Iterable[int] = (), root: Path = Path("/")) -> Snapshot:
    """Return the current counters.

    :param pids: Further measured processes besides this one: the workers.  Ended processes count as 0.
    :param root: The root of the file system to read.
    """
    tree = Root(root)
    tick = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 1  # then nothing is counted in ticks
    busy, stolen, cores = _busy(tree, tick)
    used = usage()
    stopped = throttled(tree)
    return Snapshot(
        at=monotonic_ns() / 1e9,
        busy=busy,
        stolen=stolen,
        own=sum(_spent(tree, name) for name in ("self", *map(str, pids))) / tick,
        cores=cores,
        involuntary_switches=used.involuntary_switches,
        minor_faults=used.minor_faults,
        major_faults=used.major_faults,
        quota_stops=stopped["periods"],
        quota_ns=stopped["ns"],
    )


def between(before: Snapshot, after: Snapshot) -> Disturbance:
    """Return the disturbances between two snapshots; CPU time has a resolution of 10 ms, too coarse for short times."""
    seconds = max(0.0, after.at - before.at)
    foreign = _growth(before.busy, after.busy, after.own - before.own)
    return Disturbance(
        seconds=seconds,
        foreign=foreign,
        foreign_share=_share(foreign, seconds, after.cores),
        stolen_share=_share(_growth(before.stolen, after.stolen), seconds, after.cores),
        involuntary_switches=_counted(before.involuntary_switches, after.involuntary_switches),
        minor_faults=_counted(before.minor_faults, after.minor_faults),
        major_faults=_counted(before.major_faults, after.major_faults),
        quota_stops=max(0, after.quota_stops - before.quota_stops),
        quota_seconds=max(0, after.quota_ns - before.quota_ns) / 1e9,
    )


def _busy(root: Root, tick: int) -> tuple[float | None, float | None, int]:
    """Return busy and stolen seconds, and the number of cores."""
    lines = (root.text("proc/stat") or "").splitlines()
    cores = sum(line.startswith("cpu") and line[3:4].isdigit() for line in lines) or 1
    fields = (
        [whole(part) for part in lines[0].split()[1 : 1 + _FIELDS]] if lines and lines[0].startswith("cpu ") else []
    )
    known = [field for field in fields if field is not None]
    if len(known) < _FIELDS:
        return None, None, cores
    busy = sum(known) - known[_IDLE] - known[_WAIT] - known[_STEAL]
    return busy / tick, known[_STEAL] / tick, cores


def _spent(root: Root, pid: str) -> int:
    """Return a process's ticks; fields count from the last parenthesis, because the process's name may contain some."""
    fields = (root.text(f"proc/{pid}/stat") or "").rpartition(")")[2].split()
    return sum(whole(field) or 0 for field in fields[_OWN])


def _growth(before: float | None, after: float | None, less: float = 0.0) -> float | Unavailable:
    if before is None or after is None:
        return Unavailable("/proc/stat does not state the CPU time of all processes")
    return max(0.0, after - before - less)


def _counted(before: int | None, after: int | None) -> int | Unavailable:
    found = growth(before, after)
    return Unavailable("this system has no getrusage") if found is None else found


def _share(spent: float | Unavailable, seconds: float, cores: int) -> float | Unavailable:
    if isinstance(spent, Unavailable):
        return spent
    return min(1.0, spent / seconds / cores) if seconds else Unavailable("no time has passed")
