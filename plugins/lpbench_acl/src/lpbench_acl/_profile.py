"""Times of a model's operators, which AscendCL writes to a pipe while the model runs.

A record of each operator of each run comes some time after it has run; that all have come is only known when the
subscription has ended, for which AscendCL closes the pipe.  A record has a number of its operator, whose name and type
AscendCL tells once alone, in the process that subscribed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import statistics
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.layer_kinds import ARRANGEMENT, ELEMENT_WISE, category
from lpbench.plugin.kit.untrusted import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.kit.resources import Resources
    from lpbench_acl._calls import Calls

TIMED: Final = 1
"""Setting of a subscription: with times."""
NO_METRICS: Final = 0xFF
"""Setting of a subscription: without counters (ACL_AICORE_NONE), which none can have."""
LONGEST: Final = 500
"""Characters of a name or a type that are kept."""
LONGEST_ASKED: Final = 4096
"""Bytes of a name that AscendCL takes room for."""
LARGEST_RECORD: Final = 4096
MOST_BYTES: Final = 16 << 20
"""Of records that are kept: those of 2000 runs of a hundred operators; later runs are not counted."""
CHUNK: Final = 1 << 16
WAIT_S: Final = 10
"""How long AscendCL may take to close the pipe after the end of a subscription."""
POLL_MS: Final = 200
SINGLE_RUNS: Final = 100
"""Runs up to which each one's times are kept; of more, the mean alone."""
NANO_PER_US: Final = 1000
KINDS: Final = {
    "TransData": ARRANGEMENT,
    "PadV3": ARRANGEMENT,
    "Adds": ELEMENT_WISE,
    "ClipByValue": ELEMENT_WISE,
    "Muls": ELEMENT_WISE,
    "RealDiv": ELEMENT_WISE,
}
"""Kinds of operators that CANN alone has, by type without the ending D, which says that attributes are constant."""


@dataclass
class Operator:
    """What is known of one operator: the microseconds of each of its executions.

    :param start: When it first ran, on the NPU's clock.
    """

    name: str
    type: str
    start: int
    times: list[int] = field(default_factory=list)


class OperatorTimes:
    """A subscription to the times of a model's operators.

    :param model: AscendCL's number of the model, which is loaded.
    :raises EngineError: AscendCL does not subscribe; nothing is left then.
    """

    def __init__(self, calls: Calls, model: int) -> None:
        self._calls, self._model = calls, model
        self._runs = 0
        self._found: list[Operator] | None = None
        self._pipe = Pipe()
        try:
            self._settings = calls.handle("prof.create_subscribe_config", TIMED, NO_METRICS, self._pipe.writing)
            try:
                calls.call("prof.model_subscribe", model, self._settings)
            except EngineError:
                self._release_settings()
                raise
        except EngineError:
            self._pipe.close()
            raise
        self._subscribed = True

    def add(self) -> None:
        """Count a run."""
        self._runs += self._subscribed

    def records(self) -> list[dict[str, Any]]:
        """Return one record for each operator, in the order of execution; ends the subscription.

        :raises EngineError: There was no run, or AscendCL tells no times.
        """
        if not self._runs:
            raise EngineError(
                "there is no profile, because the session has not run yet",
                hint="run the session a few times before calling profile()",
            )
        if self._found is None:
            self.close()
            self._found = operators(self._calls, self._pipe.content())
        if not self._found:
            raise EngineError("AscendCL told no times of operators", hint="its log is in ~/ascend/log/debug/plog")
        return [record(each, self._runs) for each in self._found]

    def close(self) -> None:
        """End the subscription; does nothing a second time.

        :raises EngineError: AscendCL refuses; nothing is left then.
        """
        if not self._subscribed:
            return
        self._subscribed = False
        try:
            name = "prof.model_unsubscribe"
            self._calls.call(name if self._calls.has(name) else "prof.model_un_subscribe", self._model)
            self._pipe.wait()
        finally:
            self._pipe.close()
            self._release_settings()

    def _release_settings(self) -> None:
        self._calls.call("prof.destroy_subscribe_config", self._settings)


def subscribed(calls: Calls, model: int, resources: Resources) -> OperatorTimes | EngineError:
    """Return a subscription, or why there is none: while another tool profiles this process, a model runs without.

    :param resources: Takes over the subscription, which ends before the model is unloaded.
    """
    try:
        times = OperatorTimes(calls, model)
    except EngineError as error:
        return EngineError(f"the operators' times are not known: {error.what}", hint=error.hint)
    resources.add(times.close)
    return times


