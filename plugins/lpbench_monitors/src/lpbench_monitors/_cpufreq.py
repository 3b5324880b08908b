"""Frequencies of the cores: /sys/devices/system/cpu/cpuN/cpufreq, in kHz (Documentation/admin-guide/pm/cpufreq.rst).

Cores of one policy share its files, so that a core that is offline still shows the frequency of the others; which ones
are online is in /sys/devices/system/cpu/online (Documentation/admin-guide/cputopology.rst).
"""

from __future__ import annotations

import re
import statistics
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Reading, Unavailable

if TYPE_CHECKING:
    from typing_extensions import Self

    from lpbench.plugin.monitor import Readings

CORES = "sys/devices/system/cpu"
ONLINE = f"{CORES}/online"
FILE = "cpufreq/scaling_cur_freq"
MOST_CORES = 1 << 16
MOST_KHZ = 20_000_000
METRIC = "CPU_FREQ"


class CpufreqMonitor(Monitor):
    """Reads each core's frequency; a core that is offline does not count."""

    _files: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        """Look for cores."""
        self._files = tuple(f"{core}/{FILE}" for core in self.target.files.names(CORES, "cpu[0-9]*"))
        return self

    def sample(self) -> Readings:
        """Return the mean of the cores and each core's frequency in MHz."""
        online = _numbers(self.target.files.text(ONLINE) or "")
        files = [file for file in self._files if online is None or _core(file).removeprefix("cpu") in online]
        found = {_core(file): khz for file in files if (khz := self.target.files.number(file)) is not None}
        known = {core: khz / 1000 for core, khz in found.items() if 0 < khz < MOST_KHZ}
        if not known:
            return {METRIC: Unavailable(f"no core tells its frequency under /{CORES}/cpu*/cpufreq", "not-here")}
        mean = Reading(statistics.fmean(known.values()), "MHz", "machine", f"/{CORES}/cpu*/{FILE}")
        return {METRIC: mean, **{f"{METRIC}/{core}": _reading(core, mhz) for core, mhz in known.items()}}


def _numbers(text: str) -> set[str] | None:
    """Return the numbers of a kernel list such as ``0-2,5``; None if it is none."""
    parts = re.fullmatch(r"\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*", text)
    if not parts or len(text) > MOST_CORES:
        return None
    ends = [part.partition("-") for part in text.split(",")]
    return {str(core) for low, _, high in ends for core in range(int(low), int(high or low) + 1)}


def _core(file: str) -> str:
    return file.removeprefix(f"{CORES}/").partition("/")[0]


def _reading(core: str, mhz: float) -> Reading:
    return Reading(mhz, "MHz", "device", f"/{CORES}/{core}/{FILE}")
