"""Heating curves before the runs: each configuration alone, without a pause, from a stated temperature.

The machine rests before each curve.  The curve runs in slices; a sampler watches temperature, frequency and throttling
once a second meanwhile.  Whatever goes wrong, the curve so far is kept, and the runs follow.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
import time
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, WorkerError
from lpbench.jobs.engine_mistakes import is_mistake
from lpbench.jobs.measuring.heat_curve import TEMPERATURE, HeatCurve, Thermometer
from lpbench.jobs.measuring.live_run import LONGEST
from lpbench.jobs.measuring.progress import Progress
from lpbench.jobs.measuring.recording import NANO, SLICE_S, Recorder, columns_of, prepare
from lpbench.jobs.measuring.resources.choosing import choose_of
from lpbench.jobs.measuring.resources.collector import BUSY, Collector
from lpbench.jobs.measuring.resources.sampler import Loss, Sampler
from lpbench.jobs.measuring.starting import start
from lpbench.results.heat import judge
from lpbench.results.resources import MonitorLoss, Resource, TimeSeries
from lpbench.results.stages import TOTAL
from lpbench.results.sustained import WATCHED, Sustained
from lpbench.util import interrupts
from lpbench.util.jsonable import whole_text
from lpbench.util.portable import allowed_cores
from lpbench.util.text import abridge, amount
from lpbench.worker.requests import BeginInterference, EndInterference, MeasureSlice
from lpbench.worker.sampler.messages import Assignment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lpbench.jobs.measuring.plan import Plan
    from lpbench.jobs.measuring.tracks import TargetProgress
    from lpbench.worker.requests import RunnerClient
    from lpbench.worker.sampler.messages import Report

INTERVAL_S = 1.0
"""Between two samples of the monitors: temperatures change slowly, and each sample takes time from the curve."""
NEAR = 2.0
"""Kelvins above the temperature before the first curve from which the next may begin."""
LONGEST_REST_S = 120.0
FIXED_REST_SHARE, FIXED_REST_S = 0.1, 30.0
"""Rest where the temperature is not known: a share of the curve, so long at most."""
FIRST_READING_S = 3.0
"""How long a temperature is waited for."""
LOOK_S = 0.1


def sustain(
    plan: Plan, tracks: Sequence[TargetProgress], show: Callable[[Progress], None], keep: Callable[[], None]
) -> bool:
    """Take the curve of each target; return whether that was interrupted.

    :param show: Called a few times a second.
    :param keep: Called after each curve.
    :raises LpbenchError: The only target, or one that was named with options, cannot run as was asked.
    """
    waiting = [track for track in tracks if not track.over]
    first: float | None = None
    for at, track in enumerate(waiting):
        heating = Heating(plan, track, show, after=len(waiting) - at - 1)
        if at == 0:
            heating.tell(f"{_curves(len(waiting), heating.seconds)} before the runs, on top of their time")
        try:
            first = heating.carry_out(first)
        except LpbenchError as error:
            wrong = not isinstance(error, WorkerError) and (len(tracks) == 1 or is_mistake(error, plan.settings.engine))
            if wrong and not heating.began:
                raise
        finally:
            track.sustained = heating.sustained()
        keep()
        if heating.interrupted or interrupts.requested():
            return True
    return False


def _curves(count: int, seconds: float) -> str:
    return f"{amount(count, 'heating curve')} of {seconds:g} s and a rest{' each' if count > 1 else ''}"


class Heating:
    """One target's curve.

    :param after: How many curves follow.
    """

    def __init__(self, plan: Plan, track: TargetProgress, show: Callable[[Progress], None], *, after: int) -> None:
        assert plan.sustain  # noqa: S101 - nobody asks otherwise
        self._plan, self._track, self._show, self._after = plan, track, show, after
        self._sustain = plan.sustain
        self._recorder = Recorder(0, track.target.configuration)
        self._curve, self._collector = HeatCurve(), Collector()
        self._thermometer = Thermometer(self._sustain.monitors.ranks)
        self._lost: list[Loss] = []
        self._found = Sustained(self.seconds, interval_s=INTERVAL_S)
        self.interrupted = False

    @property
    def seconds(self) -> float:
        """How long it is to run."""
        return self._sustain.seconds

    @property
    def began(self) -> bool:
        """Whether there is anything of it."""
        return bool(self._curve.slices())

    def carry_out(self, first: float | None) -> float | None:
        """Take the curve and return the temperature before the first one of the benchmark.

        :param first: That temperature; None where this is the first, or where it is not known.
        :raises LpbenchError: The target cannot be opened, or fails.
        """
        try:
            with self._watched():
                first = self._temperature() if first is None else first
                self._report("starting", 0.0)
                with self._opened() as client:
                    self._rest(first)
                    self._run(client)
        except KeyboardInterrupt:
            self.interrupted = True
            self._note(ended="interrupted")
        except LpbenchError as error:
            self._note(ended="failed", reason=abridge(whole_text(str(error.what)), LONGEST))
            raise
        return first

    def tell(self, note: str) -> None:
        """Say something that stays on the screen."""
        self._show(dataclasses.replace(self._progress("starting", 0.0), note=note))

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Have monitors sample once a second."""
        cores = self._track.target.configuration.affinity
        others = tuple(core for core in allowed_cores() if core not in cores) if cores else ()
        assignment = Assignment(self._sustain.monitors.chosen, None, INTERVAL_S, affinity=others)
        with Sampler(assignment, self._sustain.monitors.deadlines, self._take) as sampler:
            try:
                sampler.command("sample")
                yield
            finally:
                self._lost = list(sampler.losses)

    def _take(self, report: Report) -> None:
        self._thermometer.take(report)
        self._collector.take(report)

    def _temperature(self) -> float | None:
        """Return the temperature once a monitor has told it; None where none does."""
        told = any(TEMPERATURE in spec.metrics for spec in self._sustain.monitors.specs.values())
        until = time.monotonic() + FIRST_READING_S
        while told and (found := self._thermometer.celsius()) is None and time.monotonic() < until:
            time.sleep(LOOK_S)
        return found if told else None

    @contextlib.contextmanager
    def _opened(self) -> Iterator[RunnerClient]:
        """Start what the target is measured in, open it and warm it up."""
        client = start(self._plan, self._track.target)
        whole = False
        try:
            request = self._plan.request(self._track.target)
            prepare(client, request, self._plan.budgets[0], self._recorder, lambda phase, _, __: self._report(phase, 0))
            client.suspend()
            yield client
            whole = True
        finally:
            client.close() if whole else client.kill()

    def _rest(self, first: float | None) -> None:
        """Rest until the CPU is about as cool as it was before the first curve, or as long as rests may take."""
        begun = time.monotonic()
        longest = min(LONGEST_REST_S, self.seconds)
        fixed = min(FIXED_REST_S, FIXED_REST_SHARE * self.seconds)
        ended = ""
        while not ended:
            now, spent = self._thermometer.celsius(), time.monotonic() - begun
            if first is None or now is None:
                ended = "fixed" if spent >= fixed else ""
            else:
                ended = "cooled" if now <= first + NEAR else "limit" if spent >= longest else ""
            self._report("resting", 0.0)
            time.sleep(0.0 if ended else LOOK_S)
        self._note(rest_s=round(time.monotonic() - begun, 3), rest_ended=ended)
        self._note(first_temperature=first, start_temperature=self._thermometer.celsius())

    def _run(self, client: RunnerClient) -> None:
        """Run samples without a pause."""
        begun = time.monotonic()
        self._note(began=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"))
        self._collector.begin(BUSY, begun)
        client.request(BeginInterference((os.getpid(),)))
        try:
            while (at := time.monotonic() - begun) < self.seconds and not interrupts.requested():
                self._slice(client, at)
                self._report("sustained", min(1.0, at / self.seconds))
        finally:
            self._collector.end(time.monotonic())
            self._note(lasted_s=round(time.monotonic() - begun, 6))
        if interrupts.requested():
            raise KeyboardInterrupt
        self._note(disturbed=str(client.request(EndInterference()).get("disturbed") or ""))

    def _slice(self, client: RunnerClient, at: float) -> None:
        count = max(1, int(SLICE_S * NANO / self._recorder.expected_ns))
        measured = client.request(MeasureSlice(count), "running without a pause")
        totals = columns_of(measured.block, self._recorder.components, count)[TOTAL]
        self._recorder.expected_ns = max(1.0, self._curve.add(at, measured.wall_ns / NANO, totals))

    def _note(self, **facts: Any) -> None:
        self._found = dataclasses.replace(self._found, **facts)

    def _report(self, phase: str, share: float) -> None:
        self._show(self._progress(phase, share))

    def _progress(self, phase: str, share: float) -> Progress:
        """Return where this is; what is left are this curve, those that follow and the runs."""
        left_s = self.seconds * (1 - share + self._after) + self._plan.max_time
        return Progress(self._track.label, phase, 0, 0, share, left_s, None, 0, activity=self._recorder.activity)

    def sustained(self) -> Sustained:
        """Return the curve as far as it went, and what it shows."""
        processor = str(self._recorder.facts.get("processor") or "")
        found, slices = self._resources(processor), self._curve.slices()
        told = next((each for each in found if each.name == TEMPERATURE and not each.second), Resource(TEMPERATURE))
        known = self._found.start_temperature is not None
        return dataclasses.replace(
            self._found,
            slices=slices,
            merged=self._curve.merged,
            resources=found,
            losses=tuple(MonitorLoss(each.monitor, each.reason, each.gap) for each in self._lost),
            temperature_reason="" if known else told.reason or "no monitor told it before the curve",
            heat=judge(slices, found, processor, self.seconds),
        )

    def _resources(self, processor: str) -> tuple[Resource, ...]:
        """Return what monitors told of what is watched; parts of it, each core's frequency say, without a series."""
        monitors = self._sustain.monitors
        found = choose_of(monitors, self._collector.resources(), self._lost, processor)
        chosen = (each for each in found if each.metric in WATCHED)
        return tuple(
            dataclasses.replace(each, series=TimeSeries()) if "/" in each.name or each.second else each
            for each in chosen
        )
