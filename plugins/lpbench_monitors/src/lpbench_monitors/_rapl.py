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
    """Sums packages; ``core``, ``uncore``, ``dram`` and ``psys`` are parts, sums themselves where there are several.

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
        others = [zone for zone, name in named.items() if name in SCOPES]
        return [
            *(self._domain(found[zone], name, "package", "") for zone, name in packages.items()),
            *(self._inner(found[zone], named[zone], packages) for zone in others),
        ][:MOST_PARTS]

    def lacking(self) -> Unavailable:
        """Return why there is no package."""
        if self.target.files.exists(f"{TOP}/intel-rapl:0"):
            return Unavailable(f"none of /{TOP}/intel-rapl:* is a package", "not-here")
        return Unavailable(
            f"there is no /{TOP}/intel-rapl:*: not an x86 processor with energy counters, or not shown here",
            "not-here",
            "an external meter can tell: lpbench run --monitor meter:file=power.csv",
        )

    def _inner(self, path: str, name: str, packages: dict[str, str]) -> Domain:
        """Return a domain below or beside packages; where there are several, it carries the name of its own."""
        package = packages.get(path.rpartition("/")[2].rpartition(":")[0])
        if package and len(packages) > 1:
            return self._domain(path, f"{package} {name}", SCOPES[name], name)
        return self._domain(path, name, SCOPES[name], None)

    def _domain(self, path: str, part: str, scope: str, adds_to: str | None) -> Domain:
        span = self.target.files.number(f"{path}/max_energy_range_uj") or 0
        return Domain(part, scope, f"{path}/energy_uj", adds_to, max(0, span))
