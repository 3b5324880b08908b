"""Memory bandwidth of a Jetson, from the activity monitor of its external memory controller (EMC).

``/sys/kernel/actmon_avg_activity/mc_all`` is in kHz of the controller's clock: the driver (actmon_common.c of NVIDIA's
public kernel sources, Jetson Linux up to release 35) says so.  The unit of ``cactmon/mc_all`` and of the firmware's
``mc_all_avg_activity``, which later releases have, is not documented: what one count is worth is set by firmware that
is not public, and public readers of these files differ by a factor of 100.  They give a reason and no number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Unavailable
from lpbench_monitors import _board, _jetson_memory

if TYPE_CHECKING:
    from typing_extensions import Self

    from lpbench.plugin.monitor import Reading, Readings

ACTIVITY = "sys/kernel/actmon_avg_activity/mc_all"
DEBUG = "sys/kernel/debug"
UNDOCUMENTED = (f"{DEBUG}/cactmon/mc_all", f"{DEBUG}/bpmp/debug/actmon/mc_all_avg_activity")
CLOCKS = (f"{DEBUG}/bpmp/debug/clk/emc/rate", f"{DEBUG}/clk/emc/clk_rate")
"""The controller's clock in Hz."""
HINT = "run lpbench as root, or let your user read /sys/kernel/debug"
TEGRASTATS = "tegrastats, run as root, tells the utilisation itself"


class EmcMonitor(Monitor):
    """Estimates the bandwidth of a Jetson's memory."""

    _bus: _jetson_memory.Bus | Unavailable = Unavailable("not looked for")
    _clock = CLOCKS[0]
    _hidden = False

    def __enter__(self) -> Self:
        """Look for the controller's clock and the board's model."""
        files = self.target.files
        self._clock = next((name for name in CLOCKS if files.exists(name)), CLOCKS[0])
        self._bus = _jetson_memory.bus(files)
        self._hidden = files.exists(DEBUG) and not files.names(DEBUG)  # root alone may list it
        return self

    def sample(self) -> Readings:
        """Return the estimated bandwidth in MB/s."""
        return {_jetson_memory.METRIC: self._bandwidth()}

    def _bandwidth(self) -> Reading | Unavailable:
        files = self.target.files
        active, clock = files.number(ACTIVITY), files.number(self._clock)
        if active is None:
            return self._no_activity()
        if clock is None or clock <= 0:
            return self._readable(self._clock)
        if isinstance(self._bus, Unavailable):
            return self._bus
        return _jetson_memory.bandwidth(100e3 * active / clock, clock / 1e6, self._bus, f"/{ACTIVITY}")

    def _no_activity(self) -> Unavailable:
        """Return why the utilisation is not known."""
        files = self.target.files
        if files.exists(ACTIVITY):
            return self._readable(ACTIVITY)
        for name in UNDOCUMENTED:
            if files.exists(name):
                return Unavailable(f"the unit of /{name} is not documented", "not-supported", TEGRASTATS)
        if self._hidden and "jetson" in _board.model(files).lower():
            return Unavailable(f"/{DEBUG} may not be read by this user", "no-permission", HINT)
        return Unavailable(f"there is no /{ACTIVITY}", "other-machine")

    def _readable(self, name: str) -> Unavailable:
        missing = self.target.files.missing(name)
        if missing.code == "no-permission" or (missing.code == "not-here" and self._hidden):
            return Unavailable(f"/{name} may not be read by this user", "no-permission", HINT)
        return missing
