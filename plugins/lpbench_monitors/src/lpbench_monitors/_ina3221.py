"""Supply rails of a Jetson, from the INA3221 on its I2C bus.

Two layouts: the kernel's hwmon (Documentation/hwmon/ina3221.rst: ``in1_label``, ``in1_input`` in mV, ``curr1_input`` in
mA) and NVIDIA's older iio driver (``rail_name_0``, ``in_voltage0_input`` in mV, ``in_current0_input`` in mA,
``in_power0_input`` in mW).  ``in4`` to ``in6`` are shunt voltages and ``in7`` their sum: no rails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Unavailable
from lpbench_monitors import _rails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from lpbench.plugin.monitor import FileTree, Readings

DEVICES = "sys/bus/i2c/devices"
DRIVERS = "sys/bus/i2c/drivers"
HINT = "run lpbench as root, or let your user read the files of the INA3221"


@dataclass(frozen=True)
class Rail:
    """The files of one rail; all are in thousandths of their unit.

    :param power: Empty where the driver tells none.
    """

    name: str
    voltage: str
    current: str
    power: str = ""

    def watts(self, files: FileTree) -> float:
        """Return its power, or NaN if the files do not tell it; a voltage below 0 is none of a supply."""
        told = files.number(self.power) if self.power else None
        if told is not None:
            return told / 1e3
        millivolts, milliamperes = files.number(self.voltage), files.number(self.current)
        if millivolts is None or milliamperes is None or millivolts < 0:
            return math.nan
        return millivolts * milliamperes / 1e6


class Ina3221Monitor(Monitor):
    """Reads the rails of every INA3221; labels tell which they are."""

    _found: tuple[Rail, ...] = ()

    def __enter__(self) -> Self:
        """Look for the rails of all chips."""
        self._found = tuple(_named(self.target.files))
        self._rails = _rails.Rails("INA3221")
        return self

    def sample(self) -> Readings:
        """Return the power of the module, or of its rails together, and of each rail."""
        told = {rail.name: rail.watts(self.target.files) for rail in self._found}
        return self._rails.power(told) or {_rails.METRIC: self._missing()}

    def _missing(self) -> Unavailable:
        if not self._found:
            return Unavailable(f"there is no INA3221 with a named rail under /{DEVICES}", "other-machine")
        missing = self.target.files.missing(self._found[0].current)
        return Unavailable(missing.reason, missing.code, HINT) if missing.code == "no-permission" else missing


def _named(files: FileTree) -> Iterator[Rail]:
    """Yield the rails; one whose name another chip has, too, is named after its chip as well."""
    names: set[str] = set()
    for chip in _chips(files):
        for rail in (*_hwmon(files, chip), *_iio(files, chip)):
            if rail.name == _rails.UNCONNECTED:
                continue
            name = rail.name if rail.name not in names else f"{rail.name}-{chip.rpartition('/')[2]}"
            names.add(name)
            yield Rail(name, rail.voltage, rail.current, rail.power)


def _chips(files: FileTree) -> list[str]:
    """Return a folder for each chip; the driver's list has those whose device has no name."""
    devices = [name.removesuffix("/name") for name in files.names(DEVICES, "*/name") if _is_chip(files.text(name))]
    bound = files.names(DRIVERS, "ina3221*/*-*")
    return list({path.rpartition("/")[2]: path for path in [*bound, *devices]}.values())


def _is_chip(name: str | None) -> bool:
    return name is not None and "ina3221" in name.lower()


def _hwmon(files: FileTree, chip: str) -> Iterator[Rail]:
    for label in files.names(f"{chip}/hwmon", "hwmon*/in[1-3]_label"):
        folder, _, file = label.rpartition("/")
        number = file[2]
        if name := files.text(label):
            yield Rail(name, f"{folder}/in{number}_input", f"{folder}/curr{number}_input")


def _iio(files: FileTree, chip: str) -> Iterator[Rail]:
    for label in files.names(chip, "iio:device*/rail_name_[0-9]"):
        folder, number = label.rpartition("/")[0], label[-1]
        if name := files.text(label):
            yield Rail(name, *(f"{folder}/in_{what}{number}_input" for what in ("voltage", "current", "power")))
