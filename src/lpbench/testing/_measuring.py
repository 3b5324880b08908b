"""Checks of what measurements depend on: complete runs, correct facts, consistent profiles."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.testing import _arrays
from lpbench.testing._checks import NotApplicable, require
from lpbench.testing._running import require_same
from lpbench.util.threads import thread_times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.plugin.engine import Session
    from lpbench.testing._subject import EngineSubject

REPEATS = 10
PAUSE_S = 0.1
NANO = 1_000_000_000
IDLE = 0.5
"""Largest share of one processor that may be busy after a run."""
SLOWER = 20
"""How many times slower than copying an ordinary array reading an output may be."""

FINGERPRINT = 1 + 2**-9 + 2**-15
"""Exact in F32; F16 and TF32 round the last term away, BF16 both."""
PRECISIONS = (
    (2**-17, frozenset({"F32", "F64"})),
    (2**-12, frozenset({"F16", "TF32"})),
    (2**-6, frozenset({"BF16"})),
)
"""Largest error on the fingerprint, and the precisions that have it."""
PROCESSORS = frozenset({"CPU", "GPU", "NPU", "DSP"})


def outputs_are_complete_when_run_returns(subject: EngineSubject) -> None:
    """Outputs are final when run returns: they do not change later, and reading them computes nothing."""
    case = subject.case
    with subject.open() as session:
        session.run(case.feeds)
        for feeds in (case.other, case.feeds):
            outputs = session.run(feeds)
            kept = _arrays.copies(outputs)
            time.sleep(PAUSE_S)
            require_same(outputs, kept, 0, "after a pause ")
        times = [_times(session, case.feeds) for _ in range(REPEATS)]
    run, read, copy = (min(column) for column in zip(*times, strict=True))
    allowed = max(SLOWER * copy, run / 2)
    require(read <= allowed, f"reading the outputs takes {read} ns, the run {run} ns: they are computed when read")


def nothing_computes_after_run(subject: EngineSubject) -> None:
    """With one thread requested, the process is idle once run has returned: no work is still in flight."""
    with subject.open(options=subject.one_thread()) as session:
        busy = min(_busy_after(session, subject.case.feeds) for _ in range(3))
    require(busy <= IDLE, f"{busy:.2f} processors are still busy after the run returned")


def describe_is_json(subject: EngineSubject) -> None:
    """The facts of a session are valid JSON before and after a run."""
    with subject.open() as session:
        for _ in range(2):
            require_json(dict(session.describe()), "describe()")
            session.run(subject.case.feeds)


def describe_says_what_ran(subject: EngineSubject) -> None:
    """The facts name the library's version, the device and the processor that ran."""
    with subject.open() as session:
        session.run(subject.case.feeds)
        facts = session.describe()
    empty = [key for key in ("version", "device", "processor") if not isinstance(facts.get(key), str) or not facts[key]]
    require(not empty, f"describe() does not give {', '.join(empty)}")
    strange = set(str(facts["processor"]).split("/")) - PROCESSORS
    require(not strange, f'processor "{facts["processor"]}"; known: {", ".join(sorted(PROCESSORS))}')


def precision_is_the_one_executed(subject: EngineSubject) -> None:
    """The reported precision is the one executed, as shown by a fingerprint: 1+2^-9+2^-15 times one."""
    if subject.case.identity is None:
        raise NotApplicable("the case has no model for the fingerprint")
    with subject.open(subject.case.identity) as session:
        reported, reason = session.describe().get("precision"), session.describe().get("precision_reason", "")
        if reported is None:
            raise NotApplicable(f"no precision is reported{f': {reason}' if reason else ''}")
        error = _fingerprint(session)
    possible = next((names for limit, names in PRECISIONS if error < limit), frozenset[str]())
    executed = " or ".join(sorted(possible)) or "less precise than BF16"
    require(
        reported in possible, f"{reported} is reported but {executed} was executed: the result is off by {error:.2g}"
    )


def profile_or_reason(subject: EngineSubject) -> None:
    """A profiled session gives the same outputs, and a record with name, type and ns per layer or a reason."""
    case = subject.case
    with subject.open() as session:
        expected = _arrays.copies(session.run(case.feeds))
    with subject.open(profile=True) as session:
        for _ in range(3):
            require_same(session.run(case.feeds), expected, case.tolerance, "profiled, ")
        try:
            records = session.profile()
        except EngineError as error:
            require(str(error), "the EngineError gives no reason")
            return
    require(records, "the profile is empty")
    for record in records:
        require_json(dict(record), "a record")
        require(_whole_record(record), f"a record lacks a name, a type or ns: {dict(record)!r:.200}")


