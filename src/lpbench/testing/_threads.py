"""Checks of threads: sessions side by side, and how many threads the engine takes."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from lpbench.testing import _arrays, _process
from lpbench.testing._checks import NotApplicable, require
from lpbench.testing._running import require_same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.engine import Session
    from lpbench.testing._subject import EngineSubject

REPEATS = 20
BUSY_S = 0.5
"""Long enough for the kernel's accounting of CPU time, which counts in hundredths of a second."""
ENDING_S = 0.2
"""How long threads of a closed session may take to end."""
HOUSEKEEPING = 8
"""Threads that a library may keep beside those that compute."""
OVER = 1.25
"""CPU time of all threads for each second of the busiest one: a little more than 1."""


def runs_in_the_thread_that_opened_it(subject: EngineSubject) -> None:
    """A session that is opened, run and closed in a thread other than the main one works."""
    case = subject.case
    with subject.open() as session:
        wanted = _arrays.copies(session.run(case.feeds))

    def work() -> None:
        with subject.open() as session:
            for _ in range(3):
                require_same(session.run(case.feeds), wanted, case.tolerance, "in a thread ")

    _process.in_a_thread(work)()


def two_sessions_do_not_mix(subject: EngineSubject) -> None:
    """Two sessions that are open at once keep their outputs apart, and closing one leaves the other."""
    case = subject.case
    first, second = subject.open(), subject.open()
    given = first.run(case.feeds)
    wanted = _arrays.copies(given)
    second.run(case.other)
    require_same(given, wanted, 0, "after another session ran ")
    second.close()
    require_same(given, wanted, 0, "after another session was closed ")
    require_same(first.run(case.feeds), wanted, case.tolerance, "after another session was closed ")
    first.close()


def sessions_run_side_by_side_as_stated(subject: EngineSubject) -> None:
    """Two sessions in two threads give what each gives alone, where the spec states streams."""
    if not subject.spec.streams:
        raise NotApplicable("the spec states no streams")
    case = subject.case
    with subject.open() as session:
        wanted = [(feeds, _arrays.copies(session.run(feeds))) for feeds in (case.feeds, case.other)]

    def work(feeds: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        with subject.open() as session:
            for _ in range(REPEATS):
                require_same(session.run(feeds), outputs, case.tolerance, "side by side ")

    waits = [_process.in_a_thread(partial(work, *each)) for each in wanted]
    for wait in waits:
        wait()


def threads_reported_are_those_asked_for(subject: EngineSubject) -> None:
    """The session reports the number of threads that was asked for."""
    _needs_threads(subject)
    for asked in (1, 2):
        with subject.open(options={"threads": asked}) as session:
            session.run(subject.case.feeds)
            told = session.describe().get("threads")
            require(told == asked, f"asked for {asked}, describe() says {told}")


def threads_at_work_are_those_asked_for(subject: EngineSubject) -> None:
    """Asked for one thread, the engine keeps one processor busy and starts no crowd of threads."""
    _needs_threads(subject)
    subject.open(options={"threads": 1}).close()  # what the library starts once is not counted
    time.sleep(ENDING_S)
    before = _process.threads()
    with subject.open(options={"threads": 1}) as session:
        session.run(subject.case.feeds)
        share = _threads_busy(session, subject.case.feeds)
        started = _process.threads() - before
        told = session.describe().get("processor", "CPU")
    require(started <= HOUSEKEEPING, f"one thread was asked for, {started} were started")
    require(told != "CPU" or share <= OVER, f"one thread was asked for, {share:.2f} times one thread's work was done")


def _needs_threads(subject: EngineSubject) -> None:
    if "threads" not in subject.options():
        raise NotApplicable('it has no option "threads"')


def _threads_busy(session: Session, feeds: Mapping[str, Any]) -> float:
    """Return the CPU time of all threads as a multiple of the busiest one's: load by others changes both."""
    before, spent, begun = _process.cpu_by_thread(), time.process_time(), time.perf_counter()
    while time.perf_counter() - begun < BUSY_S:
        session.run(feeds)
    total = time.process_time() - spent
    took = [cpu - before.get(thread, 0.0) for thread, cpu in _process.cpu_by_thread().items()]
    return total / max(*took, total - sum(took))  # the last: threads that ended, taken for one
