"""The folder of saved results: every result is saved automatically, and ``last`` names the newest."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import ResultError, either
from lpbench.results import json_document, reservation
from lpbench.results.model import INTERRUPTED
from lpbench.util.arguments import checked
from lpbench.util.paths import too_deep
from lpbench.util.text import brief

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.results.journal import Journal
    from lpbench.results.model import Result

LAST = "last"
NUMBER = re.compile(r"(\d+)")
ANOTHER = "XDG_DATA_HOME names another folder"


def folder() -> Path:
    """Return the folder of saved results, ``$XDG_DATA_HOME/lpbench/results``.

    :raises ResultError: There is none: the user has no home, or one with too many levels of folders.
    """
    try:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    except RuntimeError as error:  # HOME is not set, and the system does not know the user
        raise ResultError("there is no home to save results in", hint="set HOME or XDG_DATA_HOME") from error
    if reason := too_deep(base):
        raise ResultError(f"cannot hold results: {reason}", where=brief(str(base)), hint="set XDG_DATA_HOME")
    return base / "lpbench" / "results"


def worth_keeping(result: Result) -> bool:
    """Say whether there is anything to save: what was interrupted before the first sample was timed holds nothing."""
    return result.state != INTERRUPTED or any(each.kept for each in result.configurations)


def last() -> Result:
    """Read the newest saved result, of the command line or of ``save=True``.

    :raises ResultError: No result has been saved yet, or none can be read.
    """
    return load(LAST)


def begin() -> Journal:
    """Return the journal of a benchmark whose result will be saved."""
    from lpbench.results.journal import Journal

    return Journal(folder)


def keep(result: Result, journal: Journal | None = None, *, tell: Callable[[str], None] | None = None) -> Path:
    """Save a result under a new name and return its path.

    Falls back to the temporary folder if the usual one is not writable.

    :param journal: Of the benchmark, which is given up.
    :param tell: Called with why it is not in the usual folder, and the remedy.
    :raises ResultError: Neither folder is writable.
    """
    journal = journal or begin()
    try:
        return journal.save(result)
    except ResultError as error:
        path = _keep_elsewhere(result, error)
        if tell:
            where = f"{error.where}: " if error.where else ""
            tell(f"{where}{error.what}, so the result is in {path.parent}; {error.hint or ANOTHER}")
    journal.discard()
    return path


def _keep_elsewhere(result: Result, error: ResultError) -> Path:
    """Save a result in the temporary folder.

    :param error: Why it cannot be in the usual one.
    """
    from lpbench.results.journal import Journal

    try:
        with Journal(lambda: Path(tempfile.gettempdir()), prefix="lpbench-") as journal:
            try:
                return journal.save(result)
            finally:
                journal.discard()  # of a failure nothing is left: it holds no run, and nobody looks for it there
    except (OSError, ResultError) as other:  # gettempdir finds none
        why = f"{other.where}: {other.what}" if isinstance(other, ResultError) else other  # one remedy is enough
        raise ResultError(f"{error.what}; {why}", where=error.where, hint=error.hint or ANOTHER) from error


@checked
def load(path: str | Path) -> Result:
    """Read a result; ``last`` is the newest saved one.

    :raises ResultError: The file does not exist or cannot be read, or no result has been saved yet.
    """
    return newest(warnings.warn)[1] if str(path) == LAST else json_document.read(Path(path))


def newest(tell: Callable[[str], None]) -> tuple[Path, Result]:
    """Return the newest saved result that can be read, with its path.

    The one that was written last; of two written in the same moment, the one whose name comes later.

    :param tell: Called with why a newer one is passed over.
    :raises ResultError: No result has been saved yet, or none can be read.
    """
    problems: list[ResultError] = []
    for path in sorted(saved_files()[0], key=_age, reverse=True):
        found = _read(path)
        if isinstance(found, ResultError):
            problems.append(found)
            continue
        for problem in problems:
            tell(f"{problem}\n  {LAST} is {path.stem}")
        return path, found
    if problems:
        raise problems[0]
    raise ResultError(
        "no result has been saved yet",
        where=str(folder()),
        hint=either("lpbench run APP saves one", "lpbench.benchmark(APP, save=True) saves one"),
    )


def _read(path: Path) -> Result | ResultError:
    try:
        return json_document.read(path)
    except ResultError as error:
        return error


def saved_files() -> tuple[list[Path], dict[Path, str]]:
    """Return the files of saved results, what dead benchmarks left among them, and why some of that is not.

    :raises ResultError: There is no folder, or it cannot be read.
    """
    place = folder()
    try:
        names = os.listdir(place)  # noqa: PTH208 - names are enough, and it raises where Path.glob is silent
        lost: dict[Path, str] = {}
        if any(name.endswith(reservation.JOURNAL) for name in names):
            from lpbench.results.journal import recover

            lost = recover(place)
            names = os.listdir(place)  # noqa: PTH208 - as above
    except FileNotFoundError:
        return [], {}
    except OSError as error:
        raise ResultError(f"cannot be read: {error.strerror or error}", where=str(place), hint=ANOTHER) from error
    return [place / name for name in names if name.endswith(reservation.RESULT) and not name.startswith(".")], lost


def _age(path: Path) -> tuple[bool, int, list[tuple[int, str]]]:
    """Return by what results are in order: a file before what is none, when it was written, its name."""
    written, regular = 0, False
    with contextlib.suppress(OSError):
        facts = path.stat()
        written, regular = facts.st_mtime_ns, stat.S_ISREG(facts.st_mode)
    parts = NUMBER.split(path.stem)
    return regular, written, [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
