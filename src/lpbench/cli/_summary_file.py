"""The Markdown that ``--summary FILE`` appends for the page of a CI job."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError, ResultError
from lpbench.util.paths import usable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lpbench.results.comparison import Compared

HINT = "--summary takes the path of a file, to which the summary is appended"


class SummaryFile:
    """A file to which the outcome of one comparison is appended; none where that was not asked for."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def add(self, found: Sequence[Compared], failed: Sequence[str], notes: Sequence[Sequence[str]]) -> None:
        """Append the verdicts, the gates that failed, and the tables.

        :param notes: On each comparison; where there is none, on what was to be compared.
        """
        if self._path is not None:
            from lpbench.render.exports import job_page

            self._append(job_page(found, failed, notes))

    def add_error(self, error: LpbenchError) -> None:
        """Append that nothing was compared, and why."""
        if self._path is not None:
            from lpbench.render.exports import job_page

            self._append(job_page((), [error.what]))

    def check(self) -> None:
        """Create the file if it is not there, so that a wrong path costs no measurement.

        :raises ResultError: It cannot be written.
        """
        if self._path is not None:
            usable(self._path, ResultError)
            if self._path.exists() and not self._path.is_file():
                raise ResultError("is not a file", where=str(self._path), hint=HINT)
            self._append("")

    def _append(self, text: str) -> None:
        assert self._path is not None  # noqa: S101 - the callers look
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{text}\n\n" if text else "")
        except OSError as error:
            what = f"cannot be written: {error.strerror or error}"
            raise ResultError(what, where=str(self._path), hint=HINT) from error


@contextlib.contextmanager
def summary_file(path: Path | None) -> Iterator[SummaryFile]:
    """Yield the file, which also gets the error for which nothing is compared."""
    page = SummaryFile(path)
    page.check()
    try:
        yield page
    except LpbenchError as error:
        page.add_error(error)
        raise