def profile_not_asked_for_is_refused(subject: EngineSubject) -> None:
    """A session opened without profiling refuses profile() with a reason; it does not crash."""
    with subject.open() as session:
        session.run(subject.case.feeds)
        try:
            records = session.profile()
        except EngineError as error:
            require(str(error), "the EngineError gives no reason")
            return
    require(
        all(map(_whole_record, records)) and records,
        "profile() of a session opened without a profile returned invalid records",
    )


def device_spans_fit_into_the_run(subject: EngineSubject) -> None:
    """The times that the device reports sum to no more than the measured time of the run."""
    with subject.open(profile=True) as session:
        session.run(subject.case.feeds)
        start = time.perf_counter_ns()
        session.run(subject.case.feeds)
        duration = time.perf_counter_ns() - start
        spans = session.device_spans()
    if spans is None:
        raise NotApplicable("the engine reports no spans")
    require(
        all(isinstance(span, int) and span >= 0 for span in spans.values()),
        f"the spans are not whole nanoseconds: {spans!r}",
    )
    require(sum(spans.values()) <= duration, f"the spans sum to {sum(spans.values())} ns, the run took {duration} ns")


def memory_is_whole_bytes(subject: EngineSubject) -> None:
    """Device memory, where the engine knows it, is whole bytes of 0 or more by use, before and after a run."""
    with subject.open() as session:
        before = session.memory()
        session.run(subject.case.feeds)
        after = session.memory()
    if before is None and after is None:
        raise NotApplicable("the engine does not know its device's memory")
    for sizes in filter(None, (before, after)):
        whole = all(type(size) is int and size >= 0 for size in sizes.values())
        require(whole, f"the sizes are not whole bytes: {sizes!r:.200}")
        require(all(isinstance(use, str) and use for use in sizes), f"a use has no name: {sizes!r:.200}")


def require_json(value: Any, what: str) -> None:
    """Require that a mapping is valid JSON with strings as keys."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        require(condition=False, what=f"{what} is not valid JSON: {error}")
    else:
        again = json.loads(text)
        require(isinstance(again, dict) and again.keys() == value.keys(), f"{what}: keys must be strings")


def _whole_record(record: Mapping[str, Any]) -> bool:
    texts = all(isinstance(record.get(key), str) for key in ("name", "type"))
    times = [record.get("ns"), *record.get("runs_ns", ())]
    return texts and all(isinstance(ns, (int, float)) and ns >= 0 for ns in times)


def _times(session: Session, feeds: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return the nanoseconds of a run, of reading its outputs and of copying the arrays read."""
    outputs, run = _timed(lambda: session.run(feeds))
    read, reading = _timed(lambda: _arrays.copies(outputs))
    _, copying = _timed(lambda: _arrays.copies(read))
    return run, reading, copying


def _timed(call: Callable[[], Any]) -> tuple[Any, int]:
    start = time.perf_counter_ns()
    result = call()
    return result, time.perf_counter_ns() - start


def _busy_after(session: Session, feeds: Mapping[str, Any]) -> float:
    for _ in range(3):
        session.run(feeds)
    spent, before = time.process_time(), thread_times()
    time.sleep(PAUSE_S)
    # On a loaded machine a thread that computes waits for a core: it is busy all the same.
    waited = {
        thread: after.waited - before[thread].waited for thread, after in thread_times().items() if thread in before
    }
    waited.pop(threading.get_native_id(), None)  # this thread waits to wake up
    return (time.process_time() - spent + sum(waited.values()) / NANO) / PAUSE_S


def _fingerprint(session: Session) -> float:
    """Return the largest error of the fingerprint multiplied by one."""
    import numpy as np

    (info,) = session.inputs
    shape = tuple(size if isinstance(size, int) else 1 for size in info.shape)
    outputs = session.run({info.name: np.full(shape, FINGERPRINT, info.dtype)})
    (output,) = (np.asarray(array, np.float64) for array in outputs.values())
    return float(np.abs(output - FINGERPRINT).max())
