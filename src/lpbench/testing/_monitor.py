"""Checks of monitors: valid readings of their metrics, here and on machines that lack them, and no side effects."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import METRICS, SCOPES, MonitorTarget, Reading
from lpbench.testing import _process
from lpbench.testing._checks import Failed, NotApplicable, require, short
from lpbench.testing._elsewhere import Bare, Garbled, Mute, Nonsense
from lpbench.testing._lifetime import nothing_grows
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.plugin.monitor import Monitor, Readings
    from lpbench.testing._subject import MonitorSubject

SHORT_S = 0.01
SAMPLES = 3
NO_PROCESS = 2**22 + 1
"""More than Linux's greatest process id."""


def readings_are_of_the_contract(subject: MonitorSubject) -> None:
    """The monitor returns at least one metric, and each is a Reading, several of them, or an Unavailable."""
    readings = _read(subject)
    require(readings, "the monitor returned no metric; return Unavailable(reason) for what it cannot read")
    wrong = [name for name, reading in readings.items() if not _of_the_contract(reading)]
    require(not wrong, f"these metrics are neither Reading nor Unavailable: {', '.join(wrong)}")


def metrics_are_those_of_the_spec(subject: MonitorSubject) -> None:
    """The monitor gives a reading or a reason for each metric of its spec, and for no other."""
    given, stated = {name.partition("/")[0] for name in _read(subject)}, set(subject.spec.metrics)
    require(stated, 'the spec states no metrics: MonitorSpec(metrics=("POWER_CONSUMPTION",))')
    require(given <= stated, f"the spec does not state {', '.join(sorted(given - stated))}")
    require(given == stated, f"there is neither a reading nor a reason for {', '.join(sorted(stated - given))}")


def readings_say_unit_scope_and_source(subject: MonitorSubject) -> None:
    """Each reading has a finite value, a unit, one of the contract's scopes and a source."""
    readings = list(_values(_read(subject)))
    if not readings:
        raise NotApplicable("no metric is available here")
    for name, reading in readings:
        require(math.isfinite(reading.value), f"{name} is {reading.value}")
        require(reading.unit and reading.source, f"{name} lacks a unit or a source: {reading}")
        require(reading.scope in SCOPES, f'{name} has the scope "{reading.scope}"; known: {", ".join(SCOPES)}')


def known_metrics_have_their_units(subject: MonitorSubject) -> None:
    """A metric of the glossary has the glossary's unit and a value that it can have."""
    known = [(name, reading) for name, reading in _values(_read(subject)) if name.partition("/")[0] in METRICS]
    if not known:
        raise NotApplicable("no metric of the glossary is available here")
    for name, reading in known:
        expected = METRICS[name.partition("/")[0]]
        require(reading.unit == expected.unit, f'{name} is in "{reading.unit}"; expected "{expected.unit}"')
        span = f"{expected.least:g} to {expected.most:g} {expected.unit}"
        require(expected.least <= reading.value <= expected.most, f"{name} is {reading.value}; possible: {span}")


def unavailable_says_why(subject: MonitorSubject) -> None:
    """A metric that is not available gives the reason."""
    silent = [
        name for name, reading in _read(subject).items() if isinstance(reading, Unavailable) and not reading.reason
    ]
    require(not silent, f"Unavailable gives no reason for {', '.join(silent)}")


def calls_keep_the_deadline(subject: MonitorSubject) -> None:
    """Entering, a sample, a survey and leaving each take less than the spec's deadline."""
    deadline, monitor = subject.spec.deadline, subject.build()
    begun = time.monotonic()
    for what, call in (
        ("entering", monitor.__enter__),
        ("survey()", monitor.survey),
        ("sample()", monitor.sample),
        ("leaving", lambda: monitor.__exit__(None, None, None)),
    ):
        call()
        now = time.monotonic()
        require(now - begun < deadline, f"{what} took {now - begun:.3g} s; the spec's deadline is {deadline:g} s")
        begun = now


def machine_without_it_gives_reasons(subject: MonitorSubject) -> None:
    """On a machine that has none of its files and commands it raises nothing and says what is missing."""
    _raises_nothing(subject, MonitorTarget(None, Bare(), Mute()))


