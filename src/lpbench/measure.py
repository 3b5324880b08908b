"""One run: an app opened on an engine, warmed up, measured in slices, and closed.

Whoever asks does not know whether a worker or a runner in this process answers.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
import sys
import time
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lpbench import result, timing
from lpbench.result import Run, Slice
from lpbench.stats import Interval, median_interval, summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SLICE_S = 0.2
"""A slice lasts about this long, so that progress is seen and Ctrl-C loses little."""
WARM_UP_SLICE_S = 0.05
FALLING = 0.99
"""A warm-up window whose median is below this share of the one before says that the app still gets faster."""
CPU_PASS_S = 0.1
CPU_PASS_SAMPLES = (3, 1000)
NANO = 1_000_000_000


class Asks(Protocol):
    """A worker, or a stand-in for one in this process."""

    def ask(self, do: str, doing: str, timeout: float | None = None, **arguments: Any) -> tuple[Any, bytes]:  # noqa: ANN401
        """Have the runner do something and return its answer and block."""


@dataclass(frozen=True)
class Limits:
    """When a run ends.

    :param number: Samples to time; None goes on until ``width`` is reached.
    :param width: Half width of the median's interval relative to the median.
    :param confidence: Of that interval.
    :param least_s: Measure at least this long.
    :param most_s: Measure at most this long.
    :param most: Time at most this many samples.
    :param warm_up_s: Warm up at most this long.
    """

    number: int | None = None
    width: float = 0.01
    confidence: float = 0.95
    least_s: float = 0.4
    most_s: float = 2.0
    most: int = 50_000
    warm_up_s: float = 1.0


class Recorder:
    """Collects one run; whatever happens, ``finish`` returns what there is."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.state = result.OK
        self.detail = ""
        self.began = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
        self.opened: dict[str, Any] = {}
        self.first: dict[str, Any] = {}
        self.warm_up: dict[str, Any] = {}
        self.stopped = ""
        self.columns: dict[str, array[int]] = {}
        self.cpu: dict[str, array[int]] = {}
        self.slices: list[Slice] = []
        self.counters: dict[str, float] = {}
        self.resident: list[int] = []
        self.environment: dict[str, Any] = {}
        self.predictions: list[dict[str, Any]] = []
        self.problems: list[dict[str, str]] = []

    @property
    def samples(self) -> int:
        """How many samples were timed so far."""
        return len(self.columns.get(timing.TOTAL, ()))

    def add(self, info: Mapping[str, Any], reads: bytes) -> None:
        """Take in one measured slice."""
        columns = _columns(reads)
        for stage, values in columns.items():
            self.columns.setdefault(stage, array("q")).extend(values)
        total = columns[timing.TOTAL]
        median = statistics.median(total)
        self.slices.append(Slice(len(total), info["wall_ns"], median, min(total), max(total)))
        for name in ("wall_ns", "cpu_ns", "switches", "faults"):
            self.counters[name] = self.counters.get(name, 0) + info[name]
        self.resident.append(info["rss_bytes"])

    def end(self, state: str, detail: str = "") -> None:
        """Note that the run did not go as planned."""
        self.state, self.detail = state, detail
        self.stopped = self.stopped or state.partition(":")[0]

    def finish(self) -> Run:
        """Return the run."""
        if self.resident:
            self.counters["rss_bytes"] = statistics.fmean(self.resident)
        return Run(
            index=self.index,
            state=self.state,
            detail=self.detail,
            began=self.began,
            load_ns=self.opened.get("load_ns"),
            first_ns=self.first.get("ns", {}),
            warm_up=self.warm_up,
            stopped=self.stopped,
            samples=self.samples,
            statistics={stage: summarize(values) for stage, values in self.columns.items()},
            cpu={stage: summarize(values) for stage, values in self.cpu.items()},
            counters=self.counters,
            slices=tuple(self.slices),
            raw={stage: values[: result.RAW_LIMIT] for stage, values in self.columns.items()},
        )


