"""Whether the machine is made slower now: Intel's throttle counts, cooling devices, the flags of a Raspberry Pi.

Formats: the kernel's Documentation/ABI/testing/sysfs-devices-system-cpu (thermal_throttle: events since the start),
Documentation/driver-api/thermal/sysfs-api.rst (cur_state of a cooling device: 0 while it does nothing),
Documentation/hwmon/raspberrypi-hwmon.rst (in0_lcrit_alarm), and vcgencmd's get_throttled, whose bits the firmware's
driver shows in hexadecimal digits.
"""

from __future__ import annotations

import abc
import re
from typing import TYPE_CHECKING

from lpbench.plugin.kit import sensors
from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench_monitors._parts import MOST_PARTS, part_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from lpbench.plugin.monitor import FileTree, Readings

METRIC = "THROTTLING"
CPUS = "sys/devices/system/cpu"
COUNTS = {"package": "package_throttle_count", "core": "core_throttle_count"}
FIRMWARE = "sys/devices/platform"
MODELS = ("proc/device-tree/model", "sys/firmware/devicetree/base/model")
PI, PI_CHIP = "Raspberry Pi", "rpi_volt"
AT_ONCE = 16
"""Files of one kind that a sample reads: those of a hundred cores take turns."""
MOST_STATE = 10_000
SETTING = re.compile(r"tcc", re.IGNORECASE)
"""A cooling device whose state is an offset that the firmware chose, not something that happens."""
CORES = re.compile(r"cpufreq", re.IGNORECASE)
NO_SOURCE = Unavailable(
    "there are no throttle counts, no cooling device of the processor and no flags of a firmware", "not-here"
)


class _Source(abc.ABC):
    """Something that tells of throttling.

    :param file: Shown where it gives nothing.
    :param tells_all: Whether there is none as long as it tells of none.
    """

    def __init__(self, file: str, *, tells_all: bool) -> None:
        self.file = file
        self.tells_all = tells_all

    @abc.abstractmethod
    def causes(self, files: FileTree) -> dict[str, bool]:
        """Return what may slow the machine down and whether it does; empty if that cannot be read now."""


class _Turns:
    """Files of which some are read in a sample, and others in the next one."""

    def __init__(self, paths: list[str]) -> None:
        self._paths, self._next = paths, 0

    def next(self) -> list[str]:
        """Return those whose turn it is."""
        turn = [self._paths[(self._next + index) % len(self._paths)] for index in range(min(AT_ONCE, len(self._paths)))]
        self._next = (self._next + AT_ONCE) % len(self._paths)
        return turn


class _Counts(_Source):
    """Counts of events; it throttles where one has grown when it was last read."""

    def __init__(self, cause: str, paths: list[str], files: FileTree) -> None:
        super().__init__(paths[0], tells_all=True)
        self._cause, self._turns = cause, _Turns(paths)
        self._known: dict[str, int] = {}
        self._grown: dict[str, bool] = {}
        for path in paths:
            self._read(path, files)

    def causes(self, files: FileTree) -> dict[str, bool]:
        for path in self._turns.next():
            self._read(path, files)
        return {self._cause: any(self._grown.values())} if self._grown else {}

    def _read(self, path: str, files: FileTree) -> None:
        count = files.number(path)
        if count is None or count < 0:
            self._grown.pop(path, None)
            return
        self._grown[path] = count > self._known.get(path, count)
        self._known[path] = count


class _Cooling(_Source):
    """The cooling devices of one type."""

    def __init__(self, cause: str, paths: list[str], *, tells_all: bool) -> None:
        super().__init__(paths[0], tells_all=tells_all)
        self._cause, self._turns = cause, _Turns(paths)
        self._active: dict[str, bool] = {}

    def causes(self, files: FileTree) -> dict[str, bool]:
        for path in self._turns.next():
            state = files.number(path)
            if state is None or not 0 <= state < MOST_STATE:
                self._active.pop(path, None)
            else:
                self._active[path] = state > 0
        return {self._cause: any(self._active.values())} if self._active else {}


