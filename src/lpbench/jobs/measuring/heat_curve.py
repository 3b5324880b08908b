"""How heating curves are taken: slices at constant memory, and the temperature as monitors tell it meanwhile."""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.results.sustained import MOST_SLICES, WATCHED, HeatSlice, merge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.jobs.measuring.resources.installed_monitors import InstalledMonitors
    from lpbench.results.settings import RunSettings
    from lpbench.worker.sampler.messages import Report

TEMPERATURE = "CPU_TEMP"


@dataclass(frozen=True)
class Sustain:
    """How heating curves are taken.

    :param seconds: Of each.
    :param monitors: The monitors that tell what is watched.
    """

    seconds: float
    monitors: InstalledMonitors

    @classmethod
    def of(cls, settings: RunSettings) -> Sustain | None:
        """Return what settings ask for."""
        if settings.sustain is None:
            return None
        from lpbench.jobs.measuring.resources.installed_monitors import (
            installed_monitors,  # most benchmarks watch nothing
        )

        every = installed_monitors(settings.monitors)
        specs = {name: spec for name, spec in every.specs.items() if not set(WATCHED).isdisjoint(spec.metrics)}
        return cls(settings.sustain, dataclasses.replace(every, specs=specs))


@dataclass
class HeatCurve:
    """Slices, of which as many neighbours are merged everywhere once there are too many.

    :param most: An even number.
    :ivar merged: How many measured slices one that is kept holds.
    """

    most: int = MOST_SLICES
    merged: int = 1
    _kept: list[HeatSlice] = field(default_factory=list)
    _open: list[HeatSlice] = field(default_factory=list)

    def add(self, at: float, wall_s: float, totals: Sequence[int]) -> float:
        """Take in the times of a slice in nanoseconds and return their median."""
        median = float(statistics.median(totals))
        self.append(HeatSlice(round(at, 6), len(totals), wall_s, median, min(totals), max(totals)))
        return median

    def append(self, measured: HeatSlice) -> None:
        """Take in a slice, in the order of time."""
        self._open.append(measured)
        if len(self._open) < self.merged:
            return
        self._kept.append(merge(self._open))
        self._open.clear()
        if len(self._kept) == self.most:
            self._kept = [merge(self._kept[at : at + 2]) for at in range(0, self.most, 2)]
            self.merged *= 2

    def slices(self) -> tuple[HeatSlice, ...]:
        """Return the slices; the last may hold fewer."""
        return (*self._kept, *([merge(self._open)] if self._open else []))


@dataclass
class Thermometer:
    """Notes the CPU's temperature, in a sampler's thread.

    :param ranks: Of the monitors; the lowest one that tells counts.
    """

    ranks: Mapping[str, int]
    _latest: dict[str, float] = field(default_factory=dict)

    def take(self, report: Report) -> None:
        """Take in a report with readings."""
        from lpbench.worker.sampler.messages import decode

        for key, found in decode(report):
            if key == TEMPERATURE and isinstance(found, list):
                self._latest[report.monitor] = found[-1].value

    def celsius(self) -> float | None:
        """Return what was told last; None before."""
        known = sorted(self._latest.items(), key=lambda each: self.ranks.get(each[0], 0))
        return known[0][1] if known else None
