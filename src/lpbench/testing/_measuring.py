"""Checks of what a measurement rests on: complete runs, facts that are true, profiles that add up."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.testing import _arrays
from lpbench.testing._checks import NotApplicable, require
from lpbench.testing._running import require_same

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.plugin.engine import Session
    from lpbench.testing._subject import EngineSubject

REPEATS = 10
PAUSE_S = 0.1
IDLE = 0.5
"""Share of one processor that may be busy after a run."""
SLOWER = 20
"""How much slower than copying an ordinary array reading an output may be."""

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
    """Outputs hold their values when run returns: they do not change later, and reading them computes nothing."""
    case = subject.case
    with subject.open() as session:
        session.run(case.feeds)
        for feeds in (case.other, case.feeds):
            outputs = session.run(feeds)
            kept = _arrays.copies(outputs)
            time.sleep(PAUSE_S)
            require_same(outputs, kept, 0, "after a pause ")
        took = [_times(session, case.feeds) for _ in range(REPEATS)]
    run, read, copy = (min(column) for column in zip(*took, strict=True))
    allowed = max(SLOWER * copy, run / 2)
    require(read <= allowed, f"reading the outputs takes {read} ns, the run {run} ns: they are computed when read")


def nothing_computes_after_run(subject: EngineSubject) -> None:
    """With one thread asked for, the process is idle once run has returned: nothing is in flight any more."""
    with subject.open(options=subject.one_thread()) as session:
        busy = min(_busy_after(session, subject.case.feeds) for _ in range(3))
    require(busy <= IDLE, f"after a run {busy:.2f} processors are busy")


def describe_is_json(subject: EngineSubject) -> None:
    """The facts of a session are what JSON carries, before a run and after it."""
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
    require(not empty, f"describe() does not say {', '.join(empty)}")
    strange = set(str(facts["processor"]).split("/")) - PROCESSORS
    require(not strange, f'processor "{facts["processor"]}"; known: {", ".join(sorted(PROCESSORS))}')


def precision_is_the_one_executed(subject: EngineSubject) -> None:
    """The precision that is reported is the one executed, by a fingerprint: 1+2^-9+2^-15 times one."""
    if subject.case.identity is None:
        raise NotApplicable("the case has no model for the fingerprint")
    with subject.open(subject.case.identity) as session:
        told, reason = session.describe().get("precision"), session.describe().get("precision_reason", "")
        if told is None:
            raise NotApplicable(f"no precision is reported{f': {reason}' if reason else ''}")
        error = _fingerprint(session)
    fitting = next((names for limit, names in PRECISIONS if error < limit), frozenset[str]())
    ran = " or ".join(sorted(fitting)) or "less than BF16"
    require(told in fitting, f"{told} is reported, {ran} was executed: off by {error:.2g}")


def profile_or_reason(subject: EngineSubject) -> None:
    """A profiled session gives the same outputs, and a record with name, type and ns for each layer, or a reason."""
    case = subject.case
    with subject.open() as session:
        wanted = _arrays.copies(session.run(case.feeds))
    with subject.open(profile=True) as session:
        for _ in range(3):
            require_same(session.run(case.feeds), wanted, case.tolerance, "profiled, ")
        try:
            records = session.profile()
        except EngineError as error:
            require(str(error), "the EngineError gives no reason")
            return
    require(records, "the profile is empty")
    for record in records:
        require_json(dict(record), "a record")
        require(_whole_record(record), f"a record lacks name, type or ns: {dict(record)!r:.200}")


def profile_not_asked_for_is_refused(subject: EngineSubject) -> None:
    """A session that was opened without a profile says so when asked for it; it does not crash."""
    with subject.open() as session:
        session.run(subject.case.feeds)
        try:
            records = session.profile()
        except EngineError as error:
            require(str(error), "the EngineError gives no reason")
            return
    require(all(map(_whole_record, records)) and records, "what it gives without being asked is no profile")


def device_spans_fit_into_the_run(subject: EngineSubject) -> None:
    """What the device is said to have done takes no longer than the run, seen from outside."""
    with subject.open() as session:
        session.run(subject.case.feeds)
        begun = time.perf_counter_ns()
        session.run(subject.case.feeds)
        took = time.perf_counter_ns() - begun
        spans = session.device_spans()
    if spans is None:
        raise NotApplicable("the engine tells no spans")
    require(all(isinstance(each, int) and each >= 0 for each in spans.values()), f"no whole nanoseconds: {spans!r}")
    require(sum(spans.values()) <= took, f"the spans sum to {sum(spans.values())} ns, the run took {took} ns")


def require_json(found: Any, what: str) -> None:
    """Require that JSON can carry it, keys being texts."""
    try:
        text = json.dumps(found, allow_nan=False)
    except (TypeError, ValueError) as error:
        require(condition=False, what=f"{what} is no JSON: {error}")
    else:
        again = json.loads(text)
        require(isinstance(again, dict) and again.keys() == found.keys(), f"{what}: its keys must be texts")


def _whole_record(record: Mapping[str, Any]) -> bool:
    texts = all(isinstance(record.get(key), str) for key in ("name", "type"))
    return texts and isinstance(record.get("ns"), (int, float)) and record["ns"] >= 0


def _times(session: Session, feeds: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return nanoseconds of a run, of reading its outputs and of copying what was read."""
    outputs, run = _timed(lambda: session.run(feeds))
    read, reading = _timed(lambda: _arrays.copies(outputs))
    _, copying = _timed(lambda: _arrays.copies(read))
    return run, reading, copying


def _timed(call: Callable[[], Any]) -> tuple[Any, int]:
    begun = time.perf_counter_ns()
    found = call()
    return found, time.perf_counter_ns() - begun


def _busy_after(session: Session, feeds: Mapping[str, Any]) -> float:
    for _ in range(3):
        session.run(feeds)
    spent = time.process_time()
    time.sleep(PAUSE_S)
    return (time.process_time() - spent) / PAUSE_S


def _fingerprint(session: Session) -> float:
    """Return the largest error of one times the fingerprint."""
    import numpy as np

    (info,) = session.inputs
    shape = tuple(size if isinstance(size, int) else 1 for size in info.shape)
    outputs = session.run({info.name: np.full(shape, FINGERPRINT, info.dtype)})
    (found,) = (np.asarray(array, np.float64) for array in outputs.values())
    return float(np.abs(found - FINGERPRINT).max())
