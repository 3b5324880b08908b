"""The total of a board whose supply rails are measured one by one.

One rail of some boards feeds all others, so adding them up would count everything twice: ``VDD_IN`` of a Jetson TX2,
Xavier NX, Orin NX and Orin Nano and ``POM_5V_IN`` of a Jetson Nano are the module's input, as NVIDIA's engineers say in
its forum ("Power consumption monitoring", 73608); ``VIN`` of a Jetson AGX Thor, from a sensor on the carrier board, is
the input of the developer kit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench_monitors import _keys
from lpbench_monitors._parts import MOST_PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

METRIC = "POWER_CONSUMPTION"
TOTALS = {"VIN": "machine", "VDD_IN": "module", "POM_5V_IN": "module"}
"""Scope of each rail that feeds the others, the most comprehensive first."""
WITHIN_OTHERS = frozenset({"VDDQ_VDD2_1V8AO"})
"""Not among the rails whose sum is the power of an AGX Orin: VDD_GPU_SOC, VDD_CPU_CV and VIN_SYS_5V0."""
UNCONNECTED = "NC"
LONGEST_REASON = 300
MOST_W = 1000.0
"""No supply rail of a board has more; the greatest of a Jetson has some 100 W."""


Answer = dict[str, "Reading | Unavailable"]


class Rails:
    """The rails of one board, sample by sample.

    A series in which a rail is there in some samples alone would show steps that nobody took.  So there is no total
    while a rail that feeds the others tells nothing possible, or one that was added at first tells nothing at all.

    :param source: What tells them.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._added: frozenset[str] = frozenset()

    def power(self, rails: Mapping[str, float], at: float | None = None) -> Answer:
        """Return the total, or why there is none, and each rail in W; nothing if no rail tells a power that can be.

        :param rails: By name, in W; NaN for one that tells nothing now.
        :param at: Seconds on the target's clock when they were read.
        """
        connected = {name: watts for name, watts in rails.items() if name != UNCONNECTED}
        known = {name: watts for name, watts in connected.items() if 0 <= watts <= MOST_W}
        if not known:
            return {}
        total = self._fed(connected, known, at) or self._sum(connected, known, at)
        parts = dict(list(known.items())[:MOST_PARTS])
        return {METRIC: total} | {
            _keys.key(METRIC, name): Reading(watts, "W", "rails", self._source, at=at) for name, watts in parts.items()
        }

    def _fed(
        self, connected: Mapping[str, float], known: Mapping[str, float], at: float | None
    ) -> Reading | Unavailable | None:
        """Return the power of the rail that feeds the others; None if there is no such rail."""
        name = next((name for name in TOTALS if name in connected), None)
        if name is None:
            return None
        if name not in known:
            return Unavailable(f"{self._source} tells no possible power of {name}, which feeds the others", "not-read")
        return Reading(known[name], "W", TOTALS[name], f"{self._source}, {name}", at=at)

    def _sum(
        self, connected: Mapping[str, float], known: Mapping[str, float], at: float | None
    ) -> Reading | Unavailable:
        told = frozenset(name for name, watts in connected.items() if watts <= MOST_W) - WITHIN_OTHERS
        self._added = self._added or told
        silent = sorted(self._added - told)
        if silent:
            why = f"{self._source} does not tell {', '.join(silent)} any more: the sum of the others would be too small"
            return Unavailable(why[:LONGEST_REASON], "not-read")
        added = [watts for name, watts in known.items() if name not in WITHIN_OTHERS]
        if not added:
            return Unavailable(f"{self._source} tells no rail that is part of the sum", "not-read")
        left_out = len(connected) - len(known)
        gap = f", {left_out} without a possible value left out" if left_out else ""
        return Reading(sum(added), "W", "rails", f"{self._source}, sum of rails, not module total{gap}", at=at)
