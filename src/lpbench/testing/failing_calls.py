"""A failure at every single call of a vendor's library: errors that say so, and nothing left behind.

In the tests of a plugin whose library has a fake (``lpbench.testing.ledger``)::

    def test_every_call_may_fail(fake, open_session, models):
        program = OneSession(open_session, models.one("Relu"), {"x": ONES})
        print(fail_each(fake, program, Rules(may_leave={"acme_free": 1})))

The program runs once for each call that it makes, with that call failing.  Each time it has to end in an
``EngineError`` that names the model's file and the call, and to release everything.
"""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lpbench.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Session
    from lpbench.testing.fixtures import Opener

GOES_ON = "goes on"


class Failing(Protocol):
    """A fake whose N-th call fails on demand; ``lpbench.testing.fake_library.FakeLibrary`` is one."""

    def fail_at(self, number: int, /) -> None:
        """Begin a new account in which this call fails, counted from 1; none with 0."""

    def calls(self) -> list[str]:
        """Return the names of the functions called since the account began, that which failed included."""

    def wrong(self) -> list[str]:
        """Return in words each misuse since the account began, and each thing that not even the collector releases."""


class Program(Protocol):
    """What runs with a failing call, again and again; ``OneSession`` is one.

    :ivar path: The model's file, which every error has to name.
    :ivar stage: How far it came: a word for the table.
    """

    path: Path
    stage: str

    def __call__(self) -> str:
        """Return the text of the error that ended it; empty if none did."""


def asked(session: Session) -> None:
    """Ask a session for what it knows: facts, memory and times on the device."""
    session.describe()
    session.memory()
    session.device_spans()


@dataclass
class OneSession:
    """A program: opens a model, runs it twice, asks the session for what it knows and closes it.

    :param ask: What is asked.
    :param options: How it is opened: options of the engine, and ``profile=True``.
    """

    open_session: Opener
    path: Path
    feeds: Feeds
    ask: Callable[[Session], object] = asked
    options: Mapping[str, object] = field(default_factory=dict)
    stage: str = field(default="open", init=False)

    def __call__(self) -> str:
        """Return the text of the error that ended it; empty if none did."""
        self.stage = "open"
        try:
            with self.open_session(self.path, **self.options) as session:  # type: ignore[arg-type] # engines' own
                self.stage = "run"
                for _ in range(2):
                    session.run(self.feeds)
                self.stage = "ask"
                self.ask(session)
                self.stage = "close"
        except EngineError as error:
            return str(error)
        finally:
            self.open_session.sessions.clear()
        return ""


def call_itself(call: str) -> Iterable[str]:
    """Return what an error may call a function: by its full name, or by what follows the last dot."""
    return call, call.rpartition(".")[2]


@dataclass(frozen=True)
class Rules:
    """What is expected of a failure.

    :param may_leave: How many things a call may leave in the ledger where it fails, by call: what it was to free.
    :param goes_on: Calls whose failure costs the program nothing but a fact, with the reason.
    :param reasons: Returns the words of which one has to stand in the error of a call.
    """

    may_leave: Mapping[str, int] = field(default_factory=dict)
    goes_on: Mapping[str, str] = field(default_factory=dict)
    reasons: Callable[[str], Iterable[str]] = call_itself


@dataclass
class Table:
    """What came of the failures; prints as a line for each call and outcome with their number.

    :param outcomes: Numbers by call and outcome, which is ``EngineError at`` a stage, or ``goes on``.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __str__(self) -> str:
        lines = [f"{call:52}{came:24}{count:4}" for (call, came), count in sorted(self.outcomes.items())]
        return "\n".join([f"{self.outcomes.total()} failing calls", *lines])


def fail_each(fake: Failing, program: Program, rules: Rules) -> Table:
    """Run a program once for each call that it makes, with that call failing; returns what came of it.

    :raises AssertionError: An error does not name file and reason, or none was raised; something is not released; or
        the program fails where nothing else does.
    """
    _require_success(fake, program)
    table = Table()
    number = 1
    while told := _outcome(fake, program, rules, number):
        table.outcomes[told] += 1
        number += 1
    _require_success(fake, program)
    _require(bool(table.outcomes), "the program calls nothing of the fake")
    return table


def _outcome(fake: Failing, program: Program, rules: Rules, number: int) -> tuple[str, str] | None:
    """Return call and outcome of one failure; None if the program makes fewer calls."""
    fake.fail_at(number)
    try:
        text = program()
    except Exception as error:
        made = dict(enumerate(fake.calls(), 1))
        where = f"{made.get(number, 'after the last call')}, call {number}"
        raise AssertionError(f"{where}: no EngineError: {type(error).__name__}: {error}") from error
    left, called = fake.wrong(), fake.calls()  # in this order: the first has the collector release what it can
    fake.fail_at(0)
    if len(called) < number:
        return None
    call, came = called[number - 1], f"EngineError at {program.stage}" if text else GOES_ON
    told = program.path.name in text and any(reason in text for reason in rules.reasons(call))
    _require(told or (call in rules.goes_on and not text), f"{call}, call {number}: {came}: {text}")
    _require(len(left) <= rules.may_leave.get(call, 0), f"{call}, call {number}: {came}: {left}")
    return call, came


def _require_success(fake: Failing, program: Program) -> None:
    gc.collect()  # what ran before must not be released in this account
    fake.fail_at(0)
    text, left = program(), fake.wrong()
    _require(not text, f"without a failing call: {text}")
    _require(not left, f"without a failing call: {left}")


def _require(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - as assert, which -O would remove
    if not condition:
        raise AssertionError(otherwise)
