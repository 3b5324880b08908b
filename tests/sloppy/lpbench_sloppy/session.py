"""The session: correct except for the fault that SLOPPY names."""

from __future__ import annotations

import ctypes
import hashlib
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import EngineError
from lpbench.plugin.engine import Feeds, Model, Outputs, Session, TensorInfo

from .fault import is_broken, leak

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHARED = np.zeros((2, 3), np.float32)
"""One buffer shared by all sessions, if that is the fault."""
WORK = b"x" * 4_000_000
CROWD = 20
DEADLINE_S = 0.15


class SloppySession(Session):
    """Multiplies x by the factors and adds z."""

    def __init__(  # noqa: PLR0913 - the parts of one session
        self,
        inputs: Sequence[str],
        factors: Any,
        shape: tuple[int | str | None, ...],
        config: Any,
        model: Model,
        *,
        profile: bool,
    ) -> None:
        kind = "float64" if is_broken("engine/types_and_shapes_are_those_announced") else "float32"
        self.inputs = tuple(TensorInfo(name, "float32", shape) for name in inputs)
        self.outputs = (TensorInfo("y", kind, shape),)
        if is_broken("engine/tensors_are_described"):
            self.outputs *= 2
        self._factors = factors
        self._config = config
        self._where = str(model.path)
        self._profiled = profile
        self._runs = 0
        self._beat = 0.0
        self._refused = False
        self._open = True
        self._last: Any = None
        self._seen: dict[int, Any] = {}
        self._ended = threading.Event()
        self._start_threads()

    def run(self, feeds: Feeds, /) -> Outputs:
        """Compute, or commit the fault."""
        if not self._open and not is_broken("engine/run_after_close_is_refused"):
            raise EngineError("the session is closed", where=self._where)
        self._check(feeds)
        leak("engine/runs_leave_nothing_behind")
        self._runs += 1
        late = self._runs > 1 and time.monotonic() - self._beat > DEADLINE_S
        if late and is_broken("engine/being_stopped_does_no_harm"):
            raise EngineError("the watchdog has ended the session")
        self._beat = time.monotonic()
        found = self._given(self._compute(feeds))
        if is_broken("engine/nothing_computes_after_run"):
            threading.Thread(target=_spin, args=(1.0,), daemon=True).start()
        return {"y": found, "more": found} if is_broken("engine/outputs_are_those_announced") else {"y": found}

    def close(self) -> None:
        """End the threads."""
        if not self._open and is_broken("engine/closing_twice_is_harmless"):
            raise RuntimeError("closed twice")
        self._open = False
        self._ended.set()

    def describe(self) -> Mapping[str, Any]:
        """Return the facts."""
        if is_broken("engine/outputs_stay_valid_as_stated:describe") and self._last is not None:
            self._last[:] = 0
        wrong = is_broken("engine/threads_reported_are_those_asked_for")
        threads = 4 if wrong else getattr(self._config, "threads", 1)
        facts = {"version": "1.0", "device": "cpu", "processor": "CPU", "precision": "F32", "threads": threads}
        if is_broken("engine/describe_says_what_ran"):
            del facts["processor"]
        return {**facts, "library": self} if is_broken("engine/describe_is_json") else facts

    def device_spans(self) -> Mapping[str, int] | None:
        """Return one span."""
        return {"compute": 10**15 if is_broken("engine/device_spans_fit_into_the_run") else 1}

    def memory(self) -> Mapping[str, int] | None:
        """Return one use."""
        return {"total": -1 if is_broken("engine/memory_is_whole_bytes") else 24}

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Return one record if the session was opened with a profile."""
        if not self._profiled:
            what = "no profile was asked for"
            raise KeyError(what) if is_broken("engine/profile_not_asked_for_is_refused") else EngineError(what)
        broken = is_broken("engine/profile_or_reason:records")
        return [{"name": "multiply"}] if broken else [{"name": "multiply", "type": "Mul", "ns": 1}]

    def _check(self, feeds: Feeds) -> None:
        try:
            self._check_names(feeds)
            for info in self.inputs:
                self._check_array(info, feeds[info.name])
        except EngineError:
            self._refused = True
            raise

    def _check_names(self, feeds: Feeds) -> None:
        known = {info.name for info in self.inputs}
        for name in known - set(feeds):
            raise EngineError(
                "an input is missing" if is_broken("engine/missing_feed_is_named") else f'input "{name}" is missing',
                where=self._where,
            )
        for name in set(feeds) - known:
            if not is_broken("engine/extra_feed_is_named") or not self._runs:
                raise EngineError(f'there is no input "{name}"', where=self._where)

    def _check_array(self, info: TensorInfo, array: Any) -> None:
        sizes = zip(info.shape, array.shape, strict=False)
        fits = array.ndim == len(info.shape) and all(size in {found, "N"} for size, found in sizes)
        right_type = array.dtype.name == info.dtype or is_broken("engine/wrong_type_is_named")
        if not right_type or not (fits or is_broken("engine/wrong_shape_is_named")):
            raise EngineError(
                f'input "{info.name}" is {array.dtype.name} of shape {array.shape}',
                where=self._where,
                hint=f"give {info.dtype} of shape {info.shape}",
            )

    def _compute(self, feeds: Feeds) -> Any:
        x, z = feeds["x"], feeds.get("z", np.float32(0))
        if is_broken("engine/strided_feeds_give_the_same"):  # reads memory as if the array were contiguous
            x = np.array((ctypes.c_float * x.size).from_address(x.ctypes.data)).reshape(x.shape)
        if is_broken("engine/refilled_feeds_are_read_again"):
            x = self._seen.setdefault(id(x), x.copy())
        found = (x * self._factors + z).astype(np.float32)
        if is_broken("engine/feeds_are_unchanged"):
            x *= 2
        if is_broken("engine/outputs_do_not_share_memory_with_feeds"):
            z[...] = found
            found = z
        if is_broken("engine/precision_is_the_one_executed"):
            found = (found.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
        wrong = is_broken("engine/outputs_are_right") or (
            self._profiled and is_broken("engine/profile_or_reason:values")
        )
        wrong |= is_broken("engine/same_feeds_give_the_same") and self._runs > 1
        wrong |= is_broken("engine/runs_after_a_refusal") and self._refused
        return found + np.float32(1) if wrong else found

    def _given(self, found: Any) -> Any:
        """Return the array, or a faulty replacement."""
        if is_broken("engine/outputs_are_complete_when_run_returns:lazy"):
            return Lazy(found)
        if is_broken("engine/outputs_stay_valid_as_stated:buffer"):
            self._last = found if self._last is None else self._last
            self._last[:] = found
            return self._last
        if is_broken("engine/two_sessions_do_not_mix"):
            SHARED[:] = found
            return SHARED
        if is_broken("engine/sessions_run_side_by_side_as_stated"):
            SHARED[:] = found
            time.sleep(0.001)
            return SHARED.copy()
        if is_broken("engine/outputs_are_complete_when_run_returns:later"):
            late = np.zeros_like(found)
            threading.Timer(0.02, late.__setitem__, (..., found)).start()
            return late
        self._last = found
        return found

    def _start_threads(self) -> None:
        if is_broken("engine/threads_at_work_are_those_asked_for:crowd"):
            for _ in range(CROWD):
                threading.Thread(target=self._ended.wait, daemon=True).start()
        if is_broken("engine/threads_at_work_are_those_asked_for:busy"):
            for _ in range(2):
                threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while not self._ended.is_set():
            hashlib.sha256(WORK)  # lets other threads run meanwhile


class Lazy:
    """An array that is computed when it is read."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.dtype, self.shape = array.dtype, array.shape

    def __array__(self, dtype: object = None, copy: object = None) -> Any:
        time.sleep(0.005)
        return self._array.copy()


def _spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        hashlib.sha256(WORK)
