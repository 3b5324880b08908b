"""Sensors of Linux: which there are, which of them are the processor's, and which of their answers cannot be.

Formats: Documentation/driver-api/thermal/sysfs-api.rst and Documentation/hwmon/sysfs-interface.rst of the kernel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpbench.util.file_tree import FileTree

ZONES = "sys/class/thermal"
HWMON = "sys/class/hwmon"
LONGEST_NAME = 200
"""Characters of a name that are looked at; the kernel's names of zones have 19 at most."""
PROCESSOR_CHIPS = frozenset({"coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal"})
PI_THROTTLED = {
    0: "under-voltage",
    1: "frequency-capped",
    2: "throttled",
    3: "soft-temperature-limit",
}
"""Bits of get_throttled of a Raspberry Pi's firmware: what is so now."""
PI_SINCE_START = 16
"""How far above those bits the same ones say what has been so since the start."""
_PROCESSOR = re.compile(r"cpu|x86_pkg|soc|coretemp|k10temp|zenpower|package", re.IGNORECASE)
_CONSTANT = re.compile(r"pmic", re.IGNORECASE)
"""A Jetson's PMIC zone always reports 100 °C."""
_SLOWING = re.compile(r"cpufreq|devfreq|processor|throttle|tcc|intel_powerclamp", re.IGNORECASE)
_COLDEST, _HOTTEST = -50.0, 200.0
_PI_ANSWER = re.compile(r"(?:throttled=)?(?:0x)?([0-9a-f]{1,8})", re.IGNORECASE)


@dataclass(frozen=True)
class Sensor:
    """A temperature sensor.

    :param name: What the hardware calls it; others may be called the same.
    :param device: Its zone or chip, ``thermal_zone3``: the number may be another one after the next start.
    :param file: Holds thousandths of °C.
    """

    name: str
    device: str
    file: str

    @property
    def number(self) -> str:
        """The number of its zone or chip."""
        return self.device[len(self.device.rstrip("0123456789")) :]


def thermal_zones(files: FileTree) -> list[Sensor]:
    """Return the thermal zones that have a name, without those that tell a constant."""
    return [
        Sensor(name, zone.rpartition("/")[2], f"{zone}/temp")
        for zone in files.names(ZONES, "thermal_zone*")
        if (name := _name(files, f"{zone}/type")) and not _CONSTANT.search(name)
    ]


def hwmon_chips(files: FileTree) -> list[tuple[str, str]]:
    """Return folder and name of each chip of hwmon."""
    return [(chip, name) for chip in files.names(HWMON, "hwmon*") if (name := _name(files, f"{chip}/name"))]


def chip_temperatures(files: FileTree, chip: str, name: str) -> list[Sensor]:
    """Return the temperature sensors of a chip of hwmon."""
    inputs = files.names(chip, "temp*_input")
    return [Sensor(f"{name} {label(files, file)}", chip.rpartition("/")[2], file) for file in inputs]


def label(files: FileTree, file: str) -> str:
    """Return what a chip calls the sensor in ``…/temp1_input``: its label, or else ``temp1``."""
    stem = file.rpartition("_")[0]
    return _name(files, f"{stem}_label") or stem.rpartition("/")[2]


def _name(files: FileTree, file: str) -> str:
    return (files.text(file) or "")[:LONGEST_NAME]


def celsius(files: FileTree, name: str) -> float | None:
    """Return the °C that a file holds in thousandths; None for what no working sensor tells: 0, -263.2, 511."""
    millidegrees = files.number(name)
    heat = None if millidegrees is None else millidegrees / 1000
    return heat if heat is not None and _COLDEST < heat < _HOTTEST and heat != 0 else None


def is_processors(sensor: str) -> bool:
    """Return whether a sensor of this name is the processor's, or of the chip that it is on."""
    return _PROCESSOR.search(sensor) is not None


def slows_down(cooling_device: str) -> bool:
    """Return whether a cooling device of this type makes the machine slower, as a fan does not."""
    return _SLOWING.search(cooling_device) is not None


def pi_throttled_bits(text: str) -> int | None:
    """Return the bits that a Raspberry Pi's firmware answers, ``50005`` or ``throttled=0x50005``; else None."""
    found = _PI_ANSWER.fullmatch(text)
    return int(found[1], 16) if found else None
