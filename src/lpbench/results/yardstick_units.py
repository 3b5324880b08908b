"""Whether the yardstick's units of two results compare, and how far they are to be trusted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lpbench.util.text import clean

if TYPE_CHECKING:
    from lpbench.results.model import Result

MEASURED = frozenset({"ns", "run_ns", "cov"})
"""What a yardstick found; the rest says what its units depend on."""


def no_units(first: Result, second: Result) -> str:
    """Return why the yardstick's units of two results do not compare, or nothing."""
    sticks = first.yardstick, second.yardstick
    for each in sticks:
        if not each or "reason" in each:
            return str(each.get("reason") or "no yardstick was measured")
        if _number(each.get("ns")) <= 0:
            return "the yardstick's speed is not known"
    kinds = [{key: value for key, value in each.items() if key not in MEASURED} for each in sticks]
    differing = [name for name in dict.fromkeys((*kinds[0], *kinds[1])) if kinds[0].get(name) != kinds[1].get(name)]
    return f"their yardsticks differ in {', '.join(map(clean, differing))}" if differing else ""


def unit_drift(before: Result, after: Result) -> float:
    """Return how far units may be off for all runs of a result, as a share.

    An app and the kernel do not suffer alike from what happens to a machine, and what differs for minutes is in no
    run's spread.  So units are trusted no further than one run of the kernel strays from another, and its correction
    no further than itself: twice of it or nothing may be right.  On a steady machine both are next to nothing.
    """
    strayed = [_number(each.yardstick.get("cov")) for each in (before, after)]
    corrected = abs(math.log(after.yardstick["ns"] / before.yardstick["ns"]))
    return (1 + max(strayed)) * math.exp(corrected) - 1


def _number(value: object) -> float:
    """Return a figure of a yardstick, which is as its file has it; 0 of what is none."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else 0.0
