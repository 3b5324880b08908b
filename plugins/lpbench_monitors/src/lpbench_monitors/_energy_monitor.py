"""What monitors of energy counters share: the sum of some domains, each domain as a part, and power from growth."""

from __future__ import annotations

import abc
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench_monitors._energy_counters import MICRO, STILL, Counter, Meter, Mirrors, Sum, safe_interval
from lpbench_monitors._parts import distinct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Self

    from lpbench.plugin.monitor import Readings

ENERGY, POWER = "ENERGY", "POWER_CONSUMPTION"
MOST_MICROJOULES = 1 << 63
DOES_NOT_MOVE = Unavailable(f"the counter does not move: {STILL} samples and more without growth", "not-read")


@dataclass
class Domain:
    """A counter and what it covers.

    :param part: Its name as a part of the metrics.
    :param adds_to: The part that is the sum of such domains, empty for the metric itself; None if it is in no sum.
    :param span: Microjoules after which it wraps around; 0 if it does not, or that is not known.
    """

    part: str
    scope: str
    file: str
    adds_to: str | None = None
    span: int = 0
    counter: Counter = field(init=False)
    meter: Meter | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.counter = Counter(self.span)

    def follow(self, shown: int, now: float) -> int | None:
        """Take what the counter shows, and return its growth in microjoules; None if that is not known."""
        grown = self.counter.follow(shown, now)
        if self.meter is None:
            self.meter = Meter(shown, now)
        else:
            self.meter.add(grown or 0, now, known=grown is not None)
        return grown


class Group:
    """Domains whose sum is a metric, or a part of one; those that show one energy count once.

    :param domains: One or more.
    """

    def __init__(self, domains: list[Domain]) -> None:
        self.domains = domains
        self.sum = Sum()
        self.mirrored: dict[str, str] = {}
        """Which domain shows the energy of which other one, by part."""
        self._mirrors = Mirrors()

    def count(self, shown: Mapping[str, int], grown: Mapping[str, int | None], now: float) -> None:
        """Take what counters show and by how much they have grown into the sum, once each of them tells."""
        spans = {each.part: each.span for each in self.domains if each.part in shown}
        self.mirrored = self._mirrors.update({part: shown[part] for part in spans}, spans)
        counted = [each.part for each in self.domains if each.part not in self.mirrored]
        present = [part for part in counted if part in shown]
        for part in present:
            self.sum.take(grown[part])
        if len(present) == len(counted):
            self.sum.settle(sum(shown[part] for part in present), now)

    def missing(self, shown: Mapping[str, int]) -> Domain | None:
        """Return a domain that tells nothing, without which the sum is not known."""
        return next((each for each in self.domains if each.part not in shown), None)


class EnergyMonitor(Monitor):
    """Sums domains up.

    Power needs two samples and is left out of the first one, as it is where nothing was counted since the last one.
    """

    source = ""
    """The files of the sum."""
    permission = ""
    """The commands that let everybody read the files."""

    @abc.abstractmethod
    def look(self) -> list[Domain]:
        """Return the domains that are here."""

    @abc.abstractmethod
    def lacking(self) -> Unavailable:
        """Return why there is no domain that adds to the metric itself."""

    def __enter__(self) -> Self:
        """Look for domains, and forget what was counted before."""
        self._domains = _named_apart(self.look())
        sums = {each.adds_to: None for each in self._domains if each.adds_to is not None}
        self._groups = {name: Group([each for each in self._domains if each.adds_to == name]) for name in sums}
        return self

    def sample(self) -> Readings:
        """Return energy in J since some start, and power in W since the last sample; of sums and of each domain."""
        shown = {each.part: found for each in self._domains if (found := self._shown(each)) is not None}
        now = self.target.clock()
        grown = {each.part: each.follow(shown[each.part], now) for each in self._domains if each.part in shown}
        readings: dict[str, Reading | Unavailable | Sequence[Reading]] = {}
        for each in self._domains:
            readings |= self._of_domain(each, shown)
        if "" not in self._groups:
            readings |= _keyed("", self.lacking())
        for name, group in self._groups.items():
            group.count(shown, grown, now)
            readings |= self._of_group(name, group, shown)
        return readings

    def _shown(self, domain: Domain) -> int | None:
        """Return the microjoules that a counter shows; None if it tells nothing that can be."""
        value = self.target.files.number(domain.file)
        return value if value is not None and 0 <= value <= (domain.span or MOST_MICROJOULES) else None

    def _of_group(self, name: str, group: Group, shown: Mapping[str, int]) -> Readings:
        """Return the readings of a sum, and what has to be said of its domains."""
        part = f"/{name}" if name else ""
        missing = group.missing(shown)
        if missing or group.sum.meter is None:
            return _keyed(part, self._missing(missing or group.domains[0]))
        source = self.source if not name else f"{len(group.domains)} counters called {name}"
        readings = dict(_readings(part, group.sum.meter, group.domains[0].scope, source, _lost(group.domains)))
        for twin, other in group.mirrored.items():
            readings |= _keyed(f"/{twin}", Unavailable(f"shows the energy of {other}, which counts", "not-comparable"))
        return readings

    def _of_domain(self, domain: Domain, shown: Mapping[str, int]) -> Readings:
        part = f"/{domain.part}"
        if domain.part not in shown or domain.meter is None:
            return _keyed(part, self._missing(domain))
        return _readings(part, domain.meter, domain.scope, f"/{domain.file}", _lost([domain]))

    def _missing(self, domain: Domain) -> Unavailable:
        found = self.target.files.missing(domain.file)
        return dataclasses.replace(found, hint=self.permission) if found.code == "no-permission" else found


def _named_apart(domains: list[Domain]) -> list[Domain]:
    """Return domains of which no two have the same name."""
    named: dict[str, Domain] = {}
    for each in domains:
        part = distinct(each.part, "", named)
        named[part] = dataclasses.replace(each, part=part)
    return list(named.values())


def _keyed(part: str, reason: Unavailable) -> dict[str, Unavailable]:
    return {f"{ENERGY}{part}": reason, f"{POWER}{part}": reason}


def _readings(part: str, meter: Meter, scope: str, source: str, lost: Unavailable | None) -> Readings:
    if meter.stands_still:
        return _keyed(part, DOES_NOT_MOVE)
    energy = lost or Reading(meter.microjoules * MICRO, "J", scope, source, cumulative=True)
    power = {} if meter.watts is None else {f"{POWER}{part}": Reading(meter.watts, "W", scope, source)}
    return {f"{ENERGY}{part}": energy, **power}


def _lost(domains: list[Domain]) -> Unavailable | None:
    """Return why energy is not known any more; None while it is."""
    widest = max(domains, key=lambda each: each.counter.gap)
    if not widest.counter.gap:
        return None
    return Unavailable(
        f"{widest.counter.gap:.0f} s without a sample: the counter may have wrapped around more than once; "
        f"safe are {safe_interval(widest.span):.0f} s",
        "not-read",
    )
