"""What monitors of energy counters share: the sum of some domains, each domain as a part, and power from growth."""

from __future__ import annotations

import abc
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench_monitors._energy_counters import MICRO, STILL, Counter, Meter, Mirrors, Sum, safe_interval

if TYPE_CHECKING:
    from typing_extensions import Self

    from lpbench.plugin.monitor import Readings

ENERGY, POWER = "ENERGY", "POWER_CONSUMPTION"
MOST_MICROJOULES = 1 << 63
DOES_NOT_MOVE = Unavailable(f"the counter does not move: {STILL} samples and more without growth", "not-read")


@dataclass
class Domain:
    """A counter and what it covers.

    :param part: Its name as a part of the metrics.
    :param summed: Whether it is one of those whose sum is the metric itself.
    :param span: Microjoules after which it wraps around; 0 if it does not, or that is not known.
    """

    part: str
    scope: str
    file: str
    summed: bool
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


class EnergyMonitor(Monitor):
    """Sums domains up.

    Power needs two samples and is left out of the first one, as it is where nothing was counted since the last one.
    """

    source = ""
    """The files of the sum."""
    scope = "package"
    permission = ""
    """The commands that let everybody read the files."""

    @abc.abstractmethod
    def look(self) -> list[Domain]:
        """Return the domains that are here."""

    @abc.abstractmethod
    def lacking(self) -> Unavailable:
        """Return why there is no domain whose sum would be the metric."""

    def __enter__(self) -> Self:
        """Look for domains, and forget what was counted before."""
        self._domains = self.look()
        self._mirrors = Mirrors()
        self._mirrored: dict[str, str] = {}
        self._sum = Sum()
        return self

    def sample(self) -> Readings:
        """Return energy in J since some start, and power in W since the last sample; of the sum and of each domain."""
        shown = {each.part: found for each in self._domains if (found := self._shown(each)) is not None}
        summed = [each for each in self._domains if each.summed]
        spans = {each.part: each.span for each in summed if each.part in shown}
        self._mirrored = self._mirrors.update({part: shown[part] for part in spans}, spans)
        self._count([each for each in summed if each.part not in self._mirrored], shown)
        readings = dict(self._of_sum(summed, shown))
        for each in self._domains:
            readings |= self._of_domain(each, shown)
        return readings

    def _shown(self, domain: Domain) -> int | None:
        """Return the microjoules that a counter shows; None if it tells nothing that can be."""
        value = self.target.files.number(domain.file)
        return value if value is not None and 0 <= value <= (domain.span or MOST_MICROJOULES) else None

    def _count(self, counted: list[Domain], shown: dict[str, int]) -> None:
        """Take growth into each domain's meter, and into the sum that of those that count."""
        now = self.target.clock()
        grown = {each.part: each.follow(shown[each.part], now) for each in self._domains if each.part in shown}
        present = [each.part for each in counted if each.part in shown]
        for part in present:
            self._sum.take(grown[part])
        if counted and len(present) == len(counted):
            self._sum.settle(sum(shown[part] for part in present), now)

    def _of_sum(self, summed: list[Domain], shown: dict[str, int]) -> Readings:
        if not summed:
            return dict.fromkeys((ENERGY, POWER), self.lacking())
        missing = next((each for each in summed if each.part not in shown), None)
        if missing or self._sum.meter is None:
            return dict.fromkeys((ENERGY, POWER), self._missing(missing or summed[0]))
        return _readings("", self._sum.meter, self.scope, self.source, _lost(summed))

    def _of_domain(self, domain: Domain, shown: dict[str, int]) -> Readings:
        keys = (f"{ENERGY}/{domain.part}", f"{POWER}/{domain.part}")
        if domain.part not in shown or domain.meter is None:
            return dict.fromkeys(keys, self._missing(domain))
        if domain.part in self._mirrored:
            other = self._mirrored[domain.part]
            return dict.fromkeys(
                keys, Unavailable(f"its counter shows the energy of {other}, which counts", "not-comparable")
            )
        return _readings(f"/{domain.part}", domain.meter, domain.scope, f"/{domain.file}", _lost([domain]))

    def _missing(self, domain: Domain) -> Unavailable:
        found = self.target.files.missing(domain.file)
        return dataclasses.replace(found, hint=self.permission) if found.code == "no-permission" else found


def _readings(part: str, meter: Meter, scope: str, source: str, lost: Unavailable | None) -> Readings:
    if meter.stands_still:
        return dict.fromkeys((f"{ENERGY}{part}", f"{POWER}{part}"), DOES_NOT_MOVE)
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
