"""Energy of AMD sockets and cores from the driver amd_energy, in µJ (Documentation/hwmon/amd_energy.rst).

The driver follows the counters of the hardware, so that these do not wrap around.
"""

from __future__ import annotations

import re

from lpbench.plugin.kit import sensors
from lpbench.plugin.monitor import Unavailable
from lpbench_monitors._energy_monitor import Domain, EnergyMonitor

CHIP = "amd_energy"
PLATFORM = "sys/devices/platform"
MOST_CORES = 32
LABEL = re.compile(r"E(socket|core)\d{1,4}")


class AmdEnergyMonitor(EnergyMonitor):
    """Sums sockets; cores are parts where there are 32 of them or fewer, because reading hundreds takes long."""

    source = f"/{PLATFORM}/{CHIP}.*/hwmon/hwmon*/energy*_input of sockets"
    permission = (
        f"now: sudo chmod a+r /{PLATFORM}/{CHIP}.*/hwmon/hwmon*/energy*_input; for good, in "
        f'/etc/udev/rules.d/70-amd-energy.rules: SUBSYSTEM=="hwmon", ATTR{{name}}=="{CHIP}", ACTION=="add", '
        "RUN+=\"/bin/sh -c 'chmod a+r %S%p/energy*_input'\""
    )

    def look(self) -> list[Domain]:
        """Return sockets first, then cores."""
        files = self.target.files
        inputs = files.names(PLATFORM, f"{CHIP}.*/hwmon/hwmon*/energy*_input") or [
            file
            for chip, name in sensors.hwmon_chips(files)
            if name == CHIP
            for file in files.names(chip, "energy*_input")
        ]
        labels = {sensors.label(files, file): file for file in inputs}
        known = {label: file for label, file in sorted(labels.items()) if LABEL.fullmatch(label)}
        sockets = [Domain(label, "package", file, "") for label, file in known.items() if "socket" in label]
        cores = [Domain(label, "device", file) for label, file in known.items() if "core" in label]
        return [*sockets, *(cores if len(cores) <= MOST_CORES else ())]

    def lacking(self) -> Unavailable:
        """Return why there is no socket."""
        if self.target.files.names(PLATFORM, f"{CHIP}.*"):
            return Unavailable(f"no socket among the sensors of /{PLATFORM}/{CHIP}.*", "not-here")
        return Unavailable(f"there is no /{PLATFORM}/{CHIP}.*: the driver {CHIP} is not loaded", "not-here")
