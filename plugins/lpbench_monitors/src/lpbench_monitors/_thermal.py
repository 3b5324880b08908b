"""Temperatures of thermal zones and of hwmon sensors, in thousandths of °C.

Formats: the kernel's Documentation/driver-api/thermal/sysfs-api.rst and Documentation/hwmon/sysfs-interface.rst; Tctl
and Tdie: k10temp.rst beside the latter.  Zones show as chips of hwmon too, named alike with ``_`` for ``-``
(drivers/thermal/thermal_hwmon.c).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.kit import sensors
from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench_monitors._parts import MOST_PARTS, distinct, part_name
from lpbench_monitors._plugged import Plugged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from lpbench.plugin.monitor import FileTree, Readings

CPU, GPU, OTHER = "CPU_TEMP", "GPU_TEMP", "TEMPERATURE"
SCOPES = {CPU: "package", GPU: "device", OTHER: "machine"}
NONE_THERE = {
    CPU: "no thermal zone and no hwmon sensor of the processor",
    GPU: "no thermal zone and no hwmon sensor of a GPU",
    OTHER: "no thermal zone and no hwmon sensor beside those of processor and GPU",
}
GPU_NAMES = re.compile(r"gpu|nouveau|radeon|\bi915\b|\bxe\b", re.IGNORECASE)
MADE_UP = re.compile(r"INT3400", re.IGNORECASE)
"""A zone for policies alone, whose 20 °C are made up (drivers/thermal/intel/int340x_thermal/int3400_thermal.c)."""


@dataclass(frozen=True)
class _Watched:
    metric: str
    part: str
    file: str


class ThermalMonitor(Monitor):
    """Reads every sensor; each metric is the hottest of its own.

    A sensor that tells what cannot be, such as -263.2 °C, or exactly 0 °C as one without power does, is left out.
    """

    _plugged: Plugged[_Watched]

    def __enter__(self) -> Self:
        """Look for sensors."""
        files = self.target.files
        self._plugged = Plugged(self.target, lambda: _named(_known(files)))
        return self

    def sample(self) -> Readings:
        """Return the hottest temperature of each metric, and each sensor's, in °C."""
        watched = self._plugged.sensors
        heat = {each: found for each in watched if (found := sensors.celsius(self.target.files, each.file))}
        self._plugged.miss(each.file for each in watched if each not in heat)
        parts = {
            f"{each.metric}/{each.part}": Reading(value, "°C", "device", f"/{each.file}")
            for each, value in heat.items()
        }
        return {**{metric: self._hottest(metric, watched, heat) for metric in SCOPES}, **parts}

    def _hottest(
        self, metric: str, watched: tuple[_Watched, ...], heat: dict[_Watched, float]
    ) -> Reading | Unavailable:
        own = [each for each in watched if each.metric == metric]
        known = [heat[each] for each in own if each in heat]
        if known:
            source = f"/{own[0].file}" if len(own) == 1 else f"the hottest of {len(known)} sensors"
            return Reading(max(known), "°C", SCOPES[metric], source)
        return self.target.files.missing(own[0].file) if own else Unavailable(NONE_THERE[metric], "not-here")


def _known(files: FileTree) -> list[sensors.Sensor]:
    """Return the sensors to read: zones, then the first sensor of each chip, then the second ones, and so on.

    The first one of a chip is that of the whole package, and the number of sensors is limited.
    """
    zones = [zone for zone in sensors.thermal_zones(files) if not MADE_UP.search(zone.name)]
    twins = {zone.name.replace("-", "_") for zone in zones}
    ranked = [
        (rank, sensor)
        for chip, name in sensors.hwmon_chips(files)
        if name not in twins
        for rank, sensor in enumerate(_of_chip(files, chip, name))
    ]
    return _some([*zones, *(sensor for _, sensor in sorted(ranked, key=lambda pair: pair[0]))])


def _some(known: list[sensors.Sensor]) -> list[sensors.Sensor]:
    """Return no more sensors than are read, as many of each metric as there is room for: one may have hundreds."""
    before: Counter[str] = Counter()
    turns: list[tuple[int, int]] = []
    for index, sensor in enumerate(known):
        metric = _metric(sensor.name)
        turns.append((before[metric], index))
        before[metric] += 1
    return [known[index] for index in sorted(index for _, index in sorted(turns)[:MOST_PARTS])]


def _of_chip(files: FileTree, chip: str, name: str) -> list[sensors.Sensor]:
    """Return a chip's sensors by number; without Tctl, a temperature with an offset, where Tdie has none."""
    found = sorted(sensors.chip_temperatures(files, chip, name), key=lambda sensor: _index(sensor.file))
    if any(sensor.name.endswith(" Tdie") for sensor in found):
        return [sensor for sensor in found if not sensor.name.endswith(" Tctl")]
    return found


def _index(file: str) -> int:
    digits = re.search(r"temp(\d{1,9})_", file)
    return int(digits[1]) if digits else 0


def _named(known: list[sensors.Sensor]) -> Iterator[_Watched]:
    """Yield the sensors by metric, each under a part's name of its own."""
    taken: set[str] = set()
    for sensor in known:
        part = distinct(part_name(sensor.name), sensor.number, taken)
        taken.add(part)
        yield _Watched(_metric(sensor.name), part, sensor.file)


def _metric(name: str) -> str:
    """Return which metric a sensor belongs to, by its name."""
    if GPU_NAMES.search(name):
        return GPU
    return CPU if sensors.is_processors(name) else OTHER
