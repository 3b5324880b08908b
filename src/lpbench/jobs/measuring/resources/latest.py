"""What monitors said last, without a process that is measured: a value now, or the growth of what counts up."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.jobs.measuring.resources.collector import MOST_TRACES
from lpbench.jobs.measuring.resources.series import Counter, Gauge
from lpbench.results.resources import Resource
from lpbench.util.unavailable import Unavailable
from lpbench.worker.sampler.messages import decode

if TYPE_CHECKING:
    from lpbench.plugin.monitor import Reading
    from lpbench.worker.sampler.messages import Report

READ_ONCE = Unavailable("it counts up, and was read only once", "too-short")

GONE = Unavailable("its monitor tells it no longer", "not-here")


@dataclass
class _Told:
    """What one monitor said of one metric or part.

    :param missing: Why there is no value now, although there may have been one before: a sensor was unplugged.
    """

    latest: Reading | None = None
    missing: Unavailable | None = None
    gauge: Gauge = field(default_factory=Gauge)
    counter: Counter = field(default_factory=Counter)

    def add(self, at: float, reading: Reading) -> None:
        """Take in a reading."""
        self.latest, self.missing = reading, None
        (self.counter if reading.cumulative else self.gauge).add(at, reading.value)

    def miss(self, why: Unavailable) -> None:
        """Take in that there is no value now; a value stays one where the next came too soon."""
        if self.latest is None or why.code != "too-short":
            self.missing = why

    def resource(self, name: str, monitor: str) -> Resource:
        """Return its state as a resource, whose mean is the value now, or the growth of what counts up."""
        reading = self.latest
        why = self.missing or (READ_ONCE if reading and reading.cumulative and not self.counter.counted_s else None)
        if reading is None or why is not None:
            why = why or Unavailable("it gave no reading", "too-short")
            return Resource(name, monitor=monitor, reason=why.reason, code=why.code, hint=why.hint)
        facts = (name, reading.unit, monitor, reading.scope, reading.source)
        if reading.cumulative:
            return Resource(*facts, self.counter.n, self.counter.growth, growth=self.counter.growth)
        return Resource(*facts, self.gauge.n, reading.value, self.gauge.minimum, self.gauge.maximum)


class LatestReadings:
    """Takes reports in a sampler's thread."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], _Told] = {}
        self._lock = threading.Lock()

    def take(self, report: Report) -> None:
        """Take in a report with readings."""
        with self._lock:
            told = dict(decode(report))
            for key, found in told.items():
                self._take(report, key, found)
            for (monitor, key), each in self._told.items():
                # a metric that is left out keeps its value, and its parts go with it
                if monitor == report.monitor and key not in told and key.partition("/")[0] in told:
                    each.miss(GONE)

    def _take(self, report: Report, key: str, found: list[Reading] | Unavailable) -> None:
        if (report.monitor, key) not in self._told and len(self._told) >= MOST_TRACES:
            return
        told = self._told.setdefault((report.monitor, key), _Told())
        if isinstance(found, Unavailable):
            told.miss(found)
            return
        for reading in found:
            told.add(report.at if reading.at is None else reading.at, reading)

    def resources(self) -> list[Resource]:
        """Return what each monitor said of each metric, in the order in which they were first told."""
        with self._lock:
            return [told.resource(key, monitor) for (monitor, key), told in self._told.items()]
