"""The ledger of a fake of a vendor's library: what was called, misused, and made without being released.

A fake writes JSON lines with the members ``pid``, ``what``, ``name`` and ``detail``; ``entries`` reads them.  A fake in
Python keeps its account with ``Account``, one in another language writes the same lines itself.  The variables of the
environment, which reach the processes that a test starts too:

- FAKE_LEDGER=FILE: where the lines go; what is made, released or misused at once, since a process may end without
  notice, calls when there are many or something else is written
- FAKE_FAIL_AT=N: the N-th call of anything fails; FAKE_FAIL_AT=NAME:N the N-th call of NAME
"""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "FAKE_LEDGER"
FAIL_AT = "FAKE_FAIL_AT"

CALL = "call"
MOST_CALLS = 1 << 16
"""Calls that an account names; those after it are counted alone."""
MOST_PENDING = 256
"""Lines that wait to be written."""


@dataclass(frozen=True)
class Entry:
    """One line.

    :param pid: The process.
    :param what: ``misuse``, ``warning`` (allowed, but never meant, such as pageable memory in an asynchronous copy),
        ``unreleased`` or ``call``.
    :param name: Of the function, or the kind of what is not released.
    """

    pid: int
    what: str
    name: str
    detail: str = ""


def entries(text: str) -> list[Entry]:
    """Return the lines of a ledger; what was made and is not gone is unreleased."""
    lines = [Entry(**json.loads(line)) for line in text.splitlines()]
    kept: dict[tuple[int, str, str], Entry] = {}
    for line in lines:
        if line.what == "made":
            kept[line.pid, line.name, line.detail] = replace(line, what="unreleased")
        elif line.what == "gone":
            kept.pop((line.pid, line.name, line.detail), None)
    return [line for line in lines if line.what not in {"made", "gone"}] + list(kept.values())


def calls(found: Iterable[Entry]) -> list[str]:
    """Return the names of the functions that were called, in order."""
    return [entry.name for entry in found if entry.what == CALL]


def wrong(found: Iterable[Entry]) -> list[str]:
    """Return in words what speaks against the program: misuse, warnings, and what is not released."""
    return [f"{entry.what} {entry.name}: {entry.detail}" for entry in found if entry.what != CALL]


class Account:
    """What one process did with the fake since the account began; may be used by several threads.

    A process that was forked begins an account of its own, to which what its parent made does not belong.
    """

    def __init__(self) -> None:
        self._own()
        weakref.finalize(self, self._write_rest)  # at the end of Python, after those of whatever is made later

    def call(self, name: str) -> bool:
        """Count a call; returns whether it is the one that is to fail."""
        with self._held():
            self._total += 1
            self._counts[name] += 1
            if self._total <= MOST_CALLS:
                self._calls.append(name)
                if FILE in os.environ:
                    self._write(Entry(self._pid, CALL, name))
            wanted = os.environ.get(FAIL_AT, "")
            return wanted in {str(self._total), f"{name}:{self._counts[name]}"}

    def made(self, kind: str, handle: object) -> None:
        """Note that something was made which the program has to release.

        :param handle: A number or a text that no other living thing of the kind has.
        """
        self._note("made", kind, _text(handle))

    def gone(self, kind: str, handle: object) -> None:
        """Note that something was released."""
        self._note("gone", kind, _text(handle))

    def misuse(self, name: str, detail: str) -> None:
        """Note what the vendor's documentation rules out, such as a handle that was released before."""
        self._note("misuse", name, detail)

    def warning(self, name: str, detail: str) -> None:
        """Note what works with the vendor's library, and is never meant."""
        self._note("warning", name, detail)

    def begin(self) -> None:
        """Begin anew: forget counts, misuse, and what is not released.  The file stays as it is."""
        with self._held():
            self._forget()

    def report(self) -> str:
        """Return the account of this process as lines for ``entries``."""
        with self._held():
            called = [Entry(self._pid, CALL, name) for name in self._calls]
            return "".join(map(_line, [*self._noted, *called]))

    def _held(self) -> threading.RLock:
        if self._pid != os.getpid():  # forked, maybe while another thread of the parent held the lock
            self._own()
        return self._lock

    def _own(self) -> None:
        self._lock = threading.RLock()  # a destructor may come while its own thread is in here
        self._pid = os.getpid()
        self._forget()

    def _forget(self) -> None:
        self._total = 0
        self._counts: Counter[str] = Counter()
        self._calls: list[str] = []
        self._noted: list[Entry] = []
        self._pending: list[Entry] = []

    def _note(self, what: str, name: str, detail: str) -> None:
        with self._held():
            entry = Entry(self._pid, what, name, detail)
            self._noted.append(entry)
            self._write(entry)
            self._flush()

    def _write(self, entry: Entry) -> None:
        self._pending.append(entry)
        if len(self._pending) >= MOST_PENDING:
            self._flush()

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        if path := os.environ.get(FILE, ""):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write("".join(map(_line, pending)))

    def _write_rest(self) -> None:
        if self._pid == os.getpid():
            self._flush()


def _line(entry: Entry) -> str:
    return f"{json.dumps(vars(entry))}\n"


def _text(handle: object) -> str:
    return hex(handle) if isinstance(handle, int) else str(handle)
