"""The watched process and the machine as psutil tells them (psutil.readthedocs.io), where there is no /proc.

A load needs two samples that are at least 20 ms apart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench_monitors._counting import Total
from lpbench_monitors._load import FOREIGN, METRIC, Load, Moment, Origin
from lpbench_monitors._proc import MOST_CORES

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil
    from typing_extensions import Self

    from lpbench.plugin.monitor import MonitorTarget, Readings

    Values = dict[str, Reading | Unavailable]

SOURCE = "psutil"
SWITCHES = "CONTEXT_SWITCHES"
MEMORY = "CPU_MEM"
NOT_BUSY = ("idle", "iowait", "steal", "guest", "guest_nice")
"""Fields of ``psutil.cpu_times``; guest time is part of user time."""
NOT_COUNTED = ("guest", "guest_nice")
MOST = 1e15


class _Own(NamedTuple):
    """What psutil tells of a process."""

    seconds: float
    resident: float
    voluntary: float
    involuntary: float


class PsutilMonitor(Monitor):
    """Reads load, memory and context switches of this machine."""

    _process: psutil.Process | None = None

    def __init__(self, target: MonitorTarget, config: Any = None) -> None:
        super().__init__(target, config)
        self._begin()

    def __enter__(self) -> Self:
        """Open the process."""
        self._begin()
        self._process = self._opened()
        return self

    def _begin(self) -> None:
        self._load = Load(Origin(f"{SOURCE} Process.cpu_times", f"{SOURCE} cpu_times"))
        self._totals = (Total(), Total())

    def _opened(self) -> psutil.Process | None:
        import psutil

        try:
            return psutil.Process(self.target.pid) if self.target.pid is not None and self.target.files.here else None
        except (psutil.Error, OSError, ValueError, OverflowError):
            return None

    def sample(self) -> Readings:
        """Return load, memory and context switches."""
        if not self.target.files.here:
            elsewhere = Unavailable("psutil tells of the machine that it runs on alone", "other-machine")
            return dict.fromkeys((METRIC, MEMORY, SWITCHES), elsewhere)
        own = self._own()
        loads = self._loads(None if isinstance(own, Unavailable) else own.seconds)
        if isinstance(own, Unavailable):
            return {METRIC: own, **loads, MEMORY: own, SWITCHES: own}
        return {**loads, MEMORY: Reading(own.resident / 1e6, "MB", "process", f"{SOURCE} rss"), **self._switches(own)}

    def _own(self) -> _Own | Unavailable:
        import psutil

        if self.target.pid is None:
            return Unavailable("no process is watched", "not-here")
        try:
            if self._process is None or not self._process.is_running():
                return Unavailable(f"process {self.target.pid} has ended", "not-here")
            with self._process.oneshot():
                return _own(self._process)
        except psutil.NoSuchProcess:
            return Unavailable(f"process {self.target.pid} has ended", "not-here")
        except psutil.AccessDenied:
            return Unavailable(f"process {self.target.pid} may not be read by this user", "no-permission")
        except (psutil.Error, OSError, RuntimeError, ValueError) as error:
            return Unavailable(f"psutil: {error!s:.200}", "failed")

    def _loads(self, own: float | None) -> Values:
        import psutil

        cores = _told(lambda: [_core(times) for times in psutil.cpu_times(percpu=True)])
        if not cores:
            return dict.fromkeys((METRIC, FOREIGN), Unavailable("psutil tells no times of cores", "not-read"))
        busy = sum(core[0] for core in cores)
        parts = dict(enumerate(cores[:MOST_CORES]))
        return self._load.follow(Moment(self.target.clock(), own, busy, len(cores), parts))

    def _switches(self, own: _Own) -> Values:
        if _counts_first_thread():
            return {SWITCHES: Unavailable("on Linux psutil counts those of the first thread alone", "not-supported")}
        voluntary, involuntary = self._totals[0].follow(own.voluntary), self._totals[1].follow(own.involuntary)
        return {
            SWITCHES: _counted(voluntary + involuntary),
            f"{SWITCHES}/voluntary": _counted(voluntary),
            f"{SWITCHES}/involuntary": _counted(involuntary),
        }


def _counts_first_thread() -> bool:
    import psutil

    return bool(psutil.LINUX)


def _counted(switches: float) -> Reading:
    return Reading(switches, "1", "process", f"{SOURCE} num_ctx_switches", cumulative=True)


def _own(process: psutil.Process) -> _Own:
    """Return what psutil tells of a process.

    :raises ValueError: A number that cannot be.
    """
    times, switches = process.cpu_times(), process.num_ctx_switches()
    found = _Own(times.user + times.system, process.memory_info().rss, switches.voluntary, switches.involuntary)
    if not all(math.isfinite(number) and 0 <= number < MOST for number in found):
        raise ValueError(f"told {found}")
    return found


def _core(times: Any) -> tuple[float, float]:
    """Return a core's busy and total seconds; which fields there are depends on the system."""
    fields = {name: float(seconds) for name, seconds in times._asdict().items()}
    busy = sum(seconds for name, seconds in fields.items() if name not in NOT_BUSY)
    total = sum(seconds for name, seconds in fields.items() if name not in NOT_COUNTED)
    if not 0 <= busy <= total < MOST:
        raise ValueError(f"told {fields}")
    return busy, total


def _told(ask: Callable[[], list[tuple[float, float]]]) -> list[tuple[float, float]]:
    import psutil

    try:
        return ask()
    except (psutil.Error, OSError, RuntimeError, ValueError):
        return []
