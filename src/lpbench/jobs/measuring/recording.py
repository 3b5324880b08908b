"""One run: an app opened on an engine, warmed up, measured in slices, and closed.

What is asked does not depend on whether a worker or a runner in this process answers.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import sys
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import WorkerError
from lpbench.results.run import Slice
from lpbench.results.stages import TOTAL, durations, reads_of
from lpbench.results.stats import NoisePlateau, Stopping, WarmUp
from lpbench.util.outcome import RunOutcome
from lpbench.worker import requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.app.dataset import Labelled
    from lpbench.plugin.configuration import EngineConfiguration
    from lpbench.plugin.progress import Activity, Listener
    from lpbench.results.profile import LayerProfile
    from lpbench.results.resources import ResourcePass
    from lpbench.worker.requests import FirstSample, Opened, OpenRequest, RunnerClient

SLICE_S = 0.2
"""A slice lasts about this long, so that progress is seen and Ctrl-C loses little."""
WARM_UP_SLICE_S = 0.025
WARM_UP_WINDOWS = 2
"""Windows on either side of the comparison that ends warm-up."""
CPU_PASS_S = 0.06
CPU_PASS_SAMPLES = (3, 1000)
QUALITY_BATCH = 16
"""Labelled samples whose predictions are evaluated at a time."""
NANO = 1_000_000_000
OPEN = requests.Closed(0, ())
"""What is known of the end of a run that has none yet."""


@dataclass(frozen=True)
class RunBudget:
    """When a run ends.

    :param number: Samples to time; None goes on until ``width`` is reached.
    :param width: Half width of the median's interval relative to the median.
    :param need: Samples before anything but the cap ends the run, for a percentile say.
    :param least_s: Measure at least this long.
    :param most_s: Measure at most this long.
    :param most: Time at most this many samples.
    :param warm_up_s: Warm up at most this long.
    :param lockstep_s: Let workers take turns about this long.
    :param explain_s: Take the latency apart for about this long; 0 leaves it whole.
    :param watch_s: Watch resources for about this long; 0 does not.
    :param labelled: Samples by which quality is evaluated, in the first run; none leaves it unknown.
    :param metrics: By which it is evaluated.
    """

    number: int | None = None
    width: float = 0.01
    need: int = 6
    least_s: float = 0.3
    most_s: float = 2.0
    most: int = 50_000
    warm_up_s: float = 1.0
    lockstep_s: float = 0.35
    explain_s: float = 0.0
    watch_s: float = 0.0
    labelled: Sequence[Labelled] = ()
    metrics: Sequence[str] = ()


class Recorder:
    """Collects one run; whatever happens, it keeps what there is."""

    def __init__(self, index: int, configuration: EngineConfiguration) -> None:
        self.index, self.configuration = index, configuration
        self.outcome = RunOutcome()
        self.detail = ""
        self.began = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
        self.activity = ""
        """What the engine reports that takes long, while it opens."""
        self.opened: Opened | None = None
        self.first: FirstSample | None = None
        self.warm_up: dict[str, Any] = {}
        self.stopped = ""
        self.columns: dict[str, array[int]] = {}
        self.cpu: dict[str, array[int]] = {}
        self.slices: list[Slice] = []
        self.counters: dict[str, float] = {}
        self.resident: list[int] = []
        self.environment: Mapping[str, Any] = {}
        self.predictions: requests.Records = ()
        self.closed = OPEN
        self.disturbance: Mapping[str, Any] = {}
        self.units: dict[str, float] = {}
        self.expected_ns = 1.0
        self.start_ns = 0
        self.whole_ns = 0
        self.superseded = False
        self.breakdown: Mapping[str, float] = {}
        self.quality: requests.QualityFound | None = None
        self.profile: tuple[LayerProfile, ...] = ()
        self.profile_s = 0.0
        self.turns: Mapping[str, tuple[float, ...]] = {}
        self.resources: ResourcePass | None = None

    @property
    def over(self) -> bool:
        """Whether nothing is added any more: it came to its end, or failed."""
        return self.closed is not OPEN or self.outcome.kind not in {"ok", "interrupted"}

    @property
    def samples(self) -> int:
        """How many samples were timed so far."""
        return len(self.columns.get(TOTAL, ()))

    def add(self, measured: requests.Slice, count: int | None = None) -> None:
        """Take in one measured slice of some samples."""
        columns = columns_of(measured.block, self.components, count)
        for stage, values in columns.items():
            self.columns.setdefault(stage, array("q")).extend(values)
        total = columns[TOTAL]
        median = statistics.median(total)
        self.slices.append(Slice(len(total), measured.wall_ns, median, min(total), max(total)))
        for name in ("wall_ns", "cpu_ns", "switches", "faults"):
            if (found := getattr(measured, name)) is not None:
                self.counters[name] = self.counters.get(name, 0) + found
        self.resident.append(measured.rss_bytes)

    @property
    def components(self) -> Sequence[str]:
        """Names of a chain's components; empty where there is one."""
        return self.opened.components if self.opened else ()

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the session says of itself; empty before it is open."""
        return self.opened.facts if self.opened else {}

    @property
    def threads(self) -> int | None:
        """The threads that compute in all streams, None where the engine does not tell."""
        found = self.facts.get("threads")
        return found * self.configuration.streams if isinstance(found, int) else None

    def end(self, outcome: RunOutcome, detail: str = "") -> None:
        """Note that the run did not go as planned.

        :param detail: What the worker or the engine printed about it.
        """
        self.outcome, self.detail = outcome, detail
        self.stopped = self.stopped or outcome.kind


ProgressCallback = Callable[[str, Recorder, float], None]
"""Called with the phase, the recorder and the share of this run that is done."""


def hearing(phase: str, recorder: Recorder, report: ProgressCallback) -> Listener:
    """Return what tells, during a phase, what the engine reports that takes long."""

    def hear(activity: Activity) -> None:
        recorder.activity = str(activity)
        report(phase, recorder, 0.0)

    return hear


def prepare(
    client: RunnerClient, request: OpenRequest, limits: RunBudget, recorder: Recorder, report: ProgressCallback
) -> None:
    """Open the app and warm it up.

    :raises LpbenchError: The engine refuses, or the worker ended.
    """
    begun = time.monotonic_ns()
    report("loading", recorder, 0.0)
    hear = hearing("loading", recorder, report)
    recorder.opened = client.request(request, hear=hear)
    recorder.counters["baseline_bytes"] = recorder.opened.baseline_bytes
    recorder.first = client.request(requests.RunFirstSample(), hear=hear)
    recorder.activity = ""
    recorder.expected_ns = _warm_up(client, recorder, limits, lambda share: report("warming up", recorder, 0.2 * share))
    recorder.start_ns = time.monotonic_ns() - begun


def time_alone(client: RunnerClient, limits: RunBudget, recorder: Recorder, report: ProgressCallback) -> None:
    """Time contiguous slices: this is where absolute latencies come from."""
    begun = time.monotonic_ns()
    client.request(requests.BeginInterference((os.getpid(),)))
    _time(client, recorder, limits, lambda share: report("measuring", recorder, 0.2 + 0.4 * share))
    recorder.whole_ns = time.monotonic_ns() - begun
    recorder.disturbance = client.request(requests.EndInterference())
    client.suspend()


def finish(client: RunnerClient, limits: RunBudget, recorder: Recorder, report: ProgressCallback) -> None:
    """Take the parts of the latency if asked for, CPU time, predictions and the environment, and close."""
    if limits.explain_s:
        report("explaining", recorder, 0.85)
        recorder.breakdown = client.request(requests.BreakDownLatency(limits.explain_s))
    report("CPU time", recorder, 0.9)
    _take_cpu(client, recorder)
    if recorder.index == 0:
        report("predictions", recorder, 0.95)
        recorder.predictions = client.request(requests.Predict())
        if limits.labelled:
            _evaluate_quality(
                client, recorder, limits, lambda share: report("evaluating quality", recorder, 0.95 + 0.05 * share)
            )
    recorder.environment = client.request(requests.ReadEnvironment())
    recorder.closed = client.request(requests.CloseApp())
    recorder.counters["peak_bytes"] = recorder.closed.peak_bytes


def _evaluate_quality(
    client: RunnerClient, recorder: Recorder, limits: RunBudget, report: Callable[[float], None]
) -> None:
    """Evaluate the predictions of all labelled samples, some at a time, so that progress is seen."""
    client.request(requests.BeginQuality(tuple(limits.metrics)))
    for at in range(0, len(limits.labelled), QUALITY_BATCH):
        report(at / len(limits.labelled))
        some = limits.labelled[at : at + QUALITY_BATCH]
        client.request(requests.EvaluateQuality(tuple((str(each.path), dict(each.truth)) for each in some)))
    recorder.quality = client.request(requests.FinishQuality())


def _warm_up(client: RunnerClient, recorder: Recorder, limits: RunBudget, report: Callable[[float], None]) -> float:
    """Run windows until their medians stop falling; return the nanoseconds of a sample to expect."""
    expected = float(max(recorder.first.ns[TOTAL] if recorder.first else 1, 1))
    begun, rule, ended = time.monotonic(), WarmUp(k=WARM_UP_WINDOWS), "time"
    while (spent := time.monotonic() - begun) + expected / NANO < limits.warm_up_s:
        report(spent / limits.warm_up_s)
        count = _count(WARM_UP_SLICE_S, expected, limits.most)
        measured = client.request(requests.MeasureSlice(count), "warming up")
        totals = columns_of(measured.block, recorder.components, count)[TOTAL]
        expected = max(statistics.median(totals), 1.0)
        if rule.feed(totals):
            ended = "cap" if rule.capped else "steady"
            break
    recorder.warm_up = {"samples": rule.samples + 1, "seconds": time.monotonic() - begun, "ended": ended}
    return expected


def _time(client: RunnerClient, recorder: Recorder, limits: RunBudget, report: Callable[[float], None]) -> None:
    begun = time.monotonic()
    rule = Stopping(limits.width, cap=limits.most_s * NANO, need=limits.need, plateau=NoisePlateau())
    reason: str | None = None
    while reason is None:
        count = _count(SLICE_S, recorder.expected_ns, (limits.number or limits.most) - recorder.samples)
        recorder.add(client.request(requests.MeasureSlice(count)), count)
        recorder.expected_ns = max(recorder.slices[-1].median_ns, 1.0)
        spent = time.monotonic() - begun
        reason = _reason(recorder, limits, rule.feed(recorder.columns[TOTAL][-count:]), spent)
        report(recorder.samples / limits.number if limits.number else min(1.0, spent / limits.most_s))
    recorder.stopped = reason


def _reason(recorder: Recorder, limits: RunBudget, found: str | None, spent: float) -> str | None:
    """Return why a run has enough: ``number``, ``interval``, ``plateau``, ``samples`` or ``time``."""
    if limits.number is not None:
        return "number" if recorder.samples >= limits.number else None
    if recorder.samples >= limits.most:
        return "samples"
    if found == "cap" or spent >= 2 * limits.most_s:  # decoding between samples takes time as well
        return "time"
    return found if spent >= limits.least_s else None


def _take_cpu(client: RunnerClient, recorder: Recorder) -> None:
    """Take CPU time in a short pass of its own: its clock costs more than the one that times."""
    least, most = CPU_PASS_SAMPLES
    count = max(least, min(most, recorder.samples, _count(CPU_PASS_S, recorder.slices[-1].median_ns, most)))
    recorder.cpu = columns_of(client.request(requests.MeasureCpuSlice(count)).block, recorder.components, count)


def columns_of(reads: bytes, components: Sequence[str] = (), count: int | None = None) -> dict[str, array[int]]:
    """Return nanoseconds by stage from a block of clock reads.

    :param components: Names of a chain's components.
    :param count: Samples that were asked for.
    :raises WorkerError: It does not hold as many samples, or its clock went backwards.
    """
    samples, rest = divmod(len(reads), 8 * reads_of(len(components) or 1))
    if not samples or rest or samples != (count or samples):
        raise WorkerError(
            f"the worker sent {len(reads)} bytes of clock reads, which is not a whole number of samples as asked for",
            outcome=RunOutcome("protocol", "measuring", detail="clock reads"),
        )
    values = array("q", reads)
    if sys.byteorder == "big":  # the wire is little-endian
        values.byteswap()
    stages = durations(values, components)
    if min(map(min, stages.values())) < 0:
        what = "the worker's clock went backwards"
        raise WorkerError(
            what, outcome=RunOutcome("failed", "measuring", detail=what), hint="was the machine suspended or moved?"
        )
    return stages


def _count(seconds: float, expected_ns: float, most: int) -> int:
    return max(1, min(most, int(seconds * NANO / expected_ns)))
