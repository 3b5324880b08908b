"""The CPU frequency during a benchmark, where it was read: it converts nanoseconds into cycles."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.results.model import Configuration, Result

GIGAHERTZ = 1000.0
"""In megahertz; a frequency in gigahertz is the number of cycles in a nanosecond."""
FASTEST = 1e6
"""Megahertz that no processor has; a file may claim anything."""
STEADY = 0.02
"""Largest relative change of the frequency from before to after the runs at which cycles are still computed."""


def frequency(result: Result, configuration: Configuration) -> float | Unavailable:
    """Return the cycles per nanosecond of the cores that a configuration ran on: the mean of before and after.

    :returns: Unavailable where the frequency was not read, is only a virtual machine's nominal one, or changed
        during the benchmark, and where another processor than the CPU did the work.
    """
    processor = str(configuration.facts.get("processor") or "CPU")
    if processor != "CPU":
        return Unavailable(f"the CPU's frequency does not apply to a {processor}", "not-comparable")
    before, after = (_read(result, state, configuration.configuration.affinity) for state in ("state", "state_after"))
    if isinstance(before, Unavailable):
        return before
    if isinstance(after, Unavailable):
        return after
    if abs(after - before) > STEADY * before:
        return Unavailable(
            f"the frequency changed from {before:.0f} to {after:.0f} MHz while measuring", "not-comparable"
        )
    return (before + after) / 2 / GIGAHERTZ


def _read(result: Result, state: str, affinity: Sequence[int]) -> float | Unavailable:
    """Return the mean frequency in MHz of the cores that were used, else of all, from one recorded state."""
    fact = _fact(result.environment, state, "frequency_mhz")
    by_core = fact.get("value")
    known = {core: mhz for core, mhz in by_core.items() if _sound(mhz)} if isinstance(by_core, dict) else {}
    if not known:
        reason = fact.get("reason") or "the result does not contain it"
        return Unavailable(f"the frequency was not read: {reason}", "not-read")
    virtual = _fact(result.environment, "machine", "virtualisation").get("value")
    if virtual not in {None, "none"} and "cpuinfo" in str(fact.get("source")):
        return Unavailable("a virtual machine reports only its nominal frequency", "not-comparable")
    cores = set(map(str, affinity))
    used = [mhz for core, mhz in known.items() if core in cores]
    return statistics.fmean(used or known.values())


def _sound(mhz: object) -> bool:
    return isinstance(mhz, (int, float)) and 0 < mhz < FASTEST


def _fact(environment: Mapping[str, Any], part: str, key: str) -> Mapping[str, Any]:
    """Return a fact of a result's environment; empty if the file, which may come from elsewhere, is malformed."""
    facts = environment.get(part)
    fact = facts.get(key) if isinstance(facts, dict) else None
    return fact if isinstance(fact, dict) else {}
