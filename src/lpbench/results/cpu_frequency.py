"""The processor's frequency while a result was measured, where it was read: it makes cycles of nanoseconds."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.results.model import Configuration, Result

GIGAHERTZ = 1000.0
"""In megahertz: cycles in a nanosecond."""
STEADY = 0.02
"""A frequency that changed by a larger share between the first and the last run makes no cycles."""


def frequency(result: Result, configuration: Configuration) -> float | Unavailable:
    """Return the cycles in a nanosecond of the cores that a configuration ran on: the mean of before and after.

    Unavailable where nobody read it, where it is a virtual machine's nominal one, where it changed meanwhile, and
    where something else than the CPU did the work.
    """
    processor = str(configuration.facts.get("processor") or "CPU")
    if processor != "CPU":
        return Unavailable(f"the frequency of the CPU is not that of a {processor}")
    found = [_read(result, state) for state in ("state", "state_after")]
    known = [each for each in found if not isinstance(each, Unavailable)]
    if len(known) < len(found):
        return next(each for each in found if isinstance(each, Unavailable))
    before, after = known
    if abs(after - before) > STEADY * before:
        return Unavailable(f"the frequency went from {before:.0f} to {after:.0f} MHz while measuring")
    return (before + after) / 2 / GIGAHERTZ


def _read(result: Result, state: str) -> float | Unavailable:
    """Return the mean frequency in MHz of the cores that were used, as one state of the machine has it."""
    fact = _fact(result.environment, state, "frequency_mhz")
    by_core = fact.get("value")
    known = {core: mhz for core, mhz in by_core.items() if _sound(mhz)} if isinstance(by_core, dict) else {}
    if not known:
        return Unavailable(f"the frequency was not read: {fact.get('reason') or 'nobody looked'}")
    virtual = _fact(result.environment, "machine", "virtualisation").get("value")
    if virtual not in {None, "none"} and "cpuinfo" in str(fact.get("source")):
        return Unavailable("a virtual machine shows its nominal frequency")
    cores = {str(core) for core in result.settings.get("affinity") or ()}
    used = [mhz for core, mhz in known.items() if core in cores]
    return statistics.fmean(used or known.values())


def _sound(mhz: object) -> bool:
    return isinstance(mhz, (int, float)) and mhz > 0


def _fact(environment: Mapping[str, Any], part: str, key: str) -> Mapping[str, Any]:
    """Return a fact of a result's environment; results are files, and hold what others wrote."""
    facts = environment.get(part)
    found = facts.get(key) if isinstance(facts, dict) else None
    return found if isinstance(found, dict) else {}
