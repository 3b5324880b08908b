"""Carries a plan out: fresh workers, each alone and then all interleaved, one result."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError, ResultError, WorkerError
from lpbench.jobs.engine_mistakes import is_mistake
from lpbench.jobs.measuring import coexistence, notes
from lpbench.jobs.measuring.forecast import LATE, Forecast, Opened
from lpbench.jobs.measuring.interleave import Contender, run_interleaved_slices, units
from lpbench.jobs.measuring.keeper import Keeper
from lpbench.jobs.measuring.live_run import LiveRun, book
from lpbench.jobs.measuring.notes import TIME, YARDSTICK, Notes
from lpbench.jobs.measuring.pilot import PILOT, rest_of
from lpbench.jobs.measuring.profiling import complete, extra_s
from lpbench.jobs.measuring.progress import Progress, width_so_far
from lpbench.jobs.measuring.recording import NANO, Recorder, prepare, time_alone
from lpbench.jobs.measuring.reference_worker import Yardsticks
from lpbench.jobs.measuring.starting import start
from lpbench.jobs.measuring.tracks import TargetProgress
from lpbench.results.locksteps import FEWEST, TURNS
from lpbench.results.names import labels
from lpbench.results.stages import TOTAL
from lpbench.util import interrupts
from lpbench.util.outcome import RunOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.jobs.measuring.plan import Plan
    from lpbench.jobs.measuring.recording import ProgressCallback
    from lpbench.results.journal import Journal
    from lpbench.results.model import Result

MOST_REPEATS = 0.5
"""Repeated runs, as a share of those that were planned."""


class Rounds:
    """The runs of one benchmark, round by round: every target has one run in each."""

    def __init__(self, plan: Plan, progress: Callable[[Progress], None] | None, journal: Journal | None = None) -> None:
        self._plan = plan
        self._budgets = list(plan.budgets)
        self._progress = progress
        names = labels([target.configuration for target in plan.targets])
        self._tracks = [
            TargetProgress(target, name, plan.lockstep_reason) for target, name in zip(plan.targets, names, strict=True)
        ]
        self._yardstick = Yardsticks(plan, lambda reason: self._notes.renew(YARDSTICK, reason))
        self._forecast = Forecast(plan, sum(not each.over for each in self._tracks))
        self._notes = Notes(self._tell)
        self._keeper = Keeper(plan, self._tracks, self._yardstick, self._notes, journal)
        self._last: Progress | None = None
        self._begun = time.monotonic()
        self._interrupted = False
        self._repeated = 0

    def carry_out(self) -> Result:
        """Do every run, as far as the time goes."""
        notes.begin(self._notes, self._tracks)
        try:
            try:
                self._rounds()
            finally:
                self._yardstick.close()
            interrupts.hold()
        except KeyboardInterrupt:  # while a worker starts, or between two steps
            self._interrupt()
        try:
            return self._result()
        except KeyboardInterrupt:  # everything is measured: it is put together all the same
            self._interrupted = True
            return self._result()

    def _rounds(self) -> None:
        if self._plan.sustain:
            from lpbench.jobs.measuring.sustaining import sustain  # most benchmarks watch nothing

            self._interrupted = sustain(self._plan, self._tracks, self._show, self._keep)
            self._begun = time.monotonic()  # the time limit is that of the runs
        index = 0
        while index < len(self._budgets) and not self._stops() and not self._late(index):
            begun = self._spent()
            self._round(index)
            self._forecast.add_round(self._budgets[index], self._spent() - begun)
            self._notes.add(TIME, self._forecast.overrun())
            self._repeat(index)
            self._keep()
            index += 1
            if index == PILOT and self._plan.adaptive:
                spent, most = self._spent(), self._plan.max_time
                self._budgets = rest_of(self._budgets[:PILOT], self._measured(), spent, most)

    def _stops(self) -> bool:
        """Say whether the benchmark ends here; asked for since a library may have caught what Ctrl-C raised."""
        self._interrupted = self._interrupted or interrupts.requested()
        return self._interrupted

    def _interrupt(self) -> None:
        """End the benchmark; a run that has no sample yet says why."""
        self._interrupted = True
        for track in self._tracks:
            for each in track.recorders[-1:]:
                if not each.samples and each.outcome.ok:
                    each.end(RunOutcome("interrupted"))

    def _keep(self) -> None:
        """Keep the runs that have ended, before the next one begins."""
        try:
            self._keeper.keep()
        except ResultError as error:
            self._tell(str(error))

    def _repeat(self, index: int) -> None:
        """Plan one more run for one that others disturbed, if that was asked for and half as many are not enough."""
        disturbed = [
            each.recorders[-1] for each in self._tracks if each.recorders and each.recorders[-1].index == index
        ]
        if not self._plan.settings.retry_disturbed or self._repeated >= MOST_REPEATS * len(self._plan.budgets):
            return
        if any(each.disturbance.get("disturbed") for each in disturbed):
            self._repeated += 1
            self._budgets.append(self._budgets[index])
            for each in disturbed:
                each.superseded = True

    def _measured(self) -> list[list[Recorder]]:
        return [[each for each in track.recorders if each.samples] for track in self._tracks]

    def _spent(self) -> float:
        """Return the seconds so far but for what comes on top of the time that was asked for."""
        return time.monotonic() - self._begun - extra_s(self._tracks)

    def _late(self, index: int) -> bool:
        """Whether another run would end well after ``max_time``; what was asked for by number is always completed."""
        return (
            index >= PILOT and self._plan.adaptive and self._spent() * (index + 1) / index > LATE * self._plan.max_time
        )

    def _round(self, index: int) -> None:
        """Measure every target once; those that cannot be alive beside others after them."""
        for group in coexistence.groups(self._tracks, index):
            for track in self._group(group, index):
                self._group([track], index)
                # Not for the others that it failed; or it was killed once, which may have been by anybody.
                if track.kills == 1 or not any(each.samples for each in track.recorders):
                    track.apart = ""

    def _group(self, tracks: Sequence[TargetProgress], index: int) -> list[TargetProgress]:
        """Measure some targets once: each alone, then all in turns; return those that must do without the others."""
        live: list[LiveRun] = []
        refused: list[TargetProgress] = []
        waiting: list[TargetProgress] = []
        try:
            for track in tracks:
                if track.over or self._interrupted:
                    continue
                others = [each for each in live if each.recorder.outcome.ok]
                if others and self._no_room(track, others):
                    waiting.append(track)
                    continue
                self._alone(track, index, live)
                if others and not self._interrupted and (reason := coexistence.crowded_out(track)):
                    track.apart = reason
                    refused.append(track)
            self._together(live, index)
            for each in reversed(live):
                if not self._interrupted and each.recorder.outcome.ok:
                    self._guarded(each, lambda one: complete(self._plan, one, self._budgets[index], self._reporter))
                    self._keep()
        finally:
            # The last to start ends first.  The system hands out again what was freed last, and the order of starts
            # turns round: otherwise one configuration would have the same pages of memory in run after run.
            with contextlib.ExitStack() as ends:  # whatever happens while one ends, the others are ended too
                for each in live:
                    ends.callback(each.end)
        for track in refused:
            track.take_back()
        return [*waiting, *refused]

    def _no_room(self, track: TargetProgress, others: Sequence[LiveRun]) -> bool:
        """Note whether memory would not hold a target beside those that are alive."""
        try:
            track.apart = coexistence.too_large(track, [each.recorder for each in others], others[0].client)
            others[0].client.suspend()  # it was woken to be asked
        except LpbenchError as error:
            others[0].fail(error)
        return bool(track.apart)

    def _alone(self, track: TargetProgress, index: int, live: list[LiveRun]) -> None:
        """Start a target's worker and measure it while the others are suspended."""
        recorder, begun = Recorder(index, track.target.configuration), time.monotonic()
        track.recorders.append(recorder)
        report = self._reporter(track)
        report("starting", recorder, 0.0)
        try:
            client = start(self._plan, track.target)
        except LpbenchError as error:
            if index == 0 and not isinstance(error, WorkerError):  # it cannot run as was asked
                raise
            book(track, recorder, error)
            track.done += 1
            return
        one = LiveRun(track, recorder, client)
        live.append(one)
        if self._budgets[index].watch_s and self._plan.isolate:
            one.watch_apart()

        def steps(one: LiveRun) -> None:
            prepare(one.client, self._plan.request(track.target), self._budgets[index], recorder, report)
            spent = time.monotonic() - begun - track.first_build_s
            opened = Opened(spent, recorder.expected_ns / NANO, recorder.configuration.batch)
            self._forecast.add_opened(track.label, opened)
            self._notes.add(TIME, self._forecast.overrun())
            time_alone(one.client, self._budgets[index], recorder, report)
            one.contender = Contender.of(one.client, recorder)

        self._guarded(one, steps)

    def _together(self, live: list[LiveRun], index: int) -> None:
        """Let the workers that are alive take turns, the yardstick among them."""
        racing = [(each, each.contender) for each in live if each.contender and each.recorder.outcome.ok]
        if self._interrupted or not racing or self._plan.lockstep_reason:
            return
        kernel = self._yardstick.contender([one.recorder for one, _ in racing])
        if len(racing) + (kernel is not None) < FEWEST:
            return
        compared = [contender for _, contender in racing]
        seconds = self._budgets[index].lockstep_s * (len(compared) + (kernel is not None))
        every, opening = ([kernel, *compared], None) if kernel and len(compared) == 1 else (compared, kernel)
        first, report = racing[0][0], self._reporter(racing[0][0].track)
        try:
            run_interleaved_slices(
                every,
                seconds,
                lambda share: report("in lockstep", first.recorder, 0.6 + 0.3 * share),
                opening=opening,
            )
        except KeyboardInterrupt:
            self._interrupted = True
        for one, contender in racing:
            if contender.failure:
                one.fail(contender.failure)
                if len(racing) > 1:
                    why = f"{one.recorder.outcome}, so run {index + 1} has no ratios of it"
                    self._notes.add(TURNS, why, one.track.label)
            elif self._interrupted:
                one.recorder.end(RunOutcome("interrupted"))
        self._note([each for each in racing if each[0].recorder.outcome.ok], kernel)

    def _note(self, racing: Sequence[tuple[LiveRun, Contender]], kernel: Contender | None) -> None:
        """Keep the turns of those who took them to the end, and their units of the yardstick."""
        for one, contender in racing:
            one.recorder.turns = {stage: tuple(medians) for stage, medians in contender.medians.items()}
        if kernel and kernel.failure:
            self._yardstick.lost(kernel.failure)
        elif kernel and racing:
            for one, contender in racing:
                one.recorder.units = units(kernel, contender)
            self._yardstick.note(kernel)

    def _guarded(self, one: LiveRun, step: Callable[[LiveRun], None]) -> None:
        """Do one step of a run; whatever goes wrong becomes its outcome."""
        try:
            step(one)
        except KeyboardInterrupt:
            one.recorder.end(RunOutcome("interrupted"))
            self._interrupted = True
        except LpbenchError as error:
            one.fail(error)
            ends = len(self._tracks) == 1 or is_mistake(error, self._plan.settings.engine)
            if one.track.failure and one.recorder.index == 0 and not one.recorder.samples and ends:
                raise

    def _reporter(self, track: TargetProgress) -> ProgressCallback:
        def report(phase: str, recorder: Recorder, share: float) -> None:
            self._show(self._where(track, phase, recorder, share))

        return report

    def _show(self, where: Progress) -> None:
        if self._progress is not None:
            self._progress(where)
            self._last = where if not where.note else self._last

    def _where(self, track: TargetProgress, phase: str, recorder: Recorder, share: float) -> Progress:
        runs, count = len(self._budgets), len(self._tracks)
        done = min(1.0, (sum(each.done for each in self._tracks) + share) / (runs * count))
        left = self._forecast.left_s(self._budgets, self._spent())
        narrow = width_so_far(recorder.columns.get(TOTAL))
        known = recorder.activity
        return Progress(track.label, phase, recorder.index, runs, done, left, narrow, recorder.samples, activity=known)

    def _tell(self, note: str) -> None:
        """Pass a note on at once: where it is said, the rest of the progress stays as it is."""
        if self._progress is not None:
            first = self._tracks[0]
            where = self._last or self._where(first, "starting", Recorder(0, first.target.configuration), 0.0)
            self._progress(dataclasses.replace(where, note=note))

    def _settle_notes(self) -> None:
        """Say how long it took if it took too long, and with how many threads engines ran."""
        notes.settle(self._notes, self._tracks)
        late = self._forecast.limited and self._spent() > LATE * self._plan.max_time and not self._interrupted
        why = self._notes.told(TIME) or f"{self._plan.max_time:g} s were not enough"
        self._notes.settle(TIME, f"{why}; it took {self._spent():.3g} s" if late else "")

    def _result(self) -> Result:
        self._settle_notes()
        return self._keeper.result(interrupted=self._interrupted)
