"""Checks of monitors: valid readings, re-entry, and no leaks or side effects."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Reading
from lpbench.testing import _process
from lpbench.testing._checks import Failed, NotApplicable, require, short
from lpbench.testing._lifetime import nothing_grows
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.testing._subject import MonitorSubject

SCOPES = frozenset({"process", "device", "package", "module", "wall", "machine"})
SHORT_S = 0.01


def readings_are_of_the_contract(subject: MonitorSubject) -> None:
    """The monitor returns at least one metric, and each is a Reading or an Unavailable with a reason."""
    readings = _read(subject)
    require(readings, "the monitor returned no metric; return Unavailable(reason) for what it cannot read")
    wrong = [name for name, reading in readings.items() if not isinstance(reading, (Reading, Unavailable))]
    require(not wrong, f"these metrics are neither Reading nor Unavailable: {', '.join(wrong)}")


def readings_say_unit_scope_and_source(subject: MonitorSubject) -> None:
    """Each reading has a finite value, a unit, one of the contract's scopes and a source."""
    readings = {name: reading for name, reading in _read(subject).items() if isinstance(reading, Reading)}
    if not readings:
        raise NotApplicable("no metric is available here")
    for name, reading in readings.items():
        require(math.isfinite(reading.value), f"{name} is {reading.value}")
        require(reading.unit and reading.source, f"{name} lacks a unit or a source: {reading}")
        require(reading.scope in SCOPES, f'{name} has the scope "{reading.scope}"; known: {", ".join(sorted(SCOPES))}')


def unavailable_says_why(subject: MonitorSubject) -> None:
    """A metric that is not available gives the reason."""
    silent = [
        name for name, reading in _read(subject).items() if isinstance(reading, Unavailable) and not reading.reason
    ]
    require(not silent, f"Unavailable gives no reason for {', '.join(silent)}")


def entering_returns_the_monitor(subject: MonitorSubject) -> None:
    """Entering with ``with`` returns the monitor itself, so that its readings can be read."""
    monitor = subject.build()
    with monitor as entered:
        require(entered is monitor, f"entering returned {entered!r}")


def short_stays_are_harmless(subject: MonitorSubject) -> None:
    """A monitor that is left at once still returns readings or reasons."""
    with subject.build() as monitor:
        pass
    require(monitor.readings(), "the monitor returned no metric after it was left at once")


def monitor_can_be_entered_again(subject: MonitorSubject) -> None:
    """A monitor can be entered a second time and returns the same metrics."""
    monitor = subject.build()
    names = []
    for _ in range(2):
        with monitor:
            time.sleep(SHORT_S)
        names.append(sorted(monitor.readings()))
    require(names[0] == names[1], f"the first time it read {names[0]}, the second time {names[1]}")


def two_monitors_do_not_mix(subject: MonitorSubject) -> None:
    """Two monitors that are open at once both read, and leaving one does not affect the other."""
    first, second = subject.build(), subject.build()
    with first:
        with second:
            time.sleep(SHORT_S)
        time.sleep(SHORT_S)
    names = sorted(first.readings()), sorted(second.readings())
    require(names[0] == names[1] and names[0], f"one monitor read {names[0]}, the other {names[1]}")


def errors_pass_through(subject: MonitorSubject) -> None:
    """An exception raised while a monitor is open is neither swallowed nor replaced."""
    error = KeyError("raised on purpose")
    monitor = subject.build().__enter__()
    try:
        swallowed = monitor.__exit__(KeyError, error, None)
    except Exception as another:
        raise Failed(f"the error was replaced by {short(another)}") from another
    require(not swallowed, "the error was swallowed")


def stays_leave_nothing_behind(subject: MonitorSubject) -> None:
    """Leaving a monitor leaves no sampling thread, descriptor or memory behind."""

    def stay() -> None:
        with subject.build() as monitor:
            time.sleep(SHORT_S / 2)
        monitor.readings()

    nothing_grows(stay, subject.case.cycles)


def process_is_left_as_it_was(subject: MonitorSubject) -> None:
    """Environment (native, too), working directory, affinity, signal handlers and umask are unchanged."""
    subject.case  # noqa: B018 - made before the state is recorded
    before = _process.state()
    _read(subject)
    changed = _process.changes(before, _process.state())
    require(not changed, "; ".join(changed))


def standard_output_is_silent(subject: MonitorSubject) -> None:
    """Nothing is printed to standard output, which is reserved for results."""
    with _process.nothing_printed(subject.folder):
        _read(subject)


def _read(subject: MonitorSubject) -> Mapping[str, Reading | Unavailable]:
    seconds = subject.case.seconds
    with subject.build() as monitor:
        time.sleep(seconds)
    return monitor.readings()
