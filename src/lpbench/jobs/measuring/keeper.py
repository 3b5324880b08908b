"""Puts into values what was recorded: each finished run for the journal at once, all of it for the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.jobs.measuring.records import record
from lpbench.jobs.measuring.subject import refused, subject
from lpbench.results.assembly import assemble
from lpbench.results.recorded import Course

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.jobs.measuring.notes import Notes
    from lpbench.jobs.measuring.plan import Plan
    from lpbench.jobs.measuring.recording import Recorder
    from lpbench.jobs.measuring.reference_worker import Yardsticks
    from lpbench.jobs.measuring.tracks import TargetProgress
    from lpbench.results.journal import Journal
    from lpbench.results.model import Result
    from lpbench.results.recorded import Subject


class Keeper:
    """Keeps what a benchmark finds.

    :param journal: Takes finished runs; None where they are not kept before the end.
    """

    def __init__(
        self,
        plan: Plan,
        tracks: Sequence[TargetProgress],
        yardstick: Yardsticks,
        notes: Notes,
        journal: Journal | None,
    ) -> None:
        self._plan, self._tracks = plan, tracks
        self._yardstick, self._notes = yardstick, notes
        self._journal = journal
        self._subject: Subject | None = None
        self._kept: set[Recorder] = set()
        self._curves: set[int] = set()
        self._course: Course | None = None

    def keep(self) -> None:
        """Write the runs that have ended since, and how far the benchmark is, to the journal.

        :raises ResultError: That is not possible; said once.
        """
        if self._journal is None:
            return
        course = self._find_course()
        for target, track in enumerate(self._tracks):
            if track.sustained and track.sustained.slices and target not in self._curves:
                self._journal.add(self._find_subject, course, target, track.sustained)
                self._curves.add(target)
                self._course = course
            for each in track.recorders:
                if each.over and each not in self._kept:
                    run = record(each, self._plan.app.quality)
                    self._journal.add(self._find_subject, course, target, run)
                    self._kept.add(each)
                    self._course = course
        if self._course is not None and self._course != course:
            self._journal.add(self._find_subject, course)
            self._course = course

    def result(self, *, interrupted: bool) -> Result:
        """Return the result of all that there is."""
        gate = self._plan.app.quality
        return assemble(
            self._find_subject(),
            [[record(each, gate) for each in track.recorders] for track in self._tracks],
            self._find_course(),
            done=[track.done for track in self._tracks],
            curves=[track.sustained for track in self._tracks],
            interrupted=interrupted,
        )

    def _find_subject(self) -> Subject:
        """Return what is measured; found out once, and not before the first run, whose files it would read ahead."""
        if self._subject is None:
            self._subject = subject(self._plan, self._tracks)
        return self._subject

    def _find_course(self) -> Course:
        every = [each for track in self._tracks for each in track.recorders]
        return Course(
            apart=tuple(each.apart for each in self._tracks),
            failures=tuple(refused(each.failure) for each in self._tracks),
            superseded=tuple(sorted({each.index for each in every if each.superseded})),
            yardstick=self._yardstick.describe(),
            notes=self._notes.as_flags(),
        )
