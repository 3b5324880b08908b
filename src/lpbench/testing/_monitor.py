"""Checks of monitors: readings with unit, scope and source, and nothing left behind."""

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
    """Each metric is a Reading or says why it is Unavailable, and there is at least one."""
    found = _read(subject)
    require(found, "no metric at all; say why with Unavailable(reason)")
    wrong = [name for name, each in found.items() if not isinstance(each, (Reading, Unavailable))]
    require(not wrong, f"neither Reading nor Unavailable: {', '.join(wrong)}")


def readings_say_unit_scope_and_source(subject: MonitorSubject) -> None:
    """Each reading has a finite value, a unit, a scope of the contract's words and a source."""
    readings = {name: each for name, each in _read(subject).items() if isinstance(each, Reading)}
    if not readings:
        raise NotApplicable("no metric is available here")
    for name, each in readings.items():
        require(math.isfinite(each.value), f"{name} is {each.value}")
        require(each.unit and each.source, f"{name} lacks unit or source: {each}")
        require(each.scope in SCOPES, f'{name} has the scope "{each.scope}"; known: {", ".join(sorted(SCOPES))}')


def unavailable_says_why(subject: MonitorSubject) -> None:
    """A metric that cannot be had here gives the reason."""
    silent = [name for name, each in _read(subject).items() if isinstance(each, Unavailable) and not each.reason]
    require(not silent, f"no reason for {', '.join(silent)}")


def entering_returns_the_monitor(subject: MonitorSubject) -> None:
    """The monitor itself is what ``with`` gives, so that its readings can be asked for."""
    monitor = subject.build()
    with monitor as entered:
        require(entered is monitor, f"entering returned {entered!r}")


def short_stays_are_harmless(subject: MonitorSubject) -> None:
    """Left at once, a monitor still has readings or reasons."""
    with subject.build() as monitor:
        pass
    require(monitor.readings(), "no metric after a short stay")


def monitor_can_be_entered_again(subject: MonitorSubject) -> None:
    """A monitor reads a second time as it did the first, with the same metrics."""
    monitor = subject.build()
    names = []
    for _ in range(2):
        with monitor:
            time.sleep(SHORT_S)
        names.append(sorted(monitor.readings()))
    require(names[0] == names[1], f"first {names[0]}, then {names[1]}")


def two_monitors_do_not_mix(subject: MonitorSubject) -> None:
    """Two monitors that are open at once both read, and leaving one leaves the other."""
    first, second = subject.build(), subject.build()
    with first:
        with second:
            time.sleep(SHORT_S)
        time.sleep(SHORT_S)
    found = sorted(first.readings()), sorted(second.readings())
    require(found[0] == found[1] and found[0], f"one has {found[0]}, the other {found[1]}")


def errors_pass_through(subject: MonitorSubject) -> None:
    """What is raised while a monitor reads is neither swallowed nor replaced."""
    error = KeyError("raised on purpose")
    monitor = subject.build().__enter__()
    try:
        swallowed = monitor.__exit__(KeyError, error, None)
    except Exception as another:
        raise Failed(f"it became {short(another)}") from another
    require(not swallowed, "it was swallowed")


def stays_leave_nothing_behind(subject: MonitorSubject) -> None:
    """No sampling thread, descriptor or memory is left after leaving."""

    def stay() -> None:
        with subject.build() as monitor:
            time.sleep(SHORT_S / 2)
        monitor.readings()

    nothing_grows(stay, subject.case.cycles)


def process_is_left_as_it_was(subject: MonitorSubject) -> None:
    """Environment, working directory, cores, signal handlers and umask are as before, seen by native code too."""
    subject.case  # noqa: B018 - made before looking
    before = _process.state()
    _read(subject)
    changed = _process.changes(before, _process.state())
    require(not changed, "; ".join(changed))


def standard_output_is_silent(subject: MonitorSubject) -> None:
    """Nothing is printed to standard output, where results go."""
    with _process.nothing_printed(subject.folder):
        _read(subject)


def _read(subject: MonitorSubject) -> Mapping[str, Reading | Unavailable]:
    seconds = subject.case.seconds
    with subject.build() as monitor:
        time.sleep(seconds)
    return monitor.readings()