class Pipe:
    """A pipe whose content a thread collects, so that who writes to it never waits.

    :ivar writing: The end that AscendCL writes to, and closes when all is written.
    """

    def __init__(self) -> None:
        try:
            self._reading, self.writing = os.pipe()
        except OSError as error:
            raise EngineError(f"there is no pipe for the operators' times: {error.strerror}") from error
        self._stop = False
        self._chunks: list[bytes] = []
        self._thread = threading.Thread(target=self._collect, name="lpbench-acl-profile", daemon=True)
        self._thread.start()

    def content(self) -> bytes:
        """Return what was written."""
        return b"".join(self._chunks)

    def wait(self) -> None:
        """Wait until the writing end is closed, for a while."""
        self._thread.join(WAIT_S)

    def close(self) -> None:
        """Close both ends, the writing one only if it still is this pipe's: AscendCL may have closed it."""
        self._stop = True
        self._thread.join()
        with contextlib.suppress(OSError):
            if os.path.sameopenfile(self._reading, self.writing):  # both ends of a pipe are one file to the kernel
                os.close(self.writing)
        os.close(self._reading)

    def _collect(self) -> None:
        room = MOST_BYTES
        waiting = select.poll()
        waiting.register(self._reading, select.POLLIN)
        while not self._stop:
            if not waiting.poll(POLL_MS):
                continue
            chunk = os.read(self._reading, CHUNK)
            if not chunk:
                return
            if room > 0:
                self._chunks.append(chunk[:room])
                room -= len(chunk)


def operators(calls: Calls, data: bytes) -> list[Operator]:
    """Return the operators of records as AscendCL writes them, in the order of execution.

    :raises EngineError: AscendCL cannot read its own records.
    """
    size = calls.number("prof.get_op_desc_size")
    if not 0 < size <= LARGEST_RECORD:
        raise calls.refused("prof.get_op_desc_size", size)
    whole = data[: len(data) // size * size]
    address = ctypes.cast(ctypes.c_char_p(whole), ctypes.c_void_p).value or 0
    found: dict[str, Operator] = {}
    for index in range(len(whole) // size):
        place = address, len(whole), index
        name, kind = _text(calls, "name", place), _text(calls, "type", place)
        start, taken = (calls.number(f"prof.get_op_{what}", *place) for what in ("start", "duration"))
        found.setdefault(name, Operator(name, kind, start)).times.append(taken)
    return sorted(found.values(), key=lambda each: each.start)


def _text(calls: Calls, what: str, place: tuple[int, int, int]) -> str:
    """Return a record's name or type, which can be asked for once."""
    call = f"prof.get_op_{what}"
    if calls.has(f"{call}_v2"):
        told = calls.call(f"{call}_v2", *place)
    else:
        length = calls.number(f"{call}_len", *place)
        told = calls.call(call, *place, min(length, LONGEST_ASKED))
    if not isinstance(told, str):
        raise calls.refused(call, told)
    return shorten(told, LONGEST)


def record(operator: Operator, runs: int) -> dict[str, Any]:
    """Return an operator's record.

    The first run since opening is left out if there are others and all are there.

    :param runs: How often the model ran.
    """
    each_run = max(1, round(len(operator.times) / runs))
    times = _sums(operator.times, each_run)
    counted = times[1:] if len(times) == runs > 1 else times
    single = len(times) == runs and len(counted) <= SINGLE_RUNS
    return {
        "name": operator.name,
        "type": operator.type or "unknown",
        "category": KINDS.get(operator.type.removesuffix("D")) or category(operator.type),
        "ns": round(statistics.fmean(counted) * NANO_PER_US),
        **({"runs_ns": [taken * NANO_PER_US for taken in counted]} if single else {}),
        **({"calls": each_run} if each_run > 1 else {}),
    }


def _sums(times: Sequence[int], each_run: int) -> list[int]:
    """Return the time of each run in which the operator ran ``each_run`` times; of an incomplete last one, none."""
    whole = max(1, len(times) // each_run)
    return [sum(times[at * each_run : (at + 1) * each_run]) for at in range(whole)]
