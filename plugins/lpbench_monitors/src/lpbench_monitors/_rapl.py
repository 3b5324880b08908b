"""Energy of x86 processors: /sys/class/powercap/intel-rapl:N and intel-rapl:N:M, in µJ (Documentation/power/powercap/).

Domains are known by their ``name`` files.  ``intel-rapl-mmio`` shows packages a second time and is not read; ``psys``
contains the packages and is never summed with them.  AMD's processors count in the same files (Linux 5.8 and newer).
"""

from __future__ import annotations

import re

from lpbench.plugin.monitor import Unavailable
from lpbench_monitors._energy_monitor import Domain, EnergyMonitor
from lpbench_monitors._parts import MOST_PARTS

TOP = "sys/class/powercap"
PACKAGE = re.compile(r"package-\d{1,4}(-die-\d{1,4})?")
SCOPES = {"core": "device", "uncore": "device", "dram": "device", "psys": "module"}


class RaplMonitor(EnergyMonitor):
    """Sums packages; ``core``, ``uncore``, ``dram`` and ``psys`` are parts.

    Two samples must lie less than ``safe_interval(max_energy_range_uj)`` apart: 262 s for a range of 262 kJ, 65 s for
    one of 65 kJ.
    """

    source = f"/{TOP}/intel-rapl:*/energy_uj of packages"
    permission = (
        f"now: sudo chmod a+r /{TOP}/intel-rapl:*/energy_uj; for good, in /etc/udev/rules.d/70-rapl.rules: "
        'SUBSYSTEM=="powercap", KERNEL=="intel-rapl:*", ACTION=="add", RUN+="/bin/chmod a+r %S%p/energy_uj"'
    )

    def look(self) -> list[Domain]:
        """Return packages first, then the domains in and around them."""
        files = self.target.files
        found = {zone.rpartition("/")[2]: zone for zone in files.names(TOP, "intel-rapl:*/intel-rapl:*")}
        found |= {zone.rpartition("/")[2]: zone for zone in files.names(TOP, "intel-rapl:*")}
        named = {zone: files.text(f"{path}/name") or "" for zone, path in sorted(found.items())}
        packages = {zone: name for zone, name in named.items() if PACKAGE.fullmatch(name)}
        parts = {zone: _part(zone, name, packages) for zone, name in named.items() if name in SCOPES}
        return [
            *(self._domain(found[zone], name, "package", summed=True) for zone, name in packages.items()),
            *(self._domain(found[zone], part, SCOPES[named[zone]], summed=False) for zone, part in parts.items()),
        ][:MOST_PARTS]

    def lacking(self) -> Unavailable:
        """Return why there is no package."""
        if self.target.files.exists(f"{TOP}/intel-rapl:0"):
            return Unavailable(f"none of /{TOP}/intel-rapl:* is a package", "not-here")
        return Unavailable(
            f"there is no /{TOP}/intel-rapl:*: not an x86 processor with energy counters, or not shown here", "not-here"
        )

    def _domain(self, zone: str, part: str, scope: str, *, summed: bool) -> Domain:
        span = self.target.files.number(f"{zone}/max_energy_range_uj") or 0
        return Domain(part, scope, f"{zone}/energy_uj", summed, max(0, span))


def _part(zone: str, name: str, packages: dict[str, str]) -> str:
    """Return a domain's name, with that of its package where there are several packages."""
    package = packages.get(zone.rpartition(":")[0])
    return f"{package} {name}" if package and len(packages) > 1 else name
