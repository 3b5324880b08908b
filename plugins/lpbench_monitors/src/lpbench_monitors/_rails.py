"""The total of a board whose supply rails are measured one by one.

One rail of some boards feeds all others, so adding them up would count everything twice: ``VDD_IN`` of a Jetson TX2,
Xavier NX, Orin NX and Orin Nano and ``POM_5V_IN`` of a Jetson Nano are the module's input, as NVIDIA's engineers say in
its forum ("Power consumption monitoring", 73608); ``VIN`` of a Jetson AGX Thor, from a sensor on the carrier board, is
the input of the developer kit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Reading
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
MOST_W = 1000.0
"""No supply rail of a board has more; the greatest of a Jetson has some 100 W."""


def power(rails: Mapping[str, float], source: str, at: float | None = None) -> dict[str, Reading]:
    """Return the total and each rail in W, or nothing if no rail tells a power that can be.

    :param rails: By name, in W.
    :param at: Seconds on the target's clock when they were read.
    """
    connected = {name: watts for name, watts in rails.items() if name != UNCONNECTED}
    known = {name: watts for name, watts in connected.items() if 0 <= watts <= MOST_W}
    total = _total(known, source, len(connected) - len(known), at)
    parts = dict(list(known.items())[:MOST_PARTS])
    return (
        {}
        if total is None
        else {METRIC: total}
        | {_keys.key(METRIC, name): Reading(watts, "W", "rails", source, at=at) for name, watts in parts.items()}
    )


def _total(rails: Mapping[str, float], source: str, left_out: int, at: float | None) -> Reading | None:
    for name, scope in TOTALS.items():
        if name in rails:
            return Reading(rails[name], "W", scope, f"{source}, {name}", at=at)
    added = [watts for name, watts in rails.items() if name not in WITHIN_OTHERS]
    gap = f", {left_out} without a possible value left out" if left_out else ""
    source = f"{source}, sum of rails, not module total{gap}"
    return Reading(sum(added), "W", "rails", source, at=at) if added else None