def process_that_ended_gives_reasons(subject: MonitorSubject) -> None:
    """If the process that it watches is gone it raises nothing."""
    _raises_nothing(subject, dataclasses.replace(subject.case.target, pid=NO_PROCESS))


def garbage_gives_reasons(subject: MonitorSubject) -> None:
    """Files and commands that answer nonsense make it raise nothing, and give no value that cannot be."""
    for nonsense in Nonsense:
        target = dataclasses.replace(subject.case.target, files=Garbled(nonsense), commands=Mute(nonsense))
        for name, reading in _values(_raises_nothing(subject, target)):
            require(math.isfinite(reading.value), f"{name} is {reading.value} where files hold {nonsense.name}")


def entering_returns_the_monitor(subject: MonitorSubject) -> None:
    """Entering with ``with`` returns the monitor itself, so that it can be asked for samples."""
    monitor = subject.build()
    with monitor as entered:
        require(entered is monitor, f"entering returned {entered!r}")


def short_stays_are_harmless(subject: MonitorSubject) -> None:
    """A monitor that is left without a sample can be left."""
    with subject.build():
        pass


def monitor_can_be_entered_again(subject: MonitorSubject) -> None:
    """A monitor can be entered a second time and returns the same metrics."""
    monitor = subject.build()
    names = [sorted(_sampled(monitor, SHORT_S)) for _ in range(2)]
    require(names[0] == names[1], f"the first time it read {names[0]}, the second time {names[1]}")


def two_monitors_do_not_mix(subject: MonitorSubject) -> None:
    """Two monitors that are open at once both read, and leaving one does not affect the other."""
    with subject.build() as first:
        second = sorted(_sampled(subject.build(), SHORT_S))
        names = sorted(_several(first, SHORT_S))
    require(names == second and names, f"one monitor read {names}, the other {second}")


def errors_pass_through(subject: MonitorSubject) -> None:
    """An exception raised while a monitor is open is neither swallowed nor replaced."""
    error = KeyError("raised on purpose")
    monitor = subject.build().__enter__()
    try:
        swallowed: object = monitor.__exit__(KeyError, error, None)  # type: ignore[func-returns-value] # whatever it says
    except Exception as another:
        raise Failed(f"the error was replaced by {short(another)}") from another
    require(not swallowed, "the error was swallowed")


def stays_leave_nothing_behind(subject: MonitorSubject) -> None:
    """Leaving a monitor leaves no thread, process, descriptor or memory behind."""

    def stay() -> None:
        with subject.build() as monitor:
            monitor.sample()

    nothing_grows(stay, subject.case.cycles)


def samples_leave_nothing_behind(subject: MonitorSubject) -> None:
    """Samples leave no descriptor or memory behind: runs of many hours are watched."""
    with subject.build() as monitor:
        nothing_grows(monitor.sample, subject.case.cycles)


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


def _read(subject: MonitorSubject) -> Readings:
    return _sampled(subject.build(), subject.case.seconds)


def _sampled(monitor: Monitor, seconds: float) -> Readings:
    with monitor:
        return _several(monitor, seconds)


def _several(monitor: Monitor, seconds: float) -> Readings:
    """Return the last reading of each metric in a few samples."""
    readings = dict(monitor.survey())
    for _ in range(SAMPLES):
        readings |= monitor.sample()
        time.sleep(seconds / SAMPLES)
    return readings | dict(monitor.survey())


def _values(readings: Readings) -> Iterator[tuple[str, Reading]]:
    for name, found in readings.items():
        for each in found if isinstance(found, Sequence) else [found]:
            if isinstance(each, Reading):
                yield name, each


def _of_the_contract(reading: object) -> bool:
    if isinstance(reading, Sequence):
        return all(isinstance(each, Reading) for each in reading)
    return isinstance(reading, (Reading, Unavailable))


def _raises_nothing(subject: MonitorSubject, target: MonitorTarget) -> Readings:
    try:
        return _sampled(subject.build(target), SHORT_S)
    except NotApplicable:  # what the monitor needs is not installed
        raise
    except Exception as error:
        raise Failed(f"raised {short(error)}") from error
