"""Frequencies of the cores: /sys/devices/system/cpu/cpuN/cpufreq, in kHz (Documentation/admin-guide/pm/cpufreq.rst).

Cores of one policy share its files, so that a core that is offline still shows the frequency of the others; which ones
are online is in /sys/devices/system/cpu/online (Documentation/admin-guide/cputopology.rst).
"""

from __future__ import annotations

import re
import statistics
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench_monitors._parts import MOST_PARTS, part_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from lpbench.plugin.monitor import Readings

CORES = "sys/devices/system/cpu"
ONLINE = f"{CORES}/online"
FILE = "cpufreq/scaling_cur_freq"
LONGEST_LIST, MOST_CORES = 20_000, 1 << 14
MOST_KHZ = 20_000_000
METRIC = "CPU_FREQ"


class CpufreqMonitor(Monitor):
    """Reads each core's frequency; a core that is offline does not count.

    Of hundreds of cores 40 are read, evenly distributed: one takes the kernel some 10 µs, and maybe an interrupt there.
    """

    _files: tuple[str, ...] = ()
    _of = ""

    def __enter__(self) -> Self:
        """Look for cores."""
        files = [f"{core}/{FILE}" for core in self.target.files.names(CORES, "cpu[0-9]*")]
        if len(files) > MOST_PARTS:
            files = [file for file in files if self.target.files.exists(file)]
        read = min(MOST_PARTS, len(files))
        self._files = tuple(files[index * len(files) // read] for index in range(read))
        self._of = f", {read} of {len(files)} cores" if read < len(files) else ""
        return self

    def sample(self) -> Readings:
        """Return the mean of the cores and each core's frequency in MHz."""
        online = _numbers(self.target.files.text(ONLINE) or "")
        files = [file for file in self._files if online is None or _core(file).removeprefix("cpu") in online]
        found = {_core(file): khz for file in files if (khz := self.target.files.number(file)) is not None}
        known = {core: khz / 1000 for core, khz in found.items() if 0 < khz < MOST_KHZ}
        if not known:
            return {METRIC: self._missing()}
        mean = Reading(statistics.fmean(known.values()), "MHz", "machine", f"/{CORES}/cpu*/{FILE}{self._of}")
        return {METRIC: mean, **{f"{METRIC}/{core}": _reading(core, mhz) for core, mhz in known.items()}}

    def _missing(self) -> Unavailable:
        there = next((file for file in self._files if self.target.files.exists(file)), None)
        if there:
            return self.target.files.missing(there)
        return Unavailable(f"no core tells its frequency under /{CORES}/cpu*/cpufreq", "not-here")


def _numbers(text: str) -> set[str] | None:
    """Return the numbers of a kernel list such as ``0-2,5``; None if it is none."""
    if len(text) > LONGEST_LIST or not re.fullmatch(r"\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*", text, re.ASCII):
        return None
    spans = list(_spans(text))
    return None if sum(map(len, spans)) > MOST_CORES else {str(core) for span in spans for core in span}


def _spans(text: str) -> Iterator[range]:
    for part in text.split(","):
        low, _, high = part.partition("-")
        yield range(int(low), int(high or low) + 1)


def _core(file: str) -> str:
    return part_name(file.removeprefix(f"{CORES}/").partition("/")[0])


def _reading(core: str, mhz: float) -> Reading:
    return Reading(mhz, "MHz", "device", f"/{CORES}/{core}/{FILE}")
