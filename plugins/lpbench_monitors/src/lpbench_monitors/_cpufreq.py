"""Frequencies of the cores: /sys/devices/system/cpu/cpuN/cpufreq, in kHz (Documentation/admin-guide/pm/cpufreq.rst)."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Reading, Unavailable

if TYPE_CHECKING:
    from typing_extensions import Self

    from lpbench.plugin.monitor import Readings

CORES = "sys/devices/system/cpu"
FILE = "cpufreq/scaling_cur_freq"
MOST_KHZ = 20_000_000
METRIC = "CPU_FREQ"


class CpufreqMonitor(Monitor):
    """Reads each core's frequency; a core that is offline tells none and does not count."""

    _files: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        """Look for cores."""
        self._files = tuple(f"{core}/{FILE}" for core in self.target.files.names(CORES, "cpu[0-9]*"))
        return self

    def sample(self) -> Readings:
        """Return the mean of the cores and each core's frequency in MHz."""
        found = {_core(file): khz for file in self._files if (khz := self.target.files.number(file)) is not None}
        known = {core: khz / 1000 for core, khz in found.items() if 0 < khz < MOST_KHZ}
        if not known:
            return {METRIC: Unavailable(f"no core tells its frequency under /{CORES}/cpu*/cpufreq", "not-here")}
        mean = Reading(statistics.fmean(known.values()), "MHz", "machine", f"/{CORES}/cpu*/{FILE}")
        return {METRIC: mean, **{f"{METRIC}/{core}": _reading(core, mhz) for core, mhz in known.items()}}


def _core(file: str) -> str:
    return file.removeprefix(f"{CORES}/").partition("/")[0]


def _reading(core: str, mhz: float) -> Reading:
    return Reading(mhz, "MHz", "device", f"/{CORES}/{core}/{FILE}")
