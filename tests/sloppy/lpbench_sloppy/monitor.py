"""A monitor of a clock, with one fault."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Reading
from lpbench.util.unavailable import Unavailable

from .fault import is_broken, leak, meddle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

OPEN: list[SloppyMonitor] = []


class SloppyMonitor(Monitor):
    """Samples in a separate thread and joins it at the end."""

    stopped_by_another = False

    def __enter__(self) -> Self:
        """Start."""
        if is_broken("monitor/monitor_can_be_entered_again") and hasattr(self, "_ended"):
            raise RuntimeError("entered twice")
        leak("monitor/stays_leave_nothing_behind")
        meddle("monitor")
        self._begun, self._ended = time.monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._ended.wait, daemon=True)
        self._thread.start()
        OPEN.append(self)
        broken = is_broken("monitor/entering_returns_the_monitor")
        return None if broken else self  # type: ignore[return-value] # the fault

    def __exit__(  # type: ignore[override] # swallowing errors is one of the faults
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Stop."""
        self._seconds = time.monotonic() - self._begun
        for each in OPEN if is_broken("monitor/two_monitors_do_not_mix") else [self]:
            each.end()
            each.stopped_by_another |= each is not self
        OPEN.remove(self)
        return is_broken("monitor/errors_pass_through")

    def end(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def readings(self) -> Mapping[str, Reading | Unavailable]:
        """Return the duration, and a power that is unavailable."""
        if is_broken("monitor/short_stays_are_harmless") and self._seconds < 1:
            return {}
        if self.stopped_by_another:
            return {}
        if is_broken("monitor/readings_are_of_the_contract"):
            return {"SECONDS": 1.0}  # type: ignore[dict-item] # the fault
        unit = "" if is_broken("monitor/readings_say_unit_scope_and_source") else "s"
        reason = "" if is_broken("monitor/unavailable_says_why") else "there is no meter"
        return {"SECONDS": Reading(self._seconds, unit, "process", "clock"), "POWER": Unavailable(reason)}
