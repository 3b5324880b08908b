"""Load and frequency of a Jetson's GPU.

NVIDIA's driver tells the load in ``load`` of the GPU's device, in thousandths of the time: public readers of the file
agree on the unit, NVIDIA's guides do not state it.  Devfreq tells the frequency in ``cur_freq``, in Hz (Documentation/
ABI/testing/sysfs-class-devfreq).  Devices are known by their names in the device tree: their numbers differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Reading, Unavailable

if TYPE_CHECKING:
    from typing_extensions import Self

    from lpbench.plugin.monitor import FileTree, Readings

LOAD, FREQUENCY = "GPU_LOAD", "GPU_FREQ"
DEVFREQ = "sys/class/devfreq"
NAMES = frozenset({"gpu", "gp10b", "gv11b", "ga10b", "gb10b"})
ELSEWHERE = (
    "sys/devices/gpu.0",
    "sys/devices/platform/gpu.0",
    "sys/devices/platform/bus@0/17000000.gpu",
    "sys/devices/platform/17000000.gpu",
    "sys/devices/platform/17000000.ga10b",
    "sys/devices/17000000.ga10b",
)
"""Devices of releases whose devfreq does not lead to the device tree."""
THOUSANDTHS = 1000
MOST_HZ = 20_000_000_000
HINT = "run lpbench as root"


class JetsonGpuMonitor(Monitor):
    """Reads the GPU that is built into a Jetson."""

    _load = ""
    _frequency = ""

    def __enter__(self) -> Self:
        """Look for the GPU."""
        self._load, self._frequency = _by_name(self.target.files) or _elsewhere(self.target.files)
        return self

    def sample(self) -> Readings:
        """Return the load in percent and the frequency in MHz."""
        return {LOAD: self._loaded(), FREQUENCY: self._clocked()}

    def _loaded(self) -> Reading | Unavailable:
        load = self.target.files.number(self._load) if self._load else None
        if load is None or not 0 <= load <= THOUSANDTHS:
            return self._missing(self._load)
        return Reading(load / 10, "%", "device", f"/{self._load}")

    def _clocked(self) -> Reading | Unavailable:
        hertz = self.target.files.number(self._frequency) if self._frequency else None
        if hertz == 0:
            return Unavailable("the GPU has no clock: it is powered down", "not-read")
        if hertz is None or not 0 < hertz < MOST_HZ:
            return self._missing(self._frequency)
        return Reading(hertz / 1e6, "MHz", "device", f"/{self._frequency}")

    def _missing(self, file: str) -> Unavailable:
        if not file:
            return Unavailable(f"there is no GPU of a Jetson under /{DEVFREQ} and /{ELSEWHERE[0]}", "other-machine")
        missing = self.target.files.missing(file)
        return Unavailable(missing.reason, missing.code, HINT) if missing.code == "no-permission" else missing


def _by_name(files: FileTree) -> tuple[str, str] | None:
    """Return the files of load and frequency of the device whose node in the device tree has a GPU's name."""
    for folder in files.names(DEVFREQ):
        if files.text(f"{folder}/device/of_node/name") in NAMES:
            return f"{folder}/device/load", f"{folder}/cur_freq"
    return None


def _elsewhere(files: FileTree) -> tuple[str, str]:
    for folder in ELSEWHERE:
        if files.exists(f"{folder}/load"):
            return f"{folder}/load", next(iter(files.names(f"{folder}/devfreq", "*/cur_freq")), "")
    return "", ""
