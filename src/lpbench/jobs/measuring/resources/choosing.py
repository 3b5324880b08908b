"""Of several monitors that tell a metric, the one that counts; of several reasons, the one that says most."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import METRICS
from lpbench.results.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from lpbench.jobs.measuring.resources.installed_monitors import InstalledMonitors
    from lpbench.jobs.measuring.resources.sampler import Loss

TELLING = (
    "no-permission",
    "failed",
    "no-sensor",
    "not-comparable",
    "not-supported",
    "too-short",
    "not-read",
    "unavailable",
    "not-here",
    "other-machine",
    "not-installed",
)
"""Codes of reasons, the most telling first."""
LAST = 1_000
"""Rank of a monitor that is not ready, whose reason says least."""
POWER = frozenset({"POWER_CONSUMPTION", "ENERGY"})
WHOLE = ("wall", "module")
"""Scopes that hold whatever ran the model, the widest first."""
DEVICES = ("GPU", "NPU")


def choose(
    found: Sequence[Resource], ranks: Mapping[str, int], processor: str, asked: Collection[str] = ()
) -> tuple[Resource, ...]:
    """Return resources, of which one of each name counts and the others are marked as second.

    :param ranks: By monitor.
    :param processor: What ran the model: CPU, GPU, NPU, or a pair; empty where nothing ran.
    :param asked: Monitors that the user named: their reasons are told first, and also where another one has a value.
    """
    chosen: list[Resource] = []
    for name in dict.fromkeys([*METRICS, *(each.name for each in found)]):
        offers = [each for each in found if each.name == name]
        known = sorted(
            (each for each in offers if each.mean is not None),
            key=lambda each: (_fit(each, processor), ranks.get(each.monitor, LAST)),
        )
        if known and _counts(known[0], processor):
            silent = [each for each in offers if each.mean is None and each.monitor in asked]
            chosen += [known[0], *(dataclasses.replace(each, second=True) for each in (*known[1:], *silent))]
        else:
            chosen += [
                _missing(name, offers, known, ranks, asked),
                *(dataclasses.replace(each, second=True) for each in known),
            ]
    return tuple(chosen)


def choose_of(
    monitors: InstalledMonitors, found: Sequence[Resource], losses: Sequence[Loss], processor: str
) -> tuple[Resource, ...]:
    """Return as ``choose`` what monitors told, and why those say nothing that were lost or are not ready."""
    told = {(each.monitor, each.metric) for each in found}
    lost = [each for each in _lost(monitors, losses) if (each.monitor, each.metric) not in told]
    return choose([*found, *lost, *monitors.absent], monitors.ranks, processor, monitors.options)


def _lost(monitors: InstalledMonitors, losses: Sequence[Loss]) -> Iterator[Resource]:
    """Yield what monitors that were left out would tell, with what they did."""
    for loss in losses:
        reason = f"the monitor {loss.monitor} failed: {loss.reason}"
        for metric in monitors.specs[loss.monitor].metrics if loss.monitor in monitors.specs else ():
            yield Resource(metric, monitor=loss.monitor, reason=reason, code="failed")


def _fit(resource: Resource, processor: str) -> int:
    """Return how well a power's scope fits what ran the model, the best first."""
    if resource.metric not in POWER:
        return 0
    if resource.scope in WHOLE:
        return WHOLE.index(resource.scope)
    nearest = ("device", "package") if processor.startswith(DEVICES) else ("package", "rails", "machine")
    return len(WHOLE) + (nearest.index(resource.scope) if resource.scope in nearest else len(nearest))


def _counts(resource: Resource, processor: str) -> bool:
    """Return whether a value is one of what ran the model: the power of an idle GPU is not that of a CPU's work."""
    return resource.metric not in POWER or resource.scope != "device" or not processor.startswith("CPU")


def _missing(
    name: str,
    offers: Sequence[Resource],
    known: Sequence[Resource],
    ranks: Mapping[str, int],
    asked: Collection[str],
) -> Resource:
    """Return a metric without a value, with the most telling reason."""
    if known:
        where = ", ".join(dict.fromkeys(each.monitor for each in known))
        return Resource(
            name, reason=f"only devices that did not run the model have a sensor ({where})", code="no-sensor"
        )
    if not offers:
        return Resource(name, reason="no installed monitor tells it", code="not-installed")
    best = min(offers, key=lambda each: (each.monitor not in asked, _telling(each.code), ranks.get(each.monitor, LAST)))
    return dataclasses.replace(best, monitor="")


def _telling(code: str) -> int:
    return TELLING.index(code) if code in TELLING else len(TELLING)