def measure(
    asks: Asks,
    request: Mapping[str, Any],
    limits: Limits,
    recorder: Recorder,
    tell: Callable[[str, Recorder, float], None],
) -> None:
    """Open, warm up, time, and close; everything found is in ``recorder``, also after an error.

    :param request: Arguments of ``Runner.open``.
    :param tell: Called with the phase, the recorder and the share of this run that is done.
    :raises LpbenchError: The engine refuses, or the worker ended.
    """
    tell("loading", recorder, 0.0)
    recorder.opened, _ = asks.ask("open", "loading", **request)
    recorder.counters["baseline_bytes"] = recorder.opened["baseline_bytes"]
    recorder.first, _ = asks.ask("first", "running the first sample")
    expected = _warm_up(asks, recorder, limits, lambda share: tell("warming up", recorder, 0.2 * share))
    _time(asks, recorder, limits, expected, lambda share: tell("measuring", recorder, 0.2 + 0.7 * share))
    _take_cpu(asks, recorder)
    if recorder.index == 0:
        tell("predictions", recorder, 0.95)
        recorder.predictions, _ = asks.ask("predict", "predicting")
        recorder.environment, _ = asks.ask("environment", "reading the environment")
    closed, _ = asks.ask("close", "closing")
    recorder.counters["peak_bytes"] = closed["peak_bytes"]
    recorder.problems = closed["problems"]


def _warm_up(asks: Asks, recorder: Recorder, limits: Limits, tell: Callable[[float], None]) -> float:
    """Run windows until their medians stop falling; return the nanoseconds of a sample to expect."""
    expected = float(max(recorder.first["ns"][timing.TOTAL], 1))
    begun, samples, ended = time.monotonic(), 1, "time"
    while (spent := time.monotonic() - begun) + expected / NANO < limits.warm_up_s:
        tell(spent / limits.warm_up_s)
        count = _count(WARM_UP_SLICE_S, expected, limits.most)
        median = statistics.median(_columns(asks.ask("measure", "warming up", count=count)[1])[timing.TOTAL])
        steady = samples > 1 and median > FALLING * expected
        samples, expected = samples + count, max(median, 1.0)
        if steady:
            ended = "steady"
            break
    recorder.warm_up = {"samples": samples, "seconds": time.monotonic() - begun, "ended": ended}
    return expected


def _time(asks: Asks, recorder: Recorder, limits: Limits, expected: float, tell: Callable[[float], None]) -> None:
    begun = time.monotonic()
    while not (reason := _done(recorder, limits, time.monotonic() - begun)):
        most = (limits.number or limits.most) - recorder.samples
        recorder.add(*asks.ask("measure", "measuring", count=_count(SLICE_S, expected, most)))
        expected = max(recorder.slices[-1].median_ns, 1.0)
        spent = time.monotonic() - begun
        tell(recorder.samples / limits.number if limits.number else min(1.0, spent / limits.most_s))
    recorder.stopped = reason


def _done(recorder: Recorder, limits: Limits, spent: float) -> str:
    """Return why a run has enough, or nothing."""
    if limits.number is not None:
        return "number" if recorder.samples >= limits.number else ""
    if not recorder.samples:
        return ""
    if spent >= limits.least_s and width(recorder.columns[timing.TOTAL], limits.confidence) <= limits.width:
        return "interval"
    if recorder.samples >= limits.most:
        return "samples"
    return "time" if spent >= limits.most_s else ""


def width(values: array[int], confidence: float) -> float:
    """Return half the width of the median's interval relative to the median; infinite where there is none."""
    interval = median_interval(values, confidence)
    if not isinstance(interval, Interval):
        return math.inf
    return (interval.upper - interval.lower) / (interval.upper + interval.lower)


def _take_cpu(asks: Asks, recorder: Recorder) -> None:
    """Take CPU time in a short pass of its own: its clock costs more than the one that times."""
    least, most = CPU_PASS_SAMPLES
    count = max(least, min(most, recorder.samples, _count(CPU_PASS_S, recorder.slices[-1].median_ns, most)))
    recorder.cpu = _columns(asks.ask("measure_cpu", "taking CPU time", count=count)[1])


def _columns(reads: bytes) -> dict[str, array[int]]:
    values = array("q")
    values.frombytes(reads)
    if sys.byteorder == "big":  # the wire is little-endian
        values.byteswap()
    return timing.durations(values)


def _count(seconds: float, expected_ns: float, most: int) -> int:
    return max(1, min(most, int(seconds * NANO / expected_ns)))
