"""Sorts readings into the windows of a resource pass: idle before, samples running, idle after."""

from __future__ import annotations

import dataclasses
import statistics
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from lpbench.jobs.measuring.resources.series import Counter, Gauge
from lpbench.results.resources import Resource
from lpbench.util.unavailable import Unavailable
from lpbench.worker.sampler.messages import decode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from lpbench.plugin.monitor import Reading
    from lpbench.worker.sampler.messages import Report

T = TypeVar("T")

BUSY, IDLE = "busy", "idle"
MOST_TRACES = 2000
"""Metrics and parts, of all monitors together, that are kept."""


@dataclass
class Window:
    """A stretch of time.

    :param end: None while it lasts.
    """

    kind: str
    begin: float
    end: float | None = None

    @property
    def until(self) -> float:
        """Its end; its beginning while it lasts."""
        return self.begin if self.end is None else self.end

    def holds(self, at: float) -> bool:
        """Return whether a moment lies in it."""
        return self.begin <= at and (self.end is None or at <= self.end)


@dataclass
class Trace:
    """What one monitor said of one metric or part."""

    latest: Reading | None = None
    missing: Unavailable | None = None
    gauges: dict[int, Gauge] = field(default_factory=dict)
    counters: dict[int, Counter] = field(default_factory=dict)
    surveyed: list[Reading] = field(default_factory=list)

    def add(self, window: int | None, at: float, reading: Reading) -> None:
        """Take in a reading."""
        self.latest = reading
        if window is None:
            return
        if reading.cumulative:
            self.counters.setdefault(window, Counter()).add(at, reading.value)
        else:
            self.gauges.setdefault(window, Gauge()).add(at, reading.value)


class Collector:
    """Takes reports in a sampler's thread; windows are opened and closed by the thread that measures."""

    def __init__(self) -> None:
        self._windows: list[Window] = []
        self._traces: dict[tuple[str, str], Trace] = {}
        self._lock = threading.Lock()

    def begin(self, kind: str, at: float) -> None:
        """Open a window at a moment on the sampler's clock."""
        with self._lock:
            self._windows.append(Window(kind, at))

    def end(self, at: float) -> None:
        """Close the window that is open."""
        with self._lock:
            self._windows[-1].end = at

    def take(self, report: Report) -> None:
        """Take in a report with readings."""
        for key, found in decode(report):
            with self._lock:
                self._take(report, key, found)

    def _take(self, report: Report, key: str, found: list[Reading] | Unavailable) -> None:
        known = (report.monitor, key) in self._traces
        if not known and len(self._traces) >= MOST_TRACES:
            return
        trace = self._traces.setdefault((report.monitor, key), Trace())
        if not isinstance(found, list):
            trace.missing = found
        elif report.survey:
            trace.surveyed = [*trace.surveyed[:1], *found[-1:]]
        else:
            for reading in found:
                at = report.at if reading.at is None else reading.at
                trace.add(self._window(at), at, reading)

    def _window(self, at: float) -> int | None:
        """Return the index of the window that holds a moment; the newest first."""
        numbered = reversed(list(enumerate(self._windows)))
        return next((number for number, window in numbered if window.holds(at)), None)

    def seconds(self, kind: str) -> float:
        """Return how long the windows of a kind lasted together."""
        return sum(each.until - each.begin for each in self._windows if each.kind == kind)

    def tellers(self, metrics: Collection[str]) -> set[str]:
        """Return the monitors that have told one of some metrics so far."""
        with self._lock:
            return {monitor for (monitor, key), trace in self._traces.items() if trace.latest and key in metrics}

    def resources(self) -> list[Resource]:
        """Return what each monitor said of each metric, in the order in which they were first told."""
        with self._lock:
            return [self._resource(monitor, key, trace) for (monitor, key), trace in self._traces.items()]

    def _resource(self, monitor: str, key: str, trace: Trace) -> Resource:
        reading = trace.latest or next(iter(trace.surveyed[-1:]), None)
        if reading is None:
            return _unanswered(Resource(key, monitor=monitor), trace)
        facts = Resource(key, reading.unit, monitor, reading.scope, reading.source)
        if trace.latest is None:
            return _surveyed(facts, [each.value for each in trace.surveyed])
        return self._counted(facts, trace) if reading.cumulative else self._gauged(facts, trace)

    def _gauged(self, facts: Resource, trace: Trace) -> Resource:
        busy = self._of(BUSY, trace.gauges)
        if not busy:
            return _unanswered(facts, trace)
        return dataclasses.replace(
            facts,
            n=sum(each.n for _, each in busy),
            mean=_mean(each.mean(window.begin, window.until) for window, each in busy),
            minimum=min(each.minimum for _, each in busy),
            maximum=max(each.maximum for _, each in busy),
            idle=_mean(each.mean(window.begin, window.until) for window, each in self._of(IDLE, trace.gauges)),
            series=busy[0][1].points.series(busy[0][0].begin),
        )

    def _counted(self, facts: Resource, trace: Trace) -> Resource:
        busy = [(window, each) for window, each in self._of(BUSY, trace.counters) if each.counted_s > 0]
        if not busy:
            return _unanswered(facts, trace)
        growth = sum(each.growth for _, each in busy)
        return dataclasses.replace(
            facts,
            n=sum(each.n for _, each in busy),
            mean=growth / sum(each.counted_s for _, each in busy),
            growth=growth,
            idle=_mean(each.rate() for _, each in self._of(IDLE, trace.counters)),
            series=busy[0][1].points.series(busy[0][0].begin),
        )

    def _of(self, kind: str, found: Mapping[int, T]) -> list[tuple[Window, T]]:
        """Return what was collected in the windows of a kind."""
        return [(self._windows[at], each) for at, each in sorted(found.items()) if self._windows[at].kind == kind]


def _unanswered(facts: Resource, trace: Trace) -> Resource:
    """Return a resource without a value, with the monitor's reason."""
    why = trace.missing or Unavailable("it gave no reading while samples ran", "too-short")
    return dataclasses.replace(facts, reason=why.reason, code=why.code, hint=why.hint)


def _surveyed(facts: Resource, values: Sequence[float]) -> Resource:
    """Return a resource that was read before and after."""
    return dataclasses.replace(facts, n=len(values), mean=values[-1], minimum=min(values), maximum=max(values))


def _mean(values: Iterable[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return statistics.fmean(known) if known else None
