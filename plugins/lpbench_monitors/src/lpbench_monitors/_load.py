"""CPU load between two moments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Reading, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

METRIC = "CPU_LOAD"
FOREIGN = f"{METRIC}/foreign"
SHORTEST_S = 0.02
"""Two ticks of the kernel's accounting of CPU time; of a shorter time no load can be told."""


@dataclass(frozen=True)
class Moment:
    """CPU time at a moment, in seconds.

    :param at: On the target's clock.
    :param own: Of the watched process; None if it is not known.
    :param busy: Of all cores.
    :param count: Number of cores.
    :param cores: Busy time and total time by core.
    """

    at: float
    own: float | None
    busy: float
    count: int
    cores: Mapping[int, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """Where load comes from, for ``Reading.source``."""

    own: str
    machine: str


class Load:
    """The load since the moment before.

    :param origin: Where it comes from.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._before: Moment | None = None

    def follow(self, now: Moment) -> dict[str, Reading | Unavailable]:
        """Return the load in % since the last moment that was far enough; nothing at the first moment."""
        before = self._before
        if before is None or now.at < before.at:  # a clock that jumped back tells no time
            self._before = now
            return {}
        if now.at - before.at < SHORTEST_S:
            return dict.fromkeys(_names(now), Unavailable(f"less than {SHORTEST_S:g} s have passed", "too-short"))
        self._before = now
        return _loads(before, now, self._origin)


def _names(now: Moment) -> list[str]:
    own = [] if now.own is None else [METRIC]
    return [*own, FOREIGN, *(_name(core) for core in now.cores)]


def _name(core: int) -> str:
    return f"{METRIC}/core {core}"


def _loads(before: Moment, now: Moment, origin: Origin) -> dict[str, Reading | Unavailable]:
    possible = (now.at - before.at) * now.count
    own = None if before.own is None or now.own is None else max(0.0, now.own - before.own)
    changed = (before.own is None) != (now.own is None)
    loads: dict[str, Reading | Unavailable] = {}
    if now.own is not None:
        loads[METRIC] = _reading(own, possible, "process", origin.own)
    foreign = None if changed else now.busy - before.busy - (own or 0.0)
    source = origin.machine if own is None else f"{origin.machine} without {origin.own}"
    loads[FOREIGN] = _reading(foreign, possible, "machine", source)
    for core, (busy, total) in now.cores.items():
        was_busy, was_total = before.cores.get(core, (busy, total))
        loads[_name(core)] = _reading(busy - was_busy, total - was_total, "device", origin.machine)
    return loads


def _reading(spent: float | None, possible: float, scope: str, source: str) -> Reading | Unavailable:
    if spent is None:
        return Unavailable("the watched process began or ended since the last sample", "not-read")
    if possible <= 0:
        return Unavailable("the core's time did not go on: it was offline", "not-read")
    return Reading(100 * min(1.0, max(0.0, spent / possible)), "%", scope, source)