class _Firmware(_Source):
    """The flags of a Raspberry Pi's firmware; what they say has occurred counts once, when it is new."""

    def __init__(self, file: str, files: FileTree) -> None:
        super().__init__(file, tells_all=True)
        self._before = self._bits(files)

    def causes(self, files: FileTree) -> dict[str, bool]:
        bits = self._bits(files)
        if bits is None:
            return {}
        new = bits & ~(bits if self._before is None else self._before)
        self._before = bits
        active = bits | new >> sensors.PI_SINCE_START
        return {cause: bool(active >> bit & 1) for bit, cause in sensors.PI_THROTTLED.items()}

    def _bits(self, files: FileTree) -> int | None:
        return sensors.pi_throttled_bits(files.text(self.file) or "")


class _Alarm(_Source):
    """The under-voltage alarm of a Raspberry Pi."""

    def __init__(self, file: str) -> None:
        super().__init__(file, tells_all=False)

    def causes(self, files: FileTree) -> dict[str, bool]:
        alarm = files.number(self.file)
        return {sensors.PI_THROTTLED[0]: alarm == 1} if alarm in {0, 1} else {}


class ThrottlingMonitor(Monitor):
    """1 while something slows the machine down, each cause being a part; 0 only by a source that would have told.

    Such sources are Intel's counts, a Raspberry Pi's firmware, and cooling devices that lower the cores' frequency, the
    latter not on a Raspberry Pi, where the firmware does that unseen by the kernel.
    """

    _sources: tuple[_Source, ...] = ()

    def __enter__(self) -> Self:
        """Look for sources, and read those whose growth tells."""
        files = self.target.files
        self._sources = (*_counts(files), *_pi(files), *_cooling(files))
        return self

    def sample(self) -> Readings:
        """Return whether the machine is slowed down, and by what."""
        told = [(source, source.causes(self.target.files)) for source in self._sources]
        causes: dict[str, bool] = {}
        for _, found in told:
            causes |= {cause: active or causes.get(cause, False) for cause, active in found.items()}
        parts = {f"{METRIC}/{cause}": _reading(active, cause) for cause, active in causes.items()}
        if any(causes.values()):
            active = ", ".join(cause for cause, active in causes.items() if active)
            return {METRIC: _reading(1.0, active), **parts}
        if any(found and source.tells_all for source, found in told):
            return {METRIC: _reading(0.0, ", ".join(causes)), **parts}
        return {METRIC: self._unknown(causes), **parts}

    def _unknown(self, causes: dict[str, bool]) -> Unavailable:
        """Return why nobody knows, where nothing tells of throttling."""
        silent = next((source for source in self._sources if source.tells_all), None) or next(iter(self._sources), None)
        if silent is None:
            return NO_SOURCE
        if causes and not silent.tells_all:
            return Unavailable(f"{', '.join(causes)}: no throttling, but they do not tell of every kind", "not-here")
        return self.target.files.missing(silent.file)


def _reading(active: float, source: str) -> Reading:
    return Reading(float(active), "1", "machine", source)


def _counts(files: FileTree) -> Iterator[_Source]:
    """Yield the counts of packages, by one core of each, and those of all cores."""
    packages: dict[str, str] = {}
    for path in files.names(CPUS, f"cpu*/thermal_throttle/{COUNTS['package']}"):
        cpu = path.partition("/thermal_throttle")[0]
        packages.setdefault(files.text(f"{cpu}/topology/physical_package_id") or cpu, path)
    cores = files.names(CPUS, f"cpu*/thermal_throttle/{COUNTS['core']}")
    for cause, paths in ((COUNTS["package"], list(packages.values())), (COUNTS["core"], cores)):
        if paths:
            yield _Counts(cause, paths, files)


def _pi(files: FileTree) -> Iterator[_Source]:
    yield from (_Firmware(file, files) for file in files.names(FIRMWARE, "soc*/*firmware/get_throttled"))
    yield from (_Alarm(f"{chip}/in0_lcrit_alarm") for chip, name in sensors.hwmon_chips(files) if name == PI_CHIP)


def _cooling(files: FileTree) -> Iterator[_Source]:
    """Yield the cooling devices that slow something down, by type."""
    kinds: dict[str, list[str]] = {}
    for device in files.names(sensors.ZONES, "cooling_device*"):
        kind = files.text(f"{device}/type") or ""
        if sensors.slows_down(kind) and not SETTING.search(kind):
            kinds.setdefault(part_name(kind), []).append(f"{device}/cur_state")
    by_firmware = any(PI in (files.text(model) or "") for model in MODELS)
    for kind, paths in list(kinds.items())[:MOST_PARTS]:
        yield _Cooling(kind, paths, tells_all=bool(CORES.search(kind)) and not by_firmware)
