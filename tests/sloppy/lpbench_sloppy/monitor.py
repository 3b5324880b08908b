"""A monitor of a clock and a file, with one fault."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from lpbench.plugin.monitor import Monitor, MonitorTarget, Reading
from lpbench.util.unavailable import Unavailable

from .fault import is_broken, leak, meddle

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from lpbench.plugin.monitor import Readings

OPEN: list[SloppyMonitor] = []
HEAT = "sys/class/thermal/thermal_zone0/temp"


class SloppyMonitor(Monitor):
    """Has a thread that waits, and joins it at the end."""

    stopped_by_another = False

    def __init__(self, target: MonitorTarget, config: Any = None) -> None:
        """Keep what is watched."""
        super().__init__(target, config)
        self._waiting: list[tuple[threading.Event, threading.Thread]] = []
        self._entered = 0

    def __enter__(self) -> Self:
        """Start."""
        if is_broken("monitor/monitor_can_be_entered_again") and self._entered:
            raise RuntimeError("entered twice")
        leak("monitor/stays_leave_nothing_behind")
        meddle("monitor")
        self._entered += 1
        self._begun, self._sampled, ended = time.monotonic(), False, threading.Event()
        thread = threading.Thread(target=ended.wait, daemon=True)
        thread.start()
        self._waiting.append((ended, thread))
        OPEN.append(self)
        broken = is_broken("monitor/entering_returns_the_monitor")
        return None if broken else self  # type: ignore[return-value] # the fault

    def __exit__(  # type: ignore[override] # swallowing errors is one of the faults
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Stop."""
        if is_broken("monitor/short_stays_are_harmless") and not self._sampled:
            raise RuntimeError("left too early")
        for each in OPEN if is_broken("monitor/two_monitors_do_not_mix") else [self]:
            each.end()
            each.stopped_by_another |= each is not self
        OPEN.remove(self)
        return is_broken("monitor/errors_pass_through")

    def end(self) -> None:
        """End the thread."""
        for ended, thread in self._waiting:
            ended.set()
            thread.join()

    def sample(self) -> Readings:
        """Return the duration, a temperature, and a power that is unavailable."""
        leak("monitor/samples_leave_nothing_behind")
        self._sampled = True
        if is_broken("monitor/calls_keep_the_deadline"):
            time.sleep(0.6)
        if self.stopped_by_another:
            return {}
        if is_broken("monitor/readings_are_of_the_contract"):
            return {"SECONDS": 1.0}  # type: ignore[dict-item] # the fault
        unit = "" if is_broken("monitor/readings_say_unit_scope_and_source") else "s"
        reason = "" if is_broken("monitor/unavailable_says_why") else "there is no meter"
        stated = not is_broken("monitor/metrics_are_those_of_the_spec")
        power = {"POWER_CONSUMPTION": Unavailable(reason)} if stated else {}
        seconds = Reading(self.target.clock() - self._begun, unit, "process", "clock")
        return {"SECONDS": seconds, "CPU_TEMP": self._temperature(), **power}

    def _temperature(self) -> Reading | Unavailable:
        """Return the temperature in the file, else that of a made-up sensor on this machine."""
        text = self.target.files.text(HEAT)
        careless = is_broken("monitor/garbage_gives_reasons")
        if not self.target.files.exists("proc/self") and is_broken("monitor/machine_without_it_gives_reasons"):
            raise FileNotFoundError(HEAT)
        if self.target.pid == 2**22 + 1 and is_broken("monitor/process_that_ended_gives_reasons"):
            raise ProcessLookupError
        if text is None and self.target.files.here and self.target.files.exists("proc/self"):
            kelvin = is_broken("monitor/known_metrics_have_their_units")
            return Reading(313.0 if kelvin else 40.0, "K" if kelvin else "°C", "device", "a made-up sensor")
        try:
            heat = float(text or "") if careless else int(text or "") / 1000
        except ValueError:
            return self.target.files.missing(HEAT)
        plausible = careless or -50 < heat < 200
        return Reading(heat, "°C", "device", HEAT) if plausible else Unavailable(f"{heat} °C cannot be")
