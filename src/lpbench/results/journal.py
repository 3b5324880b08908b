"""Keeps each finished run at once, in a file beside the results, and recovers what a benchmark that died left there.

A line is written between runs, at a known place: what cuts it short, a kill or a full disk, costs that line alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
from typing import TYPE_CHECKING

from lpbench.errors import ResultError
from lpbench.results import journal_lines, reservation
from lpbench.results.assembly import assemble
from lpbench.results.json_document import FILE_LIMIT, from_dict
from lpbench.results.model import INTERRUPTED
from lpbench.util.regular_files import read_regular
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Self

    from lpbench.results.model import Result
    from lpbench.results.recorded import Course, RunRecord, Subject
    from lpbench.results.sustained import Sustained

RECOVERED = "recovered"
"""Name of the note that says so."""


class Journal:
    """The finished runs of one benchmark, kept until its result is saved; a context manager.

    What is there when it is left, without that ``save`` or ``discard`` were called, is recovered by whoever looks at
    saved results next.

    :param folder: Returns the folder of saved results; asked when there is something to keep.
    :param prefix: Of the names there.
    """

    def __init__(self, folder: Callable[[], Path], *, prefix: str = "") -> None:
        self._folder, self._prefix = folder, prefix
        self._reserved: reservation.Reservation | None = None
        self._size = 0
        self._over = reservation.LOCKS is None

    def add(
        self,
        subject: Callable[[], Subject],
        course: Course,
        target: int | None = None,
        found: RunRecord | Sustained | None = None,
    ) -> None:
        """Keep how far the benchmark is, with a run or a heating curve that has ended; nothing once it has failed.

        :param subject: What is measured; asked once.
        :param target: Index of the configuration of which it is.
        :raises ResultError: It cannot be written; from here on nothing is kept.
        """
        if self._over:
            return
        try:
            if self._size == 0:
                facts = subject()
                self._reserve(_now(), str(facts.app["name"]))
                self._write(journal_lines.head(facts))
            self._write(journal_lines.entry(course, target, found))
        except (OSError, ResultError, ValueError) as error:
            self._over = True
            raise ResultError(f"finished runs are not kept until the end: {_why(error)}") from error

    def save(self, result: Result) -> Path:
        """Save the result under the reserved name, give the journal up and return the result's path.

        :raises ResultError: It cannot be written; the journal stays.
        """
        try:
            while True:
                reserved = self._reserve(result.created, str(result.app["name"]))
                try:
                    result.save(reserved.result)
                except ResultError:
                    if not os.path.lexists(reserved.result):
                        raise
                    self._reserved = None  # somebody put another file there: the next name is free
                    reserved.release()
                else:
                    self.discard()
                    return reserved.result
        except OSError as error:
            raise ResultError(f"cannot be written: {_why(error)}", where=str(self._folder())) from error

    def discard(self) -> None:
        """Remove the journal: the result is saved, or there is nothing worth saving."""
        if self._reserved is not None:
            with contextlib.suppress(OSError):
                self._reserved.release()
            self._reserved = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def _reserve(self, moment: str, app: str) -> reservation.Reservation:
        if self._reserved is None:
            folder = self._folder()
            folder.mkdir(parents=True, exist_ok=True)
            self._reserved = reservation.reserve(folder, reservation.stem(moment, app, folder, prefix=self._prefix))
        return self._reserved

    def _write(self, line: bytes) -> None:
        assert self._reserved is not None  # noqa: S101 - reserved by whoever calls
        done = 0
        while done < len(line):
            done += os.pwrite(self._reserved.descriptor, line[done:], self._size + done)
        self._size += len(line)


def recover(folder: Path) -> dict[Path, str]:
    """Save what dead benchmarks left in a folder as results; return why that failed, by journal.

    A journal that somebody alive still writes is left alone, and one without a measured run is removed.
    """
    failures = {path: _recover(path) for path in sorted(folder.glob(f"*{reservation.JOURNAL}"))}
    return {path: reason for path, reason in failures.items() if reason}


def _recover(path: Path) -> str:
    """Save what a journal holds unless somebody still writes it; return why that failed, or ""."""
    try:
        held = reservation.locked(path)
        if held is not None:
            try:
                _save(held)
            finally:
                held.close()
    except (OSError, ResultError) as error:
        return _why(error)
    return ""


def _save(held: reservation.Reservation) -> None:
    """Save what a journal holds, unless its result was saved before the benchmark died."""
    facts = held.journal.stat()
    result = None if os.path.lexists(held.result) else _result(held.journal, facts.st_mtime)
    if result is not None and any(each.kept for each in result.configurations):
        result.save(held.result)
        # It is as old as what it holds: ``last`` stays what was measured last.
        os.utime(held.result, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    held.release()


def _result(path: Path, written: float) -> Result | None:
    """Return the result of a journal, made by the code that makes every result and read back by the one that reads.

    None where no run had ended.

    :raises ResultError: It is not to be made sense of.
    """
    data = read_regular(path, limit=FILE_LIMIT, error=ResultError)
    if b"\n" not in data:
        return None
    found = journal_lines.read(data, where=str(path))
    if found.course is None:
        if found.damage:
            raise ResultError(found.damage, where=str(path))
        return None
    runs = [list(each.values()) for each in found.runs]
    superseded = found.course.superseded
    records = [[dataclasses.replace(run, superseded=run.index in superseded) for run in each] for each in runs]
    course = dataclasses.replace(
        found.course, notes=(*found.course.notes, _note(sum(map(len, runs)), len(found.curves)))
    )
    try:
        done, curves = [len(each) for each in records], [found.curves.get(at) for at in range(len(records))]
        made = assemble(found.subject, records, course, done=done, interrupted=True, curves=curves)
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        what = f"the journal contradicts itself: {type(error).__name__}: {error}"
        raise ResultError(what, where=str(path)) from error
    ended = dt.datetime.fromtimestamp(written, dt.timezone.utc).isoformat(timespec="seconds")
    made = dataclasses.replace(made, created=ended, lpbench=found.lpbench, state=INTERRUPTED)
    return from_dict(made.to_dict(), where=str(path))


def _note(runs: int, curves: int) -> dict[str, str]:
    curves_kept = f" and {amount(curves, 'heating curve')}" if curves else ""
    kept = f"{amount(runs, 'finished run')}{curves_kept}"
    what = f"the benchmark ended without saving its result; {kept} of it had been kept"
    return {"name": RECOVERED, "reason": what}


def _now() -> str:
    return dt.datetime.now(dt.timezone.utc).isoformat()


def _why(error: Exception) -> str:
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
