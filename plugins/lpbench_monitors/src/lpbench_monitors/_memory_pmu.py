"""Memory bandwidth of the whole machine from the counters of its memory controllers.

Each sample gives the mean bandwidth since the one before; the first sample has none.  Where counters share registers,
each one's growth is extrapolated from the time that it ran to the time that it was enabled, as perf does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench_monitors._perf import Event, open_event
from lpbench_monitors._pmu_files import DEVICES, sources

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from lpbench.plugin.monitor import MonitorTarget, Readings
    from lpbench_monitors._perf import Count, Counter, Opener
    from lpbench_monitors._pmu_files import Source

METRIC = "MEMORY_BANDWIDTH"
MOST_COUNTERS = 512
MOST_UNITS = 38
"""Memory controllers that are told apart."""
MOST_MB_S = 1e8
AGAIN_S = 10.0
"""Seconds after which counters that stopped are opened again."""


@dataclass
class _Open:
    source: Source
    counter: Counter
    last: Count | None = None


class MemoryPmuMonitor(Monitor):
    """Reads the counters of Intel's and i.MX's memory controllers.

    :param opener: Opens a counter; by default one of this machine's kernel.
    """

    def __init__(self, target: MonitorTarget, config: Any = None, opener: Opener | None = None) -> None:
        super().__init__(target, config)
        self._opener = opener or (open_event if target.files.here else _of_another_machine)
        self._open: list[_Open] = []
        self._why = Unavailable("the counters are not open", "not-read")
        self._at, self._again = 0.0, 0.0

    def __enter__(self) -> Self:
        """Open the counters."""
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        self._close()

    def sample(self) -> Readings:
        """Return the bandwidth since the last sample in MB/s, read and written, and of each controller."""
        now = self.target.clock()
        if not self._open and now >= self._again:
            self._start()
        counts = [(each, each.counter.read()) for each in self._open]
        if any(count is None for _, count in counts):
            self._close()
            self._why = Unavailable("a memory controller's counter stopped", "failed")
        if not self._open:
            return {METRIC: self._why}
        seconds, self._at = now - self._at, now
        return self._bandwidth([(each, count) for each, count in counts if count is not None], seconds)

    def _start(self) -> None:
        self._close()
        self._at = self.target.clock()
        self._again = self._at + AGAIN_S
        found = sources(self.target.files)
        if isinstance(found, Unavailable):
            self._why = found
            return
        for source in found[:MOST_COUNTERS]:
            counter = self._opener(source.event)
            if isinstance(counter, Unavailable):  # a sum without it would be too small
                self._close()
                self._why = counter
                return
            self._open.append(_Open(source, counter))

    def _close(self) -> None:
        for each in self._open:
            each.counter.close()
        self._open = []

    def _bandwidth(self, counts: list[tuple[_Open, Count]], seconds: float) -> Readings:
        moved: dict[str, float] = {}
        first, problem = False, None
        for each, count in counts:
            last, each.last = each.last, count
            if last is None:
                first = True
                continue
            grown = _grown(each.source, last, count)
            if isinstance(grown, Unavailable):
                problem = grown
                continue
            for name in ("", f"/{each.source.direction}", f"/{each.source.unit}"):
                moved[name] = moved.get(name, 0.0) + grown
        if first:
            return {}
        return {METRIC: problem} if problem else _readings(moved, seconds)


def _of_another_machine(_event: Event) -> Unavailable:
    return Unavailable("the counters of another machine cannot be read here", "not-here")


def _grown(source: Source, before: Count, now: Count) -> float | Unavailable:
    """Return the bytes between two counts."""
    grown = now.value - before.value
    if grown < 0 and source.wraps:
        grown %= 1 << source.wraps
    enabled, running = now.enabled_ns - before.enabled_ns, now.running_ns - before.running_ns
    if grown < 0 or enabled < 0 or running < 0:
        return Unavailable(f"the counter of {source.unit} went back", "not-read")
    if enabled and not running:
        return Unavailable(f"the counter of {source.unit} did not run: others use its registers", "not-read")
    return grown * source.factor * (max(1.0, enabled / running) if running else 1.0)


def _readings(moved: dict[str, float], seconds: float) -> Readings:
    if seconds <= 0 or moved[""] / seconds / 1e6 > MOST_MB_S:
        return {METRIC: Unavailable("the counters tell more than a memory can move", "not-read")}
    units = [name for name in moved if name not in {"", "/read", "/write"}]
    names = ["", "/read", "/write", *(units[:MOST_UNITS] if len(units) > 1 else [])]
    return {
        f"{METRIC}{name}": Reading(moved[name] / seconds / 1e6, "MB/s", "machine", f"/{DEVICES}/{_where(name, units)}")
        for name in names
        if name in moved
    }


def _where(name: str, units: list[str]) -> str:
    return name[1:] if name in units else ", ".join(unit[1:] for unit in units[:4]) + (", …" if len(units) > 4 else "")  # noqa: PLR2004 - some, as examples
