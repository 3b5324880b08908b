"""The resource pass of one run: the worker is watched while it is idle, while it runs samples, and idle again.

Times of the latency pass are never those of this one.  How much slower samples are while monitors sample is measured
here, in slices that take turns: monitors sample in one and pause in the next.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.jobs.measuring.recording import NANO, columns_of
from lpbench.jobs.measuring.resources.choosing import POWER, choose_of
from lpbench.jobs.measuring.resources.collector import BUSY, IDLE, Collector
from lpbench.jobs.measuring.resources.sampler import Sampler
from lpbench.results.resource_metrics import turn_ratios
from lpbench.results.resources import MonitorLoss, ResourcePass, StageMemory, WatchedSlice
from lpbench.results.stages import TOTAL
from lpbench.util.portable import allowed_cores
from lpbench.worker.requests import MeasureSlice, MeasureStageMemory, ReadDeviceMemory
from lpbench.worker.sampler.messages import Assignment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from lpbench.jobs.measuring.live_run import LiveRun
    from lpbench.jobs.measuring.recording import ProgressCallback, Recorder
    from lpbench.jobs.measuring.resources.installed_monitors import InstalledMonitors
    from lpbench.results.resources import Resource
    from lpbench.worker.requests import RunnerClient

INTERVAL_S = 0.1
IDLE_S = 1.0
"""At least this long before, and as long after."""
SETTLE_S = 0.25
"""Between the end of work and an idle window: readings of a load tell of the time since the reading before."""
WINDOWS = 10
"""A monitor's window is that many times what its sensor averages over."""
BUSY_S = 2.0
SLICE_S = 0.2
TURNS = 8
"""Slices with monitors and without, as many of each."""
STAGE_SAMPLES = 5
STAGE_S = 2.0
"""Samples whose stages' memory is measured take about that long at most, so that slow ones are not taken for a hang."""


@dataclass(frozen=True)
class Watch:
    """How runs are watched.

    :param interval_s: Seconds between two samples of the monitors.
    :param busy_s: How long samples run, at least; longer where a monitor's readings need it.
    """

    monitors: InstalledMonitors
    interval_s: float = INTERVAL_S
    busy_s: float = BUSY_S

    def window_s(self, names: Collection[str]) -> float:
        """Return how long samples run: as long as the readings of the slowest of some monitors need."""
        return max([self.busy_s, *(self.monitors.specs[name].window for name in names if name in self.monitors.specs)])

    @property
    def expected_s(self) -> float:
        """About how long the pass of one run takes."""
        return self.busy_s + 2 * (SETTLE_S + IDLE_S) + TURNS * SLICE_S + 1.0


def watch_resources(one: LiveRun, watch: Watch, cores: Sequence[int], report: ProgressCallback) -> ResourcePass:
    """Return what a run takes of the machine.

    :raises LpbenchError: The worker ended, or the system starts no sampler.
    """

    def tell(share: float) -> None:
        report("watching resources", one.recorder, 0.8 + 0.05 * share)

    return ResourceWatch(one.client, watch, one.recorder, cores, tell).carry_out()


