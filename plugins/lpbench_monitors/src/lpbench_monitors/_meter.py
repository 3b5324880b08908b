"""An external power meter whose logger appends times and watts to a file: any USB power meter, any wall plug.

Its times become the target's: ``time of the row - offset`` on the wall clock, and from there by the difference of wall
clock and target's clock at the moment.  The file is followed where it grows, is rotated, truncated or replaced.
"""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import METRICS, Monitor, Reading, Unavailable
from lpbench_monitors._meter_file import Tail
from lpbench_monitors._meter_rows import RowReader
from lpbench_monitors._meter_text import LATEST, RELATIVE
from lpbench_monitors.config import MeterConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from lpbench.plugin.monitor import MonitorTarget, Readings
    from lpbench_monitors._meter_rows import Row

POWER, ENERGY = "POWER_CONSUMPTION", "ENERGY"
BEFORE_S = 10.0
"""Rows from that long before entering count: for an idle baseline."""
AHEAD_S = 2.0
"""A row that is further in the future comes from a clock that is ahead."""
JUMP_S = 0.5
"""The wall clock does not drift that far between two samples."""
JITTER_S = 0.05
SILENT_S = 60.0
ALIGNS = "offset=SECONDS aligns them, by which the meter's clock is ahead of this machine's"


class MeterMonitor(Monitor):
    """Reads the rows that were appended since it was last asked, each at the time that the meter gave it."""

    wall: Callable[[], float] = staticmethod(time.time)

    def __init__(self, target: MonitorTarget, config: MeterConfig | None = None) -> None:
        super().__init__(target, config)
        self._options = config or MeterConfig()
        self._name = "".join(each for each in os.path.basename(self._options.file) if each.isprintable())  # noqa: PTH119
        self._tail = Tail(self._options.file)
        self._reader = RowReader(self._options)
        self._forget()

    def _forget(self) -> None:
        self._begun = self.target.clock()
        self._difference = self.wall() - self._begun
        self._jumps, self._jumped = 0, 0.0
        self._dropped: Counter[str] = Counter()
        self._first, self._last, self._lead = math.inf, -math.inf, math.nan
        self._newest, self._at, self._seen = -math.inf, -math.inf, -math.inf
        self._joules, self._counted, self._counted_at = math.nan, 0.0, self._begun
        self._samples = self._inside = self._power = self._energy = 0
        self._why: Unavailable | None = None

    def __enter__(self) -> Self:
        """Open the file, and go to where the rows begin that count."""
        self._forget()
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._tail.close()

    def _open(self) -> None:
        self._why = self._tail.open() if self._options.file else _unnamed()
        self._reader.reset()
        self._seen = self._newest
        if self._why is None:
            for row in self._reader.rows(self._tail.head()):
                self._first = min(self._first, row.time)
            self._tail.skip(self._before)
            self._reader.unreadable = self._reader.others = 0

    def _before(self, lines: list[str]) -> bool:
        """Return whether lines are of a time before the rows that count."""
        row = next(iter(self._reader.rows(lines)), None)
        return row is not None and self._aligned(row.time) < self._begun - BEFORE_S

    def _aligned(self, moment: float) -> float:
        """Return a time of the meter on the target's clock."""
        return moment - self._options.offset - self._difference

    def sample(self) -> Readings:
        """Return the new rows; a metric is left out while the file has none."""
        self._compare_clocks()
        rows = self._reader.rows(self._lines())
        if rows and self._samples:
            self._lead = rows[-1].time - self.wall()
        self._samples += 1
        kept = [(row, at) for row in rows if (at := self._place(row)) is not None]
        found = {POWER: self._watts(kept), ENERGY: self._energies(kept)}
        return {name: each for name, each in found.items() if each is not None}

    def _compare_clocks(self) -> None:
        """Notice a wall clock that was set: rows that come now are aligned by what it says now."""
        difference = self.wall() - self.target.clock()
        if abs(difference - self._difference) > JUMP_S:
            self._jumps += 1
            self._jumped += difference - self._difference
            self._newest = -math.inf
        self._difference = difference

    def _lines(self) -> list[str]:
        """Return the new lines; of a file that came back, was rotated or replaced, those of the new one."""
        if not self._options.file:
            return []
        lines = self._tail.lines()
        if not lines and (not self._tail.opened or self._tail.replaced()):
            self._open()
            lines = self._tail.lines()
        return lines

    def _place(self, row: Row) -> float | None:
        """Return when a row was on the target's clock; None if it does not count."""
        self._first, self._last = min(self._first, row.time), max(self._last, row.time)
        at = self._aligned(row.time)
        if not self._begun - BEFORE_S <= at <= self.target.clock() + AHEAD_S or row.time <= self._seen:
            return None
        if row.time < self._newest or at < self._at - JITTER_S:
            self._dropped["out of order"] += 1
            return None
        self._newest, self._at = row.time, max(at, self._at)
        self._inside += 1
        return self._at

    def _watts(self, kept: list[tuple[Row, float]]) -> list[Reading] | Unavailable | None:
        readings = []
        for row, at in kept:
            wrong = _wrong(row.watts) if row.watts is not None else "not a number" if self._reader.powered else ""
            self._dropped[wrong] += bool(wrong)
            if row.watts is not None and not wrong:
                readings.append(self._reading(row.watts, "W", at))
        self._power += len(readings)
        return readings or self._reason(POWER, self._power)

    def _energies(self, kept: list[tuple[Row, float]]) -> list[Reading] | Unavailable | None:
        """Return how far the energy has counted; from where it was set back it counts on."""
        readings = []
        for row, at in kept:
            if row.joules is None or row.joules < 0:
                continue
            growth = row.joules - self._joules
            seconds = max(at - self._counted_at, 1.0)
            self._counted += growth if 0 < growth <= METRICS[POWER].most * seconds else 0.0
            self._joules, self._counted_at = row.joules, at
            readings.append(self._reading(self._counted, "J", at, cumulative=True))
        self._energy += len(readings)
        return readings or self._reason(ENERGY, self._energy)

    def _reading(self, value: float, unit: str, at: float, *, cumulative: bool = False) -> Reading:
        return Reading(value, unit, self._options.scope, self._source(), cumulative=cumulative, at=at)

    def _source(self) -> str:
        """Return the file, how its times were aligned, and what is to be known of its rows."""
        said = [self._name, f"offset {self._options.offset:g} s"]
        if self._reader.multiplied:
            said.append("V times A")
        if self._jumps:
            said.append(f"the wall clock was set {self._jumps} times, by {self._jumped:+.1f} s together")
        return ", ".join([*said, *self._drops()])

    def _drops(self) -> list[str]:
        counts = {**self._dropped, "unreadable": self._reader.unreadable, "of other devices": self._reader.others}
        words = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return [f"rows dropped: {words}"] if words else []

    def _reason(self, metric: str, given: int) -> Unavailable | None:
        """Return why a metric has no new row; None while it may just be too early for the next."""
        gone = self._why or self._tail.gone()
        if gone:
            return gone
        if given:
            age = self.target.clock() - self._at
            return Unavailable(f"{self._name}: its last row is {age:.0f} s old", "failed") if age > SILENT_S else None
        return self._never(metric)

    def _never(self, metric: str) -> Unavailable:
        """Return why a metric never had a row."""
        if not self._reader.known:
            return self._strange()
        if self._inside and metric == ENERGY:
            what = "no column of a cumulative energy; the integral of its power gives the energy"
            return Unavailable(f"{self._name} has {what}", "not-supported")
        if self._inside:
            return Unavailable("; ".join([f"{self._name} has no power that can be", *self._drops()]), "not-read")
        if not math.isfinite(self._first):
            return Unavailable("; ".join([f"{self._name} has no row yet", *self._drops()]), "not-read")
        return self._apart()

    def _strange(self) -> Unavailable:
        if not self._reader.first:
            return Unavailable(f"{self._name} is empty so far", "not-read")
        begins = "".join(each if each.isprintable() else " " for each in self._reader.first)
        what = f"{self._name}: no line names a time and a power that can be told; it begins {begins!r}"
        return Unavailable(what, "not-read", "name its columns: time=TITLE, power=TITLE")

    def _apart(self) -> Unavailable:
        """Return that the file's times are not the run's, and the offset that would make them so."""
        last = max(self._first, self._last)
        known = math.isfinite(self._lead)
        hint = f"offset={self._lead:.1f} aligns them, if its last row is of now" if known else ALIGNS
        if last < RELATIVE:
            what = f"count from a start of its own ({self._first:.0f} to {last:.0f} s)"
            return Unavailable(f"{self._name}: the meter's times {what}; {hint}", "not-comparable", hint)
        begun = self._begun - BEFORE_S + self._difference
        span = f"{_shown(self._first)} to {_shown(last)}"
        what = f"the meter's times {span} do not overlap the run's since {_shown(begun)}"
        return Unavailable(f"{self._name}: {what}; {hint}", "not-comparable", hint)


def _wrong(watts: float) -> str:
    return "negative" if watts < 0 else "" if watts <= METRICS[POWER].most else "absurd"


def _unnamed() -> Unavailable:
    return Unavailable("no meter's file is named", "other-machine", "lpbench run --monitor meter:file=power.csv")


def _shown(moment: float) -> str:
    """Return a time in UTC."""
    if not 0 <= moment < LATEST:
        return f"{moment:.0f} s"
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(moment))
