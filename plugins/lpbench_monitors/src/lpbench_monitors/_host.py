"""The watched process and the machine from /proc (Documentation/filesystems/proc.rst).

A load needs two samples that are at least 20 ms apart.  CPU time is accounted in ticks, usually 10 ms, so that one
sample at 10 Hz is coarse and only the mean of many says something.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench_monitors._counting import Total
from lpbench_monitors._host_survey import group_memory, shares, unreadable
from lpbench_monitors._load import FOREIGN, METRIC, Load, Moment, Origin
from lpbench_monitors._proc import MB_PER_KIB, machine_stat, named_counts, process_stat
from lpbench_monitors._threads import ThreadSwitches

if TYPE_CHECKING:
    from typing_extensions import Self

    from lpbench.plugin.monitor import MonitorTarget, Readings
    from lpbench_monitors._proc import ProcessStat

    Values = dict[str, Reading | Unavailable]

STAT = "proc/stat"
NOBODY = Unavailable("no process is watched", "not-here")
OF_PROCESSES = ("CPU_MEM", "CPU_MEM_PEAK", "PAGE_FAULTS", "CONTEXT_SWITCHES", "IO_READ", "IO_WRITE")
MEMORY = {"CPU_MEM": "VmRSS", "CPU_MEM/swap": "VmSwap", "CPU_MEM_PEAK": "VmHWM"}
IO = {"IO_READ": "read_bytes", "IO_WRITE": "write_bytes"}
USER_HZ = 100
"""Ticks in a second on another machine: that of Linux on every architecture that lpbench runs on."""


class HostMonitor(Monitor):
    """Reads load, memory, faults, context switches and I/O.

    Loads are of the watched process with its threads, without its children; everything else, this monitor's own work
    included, is ``CPU_LOAD/foreign``.
    """

    def __init__(self, target: MonitorTarget, config: Any = None) -> None:
        super().__init__(target, config)
        self._folder = f"proc/{target.pid}"
        self._tick = os.sysconf("SC_CLK_TCK") if target.files.here and hasattr(os, "sysconf") else USER_HZ
        self._begin()

    def __enter__(self) -> Self:
        """Forget what an earlier stay has seen."""
        self._begin()
        return self

    def _begin(self) -> None:
        self._load = Load(Origin(f"/{self._folder}/stat", f"/{STAT}"))
        self._totals: dict[str, Total] = {}
        self._switches = ThreadSwitches(self.target.files, self.target.pid or 0)
        self._started: int | None = None

    def sample(self) -> Readings:
        """Return everything but what ``survey`` returns."""
        process = self._process()
        loads = self._loads(None if isinstance(process, Unavailable) else process.ticks)
        if isinstance(process, Unavailable):
            return {METRIC: process, **loads, **dict.fromkeys(OF_PROCESSES, process)}
        return {**loads, **self._faults(process), **self._status(), **self._transfers()}

    def survey(self) -> Readings:
        """Return shares of memory that others use too, the control group's memory, and switches of all threads."""
        process, pid = self._process(), self.target.pid
        if isinstance(process, Unavailable) or pid is None:
            return {}
        self._switches.read_all()
        files = self.target.files
        return {**self._status(), **shares(files, pid), **group_memory(files, pid)}

    def _process(self) -> ProcessStat | Unavailable:
        if self.target.pid is None:
            return NOBODY
        name = f"{self._folder}/stat"
        stat = process_stat(self.target.files.text(name))
        if stat is None and (not self.target.files.exists(STAT) or self.target.files.exists(name)):
            return self.target.files.missing(name)
        if stat is None or stat.ended or self._started not in {None, stat.started}:
            return Unavailable(f"process {self.target.pid} has ended", "not-here")
        self._started = stat.started
        return stat

    def _loads(self, ticks: int | None) -> Values:
        stat = machine_stat(self.target.files.text(STAT))
        if stat is None:
            return dict.fromkeys((METRIC, FOREIGN), self.target.files.missing(STAT))
        tick = self._tick
        cores = {core: (time.busy / tick, time.total / tick) for core, time in stat.cores.items()}
        own = None if ticks is None else ticks / tick
        return self._load.follow(Moment(self.target.clock(), own, stat.busy / tick, stat.count, cores))

    def _faults(self, process: ProcessStat) -> Values:
        parts = {"minor": process.minor_faults, "major": process.major_faults}
        return self._counts("PAGE_FAULTS", parts, f"/{self._folder}/stat")

    def _counts(self, metric: str, parts: dict[str, int], source: str) -> Values:
        counts = {metric: sum(parts.values()), **{f"{metric}/{part}": number for part, number in parts.items()}}
        return {name: self._growing(name, number, "1", source) for name, number in counts.items()}

    def _growing(self, name: str, number: float, unit: str, source: str) -> Reading:
        total = self._totals.setdefault(name, Total()).follow(number)
        return Reading(total, unit, "process", source, cumulative=True)

    def _status(self) -> Values:
        name = f"{self._folder}/status"
        text = self.target.files.text(name)
        found = named_counts(text, (*MEMORY.values(), "Threads"))
        memory: Values = {
            metric: Reading(found[key] * MB_PER_KIB, "MB", "process", f"/{name} {key}")
            if key in found
            else Unavailable(f"/{name} states no {key}", "not-read")
            for metric, key in MEMORY.items()
        }
        return {**memory, **self._context_switches(self._switches.sample(found.get("Threads", 1), text))}

    def _context_switches(self, counts: tuple[int, int] | None) -> Values:
        if counts is None:
            return {"CONTEXT_SWITCHES": Unavailable(f"/{self._folder}/status states no switches", "not-read")}
        parts = dict(zip(("voluntary", "involuntary"), counts, strict=True))
        return self._counts("CONTEXT_SWITCHES", parts, f"/{self._folder}/task/*/status")

    def _transfers(self) -> Values:
        name = f"{self._folder}/io"
        sizes = named_counts(self.target.files.text(name), IO.values())
        return {
            metric: self._growing(metric, sizes[key] / 1e6, "MB", f"/{name} {key}")
            if key in sizes
            else unreadable(self.target.files, name)
            for metric, key in IO.items()
        }
