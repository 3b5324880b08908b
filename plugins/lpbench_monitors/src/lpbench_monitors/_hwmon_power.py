"""Power sensors of hwmon chips, in µW: power*_average or power*_input (Documentation/hwmon/sysfs-interface.rst).

Chips called ina3221 tell currents and voltages, and belong to a monitor of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.kit import sensors
from lpbench.plugin.monitor import METRICS, Monitor, Reading, Unavailable
from lpbench_monitors._parts import MOST_PARTS, distinct, part_name
from lpbench_monitors._plugged import Plugged

if TYPE_CHECKING:
    from typing_extensions import Self

    from lpbench.plugin.monitor import FileTree, Readings

METRIC = "POWER_CONSUMPTION"
NOT_OURS = "ina3221"
SCOPES = {"amdgpu": "device", "nouveau": "device", "radeon": "device", "i915": "device", "xe": "device"}
"""What chips cover that are known to sit in one device; others measure supply rails."""
KINDS = ("average", "input")
SEVERAL = Unavailable(
    f"there are several power sensors under /{sensors.HWMON}, none of which is known to be the total",
    "not-comparable",
    "lpbench monitors -v shows them; an external meter can tell the total: lpbench run --monitor meter:file=power.csv",
)


@dataclass(frozen=True)
class _Sensor:
    part: str
    scope: str
    stem: str

    def reading(self, files: FileTree) -> Reading | None:
        """Return the power in W by the first of its files that tells one that can be."""
        for kind in KINDS:
            microwatts = files.number(f"{self.stem}_{kind}")
            if microwatts is not None and METRICS[METRIC].least <= microwatts / 1e6 <= METRICS[METRIC].most:
                return Reading(microwatts / 1e6, "W", self.scope, f"/{self.stem}_{kind}")
        return None

    def file(self, files: FileTree) -> str:
        """Return a file of it that is there, if one is."""
        paths = [f"{self.stem}_{kind}" for kind in KINDS]
        return next((path for path in paths if files.exists(path)), paths[0])

    def missing(self, files: FileTree) -> Unavailable:
        """Return why it tells none."""
        return files.missing(self.file(files))


class HwmonPowerMonitor(Monitor):
    """Reads every power sensor; a single one is the metric, several are its parts alone, for they may overlap."""

    _plugged: Plugged[_Sensor]

    def __enter__(self) -> Self:
        """Look for sensors."""
        files = self.target.files
        self._plugged = Plugged(self.target, lambda: _known(files))
        return self

    def sample(self) -> Readings:
        """Return each sensor's power in W, and the metric itself where there is one sensor."""
        files = self.target.files
        known = self._plugged.sensors
        if not known:
            self._plugged.miss(())
            return {METRIC: Unavailable(f"no chip of /{sensors.HWMON} has a power sensor", "not-here")}
        found = {each: each.reading(files) or each.missing(files) for each in known}
        self._plugged.miss(each.file(files) for each, reading in found.items() if isinstance(reading, Unavailable))
        parts = {f"{METRIC}/{each.part}": reading for each, reading in found.items()}
        return {METRIC: next(iter(found.values())) if self._plugged.most == 1 else SEVERAL, **parts}


def _known(files: FileTree) -> list[_Sensor]:
    """Return the sensors, each under a name of its own."""
    known: dict[str, _Sensor] = {}
    for chip, name in sensors.hwmon_chips(files):
        if name.startswith(NOT_OURS):
            continue
        for stem in _stems(files, chip):
            part = distinct(part_name(f"{name} {_label(files, stem)}"), chip.rpartition("hwmon")[2], known)
            known[part] = _Sensor(part, SCOPES.get(name, "rails"), stem)
    return list(known.values())[:MOST_PARTS]


def _stems(files: FileTree, chip: str) -> list[str]:
    """Return the sensors of a chip as paths without ``_input`` or ``_average``, ordered by their numbers."""
    stems = {file.rpartition("_")[0] for kind in KINDS for file in files.names(chip, f"power*_{kind}")}
    return sorted(stems, key=lambda stem: (len(stem), stem))


def _label(files: FileTree, stem: str) -> str:
    return files.text(f"{stem}_label") or re.sub(r".*/", "", stem)
