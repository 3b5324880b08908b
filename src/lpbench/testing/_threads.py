"""Checks of threads: sessions in parallel, and the number of threads that the engine uses."""

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
"""Long enough for the kernel's accounting of CPU time, whose resolution is 0.01 s."""
ENDING_S = 0.2
"""How long threads of a closed session may take to end."""
HOUSEKEEPING = 8
"""Number of threads that a library may start besides those that compute."""
OVER = 1.25
"""Largest ratio of all threads' CPU time to the busiest thread's; slightly more than 1."""


def runs_in_the_thread_that_opened_it(subject: EngineSubject) -> None:
    """A session can be opened, run and closed in a thread other than the main one."""
    case = subject.case
    with subject.open() as session:
        expected = _arrays.copies(session.run(case.feeds))

    def work() -> None:
        with subject.open() as session:
            for _ in range(3):
                require_same(session.run(case.feeds), expected, case.tolerance, "in a thread ")

    _process.in_a_thread(work)()


def two_sessions_do_not_mix(subject: EngineSubject) -> None:
    """Two sessions that are open at once keep their outputs apart, and closing one does not affect the other."""
    case = subject.case
    first, second = subject.open(), subject.open()
    outputs = first.run(case.feeds)
    expected = _arrays.copies(outputs)
    second.run(case.other)
    require_same(outputs, expected, 0, "after another session ran ")
    second.close()
    require_same(outputs, expected, 0, "after another session was closed ")
    require_same(first.run(case.feeds), expected, case.tolerance, "after another session was closed ")
    first.close()


def sessions_run_side_by_side_as_stated(subject: EngineSubject) -> None:
    """With ``streams``, two sessions in two threads give the same outputs as each one alone."""
    if not subject.spec.streams:
        raise NotApplicable("the spec does not state streams=True")
    case = subject.case
    with subject.open() as session:
        expected = [(feeds, _arrays.copies(session.run(feeds))) for feeds in (case.feeds, case.other)]

    def work(feeds: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        with subject.open() as session:
            for _ in range(REPEATS):
                require_same(session.run(feeds), outputs, case.tolerance, "side by side ")

    waits = [_process.in_a_thread(partial(work, *pair)) for pair in expected]
    for wait in waits:
        wait()


def threads_reported_are_those_asked_for(subject: EngineSubject) -> None:
    """The session reports the number of threads that was requested."""
    _needs_threads(subject)
    for requested in (1, 2):
        with subject.open(options={"threads": requested}) as session:
            session.run(subject.case.feeds)
            reported = session.describe().get("threads")
            require(reported == requested, f"threads={requested} was requested; describe() reports {reported}")


def threads_at_work_are_those_asked_for(subject: EngineSubject) -> None:
    """With one thread requested, the engine uses one thread's CPU time and starts few threads."""
    _needs_threads(subject)
    subject.open(options={"threads": 1}).close()  # threads that the library starts only once are not counted
    time.sleep(ENDING_S)
    before = _process.threads()
    with subject.open(options={"threads": 1}) as session:
        session.run(subject.case.feeds)
        share = _threads_busy(session, subject.case.feeds)
        started = _process.threads() - before
        processor = session.describe().get("processor", "CPU")
    require(started <= HOUSEKEEPING, f"one thread was requested; {started} were started")
    require(
        processor != "CPU" or share <= OVER,
        f"one thread was requested; the CPU time used is that of {share:.2f} threads",
    )


def _needs_threads(subject: EngineSubject) -> None:
    if "threads" not in subject.options():
        raise NotApplicable('the engine has no option "threads"')


def _threads_busy(session: Session, feeds: Mapping[str, Any]) -> float:
    """Return all threads' CPU time as a multiple of the busiest thread's; other load affects both alike."""
    before, spent, begun = _process.cpu_by_thread(), time.process_time(), time.perf_counter()
    while time.perf_counter() - begun < BUSY_S:
        session.run(feeds)
    total = time.process_time() - spent
    took = [cpu - before.get(thread, 0.0) for thread, cpu in _process.cpu_by_thread().items()]
    return total / max(*took, total - sum(took))  # the last term: threads that ended, counted as one
