"""The queue of a sweep: one SQLite file in its folder, which is whole whenever the process is killed.

A rollback journal and full synchronisation rather than a write-ahead log: that needs memory shared between processes,
which some file systems of boards lack, and there is one writer, which is held by a lock.  Each block is one
transaction, and so is making the file: a folder holds a whole sweep or none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, ResultError
from lpbench.jobs.sweep._file import SQLITE_ERRORS, opened, refused
from lpbench.jobs.sweep._plan import SweepPlan
from lpbench.jobs.sweep._tables import APPLICATION, READ, SCHEMA, UNSOUND, VERSION
from lpbench.jobs.sweep._words import stated
from lpbench.results.sweep import FILE, MEASURED, WAITING, Asked, Found, Sweep, SweepRow
from lpbench.results.sweep_columns import SweepColumn
from lpbench.results.sweep_metrics import Level, Scale, compared, count
from lpbench.util import dataclass_config
from lpbench.util.json_files import parse_json
from lpbench.util.jsonable import to_jsonable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

QUESTIONS = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")


@dataclass(frozen=True)
class Entry:
    """One configuration before it is measured.

    :param words: As ``--engine`` takes it; empty where there is none.
    :param block: From 1; None of what is impossible.
    """

    number: int
    asked: Asked
    words: str
    block: int | None = None
    state: str = WAITING
    reason: str = ""


@dataclass(frozen=True)
class SweptApp:
    """An app or an algorithm of a sweep.

    :param word: What the plan calls it: a path, or a name of the catalogue.
    :param digest: Of the app as it was when the sweep began: rows of another one say nothing beside these.
    :param reference: What all configurations are compared with, in words; empty for an algorithm.
    :param columns: Of an algorithm's rows.
    """

    word: str
    name: str
    digest: str
    reference: str
    columns: tuple[SweepColumn, ...] = ()


@dataclass(frozen=True)
class Block:
    """Configurations of one app that take turns with its reference."""

    number: int
    app: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Outcome:
    """How one configuration of a block ended."""

    state: str
    reason: str = ""
    found: Found = dataclasses.field(default_factory=Found)


class Queue:
    """The sweep in a folder.  Everything is read from the file when it is asked for."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection

    @property
    def begun(self) -> bool:
        """Whether a sweep has begun in the file.

        :raises ResultError: Another version or another program made it.
        """
        (application,), (version,), (tables,) = (self._rows(question)[0] for question in QUESTIONS)
        where = str(self.folder / FILE)
        if not tables:
            return False
        if application != APPLICATION:
            raise ResultError("is no sweep of lpbench", where=where, hint="give another folder")
        if version not in READ:
            what = f"is a sweep of version {version}; this lpbench reads versions {READ[0]} to {VERSION}"
            raise ResultError(what, where=where, hint="use the lpbench that made it, or give another folder")
        if any(self._rows(question) for question in UNSOUND):
            raise _damaged(self.folder, "a value is none of its column")
        return True

    @property
    def plan(self) -> SweepPlan:
        """The plan, as it was when the sweep began."""
        [(text, _)] = self._rows("SELECT plan, machine FROM sweep")
        return self._built(SweepPlan, text)  # type: ignore[no-any-return] # it builds what it is asked for

    @property
    def machine(self) -> str:
        """The hash of the machine that the sweep began on."""
        [(_, machine)] = self._rows("SELECT plan, machine FROM sweep")
        return str(machine)

    @property
    def apps(self) -> dict[str, SweptApp]:
        """The apps by their word in the plan."""
        return {str(row[0]): self._app(*row) for row in self._rows("SELECT * FROM apps")}

    def _app(self, word: Any, name: Any, digest: Any, reference: Any, columns: Any = "[]") -> SweptApp:
        known = self._converted(tuple[SweepColumn, ...], self._parsed(columns))
        return SweptApp(str(word), str(name), str(digest), str(reference), known)

    def fill(self, plan: SweepPlan, machine: str, apps: Sequence[SweptApp], entries: Sequence[Entry]) -> None:
        """Enter what is to be measured, all of it or nothing."""
        blocks = {entry.block: entry.asked.app for entry in entries if entry.block is not None}
        with self._transaction():
            for statement in filter(str.strip, SCHEMA.split(";")):
                self._connection.execute(statement)
            self._connection.execute("INSERT INTO sweep VALUES (?, ?)", (_text(plan), machine))
            self._connection.executemany(
                "INSERT INTO apps VALUES (?, ?, ?, ?, ?)",
                [(each.word, each.name, each.digest, each.reference, _text(each.columns)) for each in apps],
            )
            self._connection.executemany("INSERT INTO blocks (block, app) VALUES (?, ?)", blocks.items())
            self._connection.executemany(
                "INSERT INTO configurations (number, block, asked, words, state, reason) VALUES (?, ?, ?, ?, ?, ?)",
                [(each.number, each.block, _text(each.asked), each.words, each.state, each.reason) for each in entries],
            )
            self._connection.execute(f"PRAGMA application_id = {APPLICATION}")
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def enter_again(self, entries: Sequence[Entry]) -> None:
        """Enter configurations once more that failed or were impossible, in blocks after all others.

        :param entries: With blocks from 1; those that are impossible have none.
        """
        [(last,)] = self._rows("SELECT coalesce(max(block), 0) FROM blocks")
        blocks = {last + entry.block: entry.asked.app for entry in entries if entry.block is not None}
        with self._transaction():
            self._connection.executemany("INSERT INTO blocks (block, app) VALUES (?, ?)", blocks.items())
            self._connection.executemany(
                "UPDATE configurations SET block = ? + ?, words = ?, state = ?, reason = ?, found = NULL "
                "WHERE number = ?",
                [(last, each.block, each.words, each.state, each.reason, each.number) for each in entries],
            )

    def waiting(self) -> list[Block]:
        """Return the blocks that are not measured yet, in their order."""
        found: dict[int, list[Entry]] = {}
        apps: dict[int, str] = {}
        for number, block, app, asked, words in self._rows(
            "SELECT number, block, app, asked, words FROM configurations JOIN blocks USING (block) "
            "WHERE reference IS NULL ORDER BY block, number"
        ):
            found.setdefault(block, []).append(Entry(number, self._built(Asked, asked), words, block))
            apps[block] = app
        return [Block(number, apps[number], tuple(entries)) for number, entries in found.items()]

    def without_reference(self) -> set[int]:
        """Return the numbers of configurations that were measured in blocks whose reference failed."""
        kept = self._rows("SELECT block, reference FROM blocks WHERE reference IS NOT NULL")
        failed = {block for block, text in kept if self._level(text).failed}
        return {number for number, block in self._rows("SELECT number, block FROM configurations") if block in failed}

    def finish(self, block: Block, outcomes: Sequence[Outcome], reference: Level, seconds: float) -> None:
        """Enter what measuring a block gave, all of it at once.

        :param outcomes: Of its configurations, in their order.
        :param reference: What the reference took; empty where it failed.
        """
        with self._transaction():
            self._connection.execute(
                "UPDATE blocks SET reference = ?, seconds = ? WHERE block = ?",
                (_text(reference), seconds, block.number),
            )
            self._connection.executemany(
                "UPDATE configurations SET state = ?, reason = ?, found = ? WHERE number = ?",
                [
                    (each.state, each.reason, _text(each.found), entry.number)
                    for entry, each in zip(block.entries, outcomes, strict=True)
                ],
            )

    @property
    def done(self) -> tuple[int, int]:
        """How many blocks are measured, and how many there are."""
        [(done, every)] = self._rows("SELECT count(reference), count(*) FROM blocks")
        return int(done), int(every)

    def seconds(self) -> list[float]:
        """Return how long each block took that is measured."""
        return [float(row[0]) for row in self._rows("SELECT seconds FROM blocks WHERE seconds IS NOT NULL")]

    def sweep(self) -> Sweep:
        """Return what is known so far."""
        apps = self.apps
        kept = self._rows("SELECT number, asked, words, state, reason, found FROM configurations ORDER BY number")
        rows = [self._row(row, {word: app.name for word, app in apps.items()}) for row in kept]
        columns = next((app.columns for app in apps.values() if app.columns), ())
        return Sweep(
            folder=self.folder,
            rows=tuple(row for row, _ in rows) if columns else tuple(self._compared(rows)),
            references={app.name: app.reference for app in apps.values() if app.reference},
            blocks=self.done,
            columns=columns,
        )

    def _row(self, row: Sequence[Any], names: Mapping[str, str]) -> tuple[SweepRow, Found]:
        number, text, words, state, reason, kept = row
        asked: Asked = self._built(Asked, text)
        found: Found = self._built(Found, kept) if kept else Found()
        if asked.app not in names or not all(each > 0 for each in (*found.ratios, *found.sample_ratios, *found.units)):
            raise _damaged(self.folder, f"row {number} says what cannot be")
        facts = stated(asked, names[asked.app], found)
        return SweepRow(number, asked, words, state, reason, facts, found.metrics, found.result), found

    def _compared(self, rows: Sequence[tuple[SweepRow, Found]]) -> Iterator[SweepRow]:
        """Yield rows with what they are compared by."""
        levels: dict[str, list[Level]] = {row.asked.app: [] for row, _ in rows}
        for app, text in self._rows("SELECT app, reference FROM blocks WHERE reference IS NOT NULL"):
            levels.setdefault(app, []).append(self._level(text))
        measured = [row for row, _ in rows if row.state == MEASURED]
        overlapping = {row.asked.app for row in measured if count(row.facts, "STREAMS") > 1}
        scales = {app: Scale.of(each, streams=app in overlapping) for app, each in levels.items()}
        for row, found in rows:
            more = compared(found, scales[row.asked.app]) if row.state == MEASURED else {}
            yield dataclasses.replace(row, metrics={**row.metrics, **more})

    def _rows(self, statement: str) -> list[Any]:
        try:
            return self._connection.execute(statement).fetchall()
        except SQLITE_ERRORS as error:
            raise refused(self.folder, error) from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Have what is executed take place as a whole, or not at all."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except SQLITE_ERRORS as error:
            raise refused(self.folder, error) from error

    def _parsed(self, text: Any) -> Any:
        if not isinstance(text, str):
            raise _damaged(self.folder, "a text is none")
        try:
            return parse_json(text.encode(), error=ResultError, where="")
        except ResultError as error:
            raise _damaged(self.folder, f"a text {error.what}") from error

    def _built(self, kind: Any, text: Any) -> Any:
        """Return a dataclass that is kept as JSON."""
        document = self._parsed(text)
        return self._converted(kind, document if isinstance(document, Mapping) else {"": document})

    def _converted(self, kind: Any, document: Any) -> Any:
        try:
            return dataclass_config.convert(kind, document)
        except ConfigError as error:
            raise _damaged(self.folder, str(error)) from error

    def _level(self, text: Any) -> Level:
        found: Level = self._built(Level, text)
        if not all(each > 0 for each in (*found.latency_ns, *found.sample_ns)):
            raise _damaged(self.folder, "a time is none")
        return found


@contextlib.contextmanager
def queued(folder: Path, *, to_write: bool) -> Iterator[Queue]:
    """Open the queue in a folder; see ``opened``."""
    with opened(folder, to_write=to_write) as connection:
        yield Queue(folder, connection)


def _damaged(folder: Path, why: str) -> ResultError:
    return ResultError(f"is damaged: {why}", where=str(folder / FILE), hint="give another folder, and measure again")


def _text(value: Any) -> str:
    return json.dumps(to_jsonable(value), allow_nan=False)