class ResourceWatch:
    """One pass over one worker.

    :param cores: Those of the worker; the sampler stays off them where there are others.
    :param report: Called with the share that is done.
    """

    def __init__(
        self,
        client: RunnerClient,
        watch: Watch,
        recorder: Recorder,
        cores: Sequence[int],
        report: Callable[[float], None],
    ) -> None:
        self._client, self._watch, self._recorder, self._report = client, watch, recorder, report
        self._collector = Collector()
        self._slices: list[WatchedSlice] = []
        self._begun = time.monotonic()
        others = tuple(core for core in allowed_cores() if core not in cores) if cores else ()
        self._assignment = Assignment(watch.monitors.chosen, client.pid, watch.interval_s, affinity=others)

    def carry_out(self) -> ResourcePass:
        """Watch the worker and return what was seen.

        :raises LpbenchError: The worker ended, or the system starts no sampler.
        """
        self._client.suspend()
        with Sampler(self._assignment, self._watch.monitors.deadlines, self._collector.take) as sampler:
            self._begun = time.monotonic()
            sampler.command("survey")
            self._idle(sampler)
            slow_down, reason = self._turns(sampler)
            samples = self._busy(sampler)
            self._idle(sampler)
            sampler.command("survey")
        few = max(1, min(STAGE_SAMPLES, int(STAGE_S * NANO / self._recorder.expected_ns)))
        stages = self._client.request(MeasureStageMemory(few))
        device = self._client.request(ReadDeviceMemory())
        return ResourcePass(
            seconds=self._collector.seconds(BUSY),
            idle_s=self._collector.seconds(IDLE),
            interval_s=self._watch.interval_s,
            samples=samples,
            slow_down=slow_down,
            slow_down_reason=reason,
            resources=self._chosen(sampler),
            slices=tuple(self._slices),
            losses=tuple(MonitorLoss(each.monitor, each.reason, each.gap) for each in sampler.losses),
            stages={name: StageMemory(each.peak_bytes, each.increase_bytes) for name, each in stages.stages.items()},
            stages_reason=stages.reason,
            device_bytes={name: _whole(each.by_use) for name, each in device.items() if each.by_use},
        )

    def _idle(self, sampler: Sampler) -> None:
        """Watch the machine while the worker is suspended."""
        self._client.suspend()
        sampler.command("sample")
        averaged = self._watch.window_s(self._collector.tellers(POWER)) / WINDOWS
        time.sleep(max(SETTLE_S, averaged))  # a load since the last sample, or a mean of a second, is still of the work
        self._collector.begin(IDLE, time.monotonic())
        time.sleep(max(IDLE_S, 2 * averaged))
        self._collector.end(time.monotonic())
        sampler.command("pause")
        self._report(self._done())

    def _turns(self, sampler: Sampler) -> tuple[float | None, str]:
        """Return how much longer samples take while monitors sample, from slices that take turns (A B B A)."""
        self._slice(sampled=False)  # the caches are cold
        self._slices.clear()
        for number in range(TURNS):
            sampled = number % 4 in {0, 3}
            sampler.command("sample" if sampled else "pause")
            self._slice(sampled=sampled)
        return slow_down(self._slices)

    def _busy(self, sampler: Sampler) -> int:
        """Run samples while monitors sample without a pause; return how many."""
        sampler.command("sample")
        seconds = self._watch.window_s(self._collector.tellers(POWER))
        begun = time.monotonic()
        self._collector.begin(BUSY, begun)
        samples = 0
        while time.monotonic() - begun < seconds:
            samples += self._slice(sampled=True)
            self._report(self._done())
        self._collector.end(time.monotonic())
        sampler.command("pause")
        return samples

    def _slice(self, *, sampled: bool) -> int:
        count = max(1, int(SLICE_S * NANO / self._recorder.expected_ns))
        at = time.monotonic() - self._begun
        measured = self._client.request(MeasureSlice(count), "measuring resources")
        totals = columns_of(measured.block, self._recorder.components, count)[TOTAL]
        self._slices.append(WatchedSlice(round(at, 6), count, statistics.median(totals), sampled))
        return count

    def _done(self) -> float:
        return min(1.0, (time.monotonic() - self._begun) / self._watch.expected_s)

    def _chosen(self, sampler: Sampler) -> tuple[Resource, ...]:
        processor = str(self._recorder.facts.get("processor") or "")
        return choose_of(self._watch.monitors, self._collector.resources(), sampler.losses, processor)


def _whole(by_use: Mapping[str, int]) -> int:
    """Return the bytes that an engine states in all."""
    return by_use.get("total", sum(by_use.values()))


def slow_down(slices: Sequence[WatchedSlice]) -> tuple[float | None, str]:
    """Return the ratio of slices with monitors to their neighbours without, or why there is none."""
    ratios = turn_ratios(slices)
    if not ratios:
        return None, "samples are shorter than the clock can resolve"
    return statistics.geometric_mean(ratios), ""
