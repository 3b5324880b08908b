"""What ``fail_each`` demands of a plugin: shown by an engine over a fake, right, and wrong in each way."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.errors import EngineError
from lpbench.plugin.engine import Session, TensorInfo
from lpbench.testing.failing_calls import OneSession, Rules, fail_each
from lpbench.testing.fake_library import FakeLibrary
from lpbench.testing.ledger import Account, Entry, entries

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.long

MODEL = Path("model.acme")
RULES = Rules(may_leave={"acme.free": 1}, goes_on={"acme.version": "the version is not known"})


class Library(FakeLibrary):
    """Four functions, of which one may fail."""

    account = Account()

    def report(self) -> list[Entry]:
        return entries(self.account.report())

    def begin(self) -> None:
        self.account.begin()

    def call(self, name: str) -> None:
        if self.account.call(f"acme.{name}"):
            raise EngineError(f"{name} failed", where=str(MODEL))

    def malloc(self) -> None:
        self.call("malloc")
        self.account.made("memory", 1)

    def free(self) -> None:
        self.call("free")
        self.account.gone("memory", 1)


@dataclass
class Sound(Session):
    """A session that does as it should."""

    library: Library
    inputs: tuple[TensorInfo, ...] = field(default=(), init=False)
    outputs: tuple[TensorInfo, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        self.library.malloc()

    def run(self, feeds: Any, /) -> Any:
        self.library.call("run")
        return feeds

    def describe(self) -> Any:
        try:
            self.library.call("version")
        except EngineError:
            return {"version": "unknown"}
        return {"version": "1"}

    def close(self) -> None:
        self.library.free()


class Leaky(Sound):
    """Frees nothing after a failure of a run."""

    failed = False

    def run(self, feeds: Any, /) -> Any:
        try:
            return super().run(feeds)
        except EngineError:
            self.failed = True
            raise

    def close(self) -> None:
        if not self.failed:
            super().close()


class Silent(Sound):
    """Takes no notice of a run that failed."""

    def run(self, feeds: Any, /) -> Any:
        try:
            return super().run(feeds)
        except EngineError:
            return feeds


class Vague(Sound):
    """Does not say what failed."""

    def run(self, feeds: Any, /) -> Any:
        try:
            return super().run(feeds)
        except EngineError as error:
            raise EngineError("something failed", where=str(MODEL)) from error


class Nameless(Sound):
    """Does not say which model."""

    def run(self, feeds: Any, /) -> Any:
        try:
            return super().run(feeds)
        except EngineError as error:
            raise EngineError(error.what) from error


class Foreign(Sound):
    """Lets an error of the library through."""

    def run(self, feeds: Any, /) -> Any:
        try:
            return super().run(feeds)
        except EngineError:
            raise ValueError("acme 7") from None


class Opening:
    """Stands for ``fixtures.Opener``."""

    def __init__(self, make: Callable[[], Session]) -> None:
        self.make = make
        self.sessions: list[Session] = []

    def __call__(self, path: Path, **_: object) -> Session:
        assert path == MODEL
        return self.make()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    return Library(tmp_path / "ledger.jsonl", monkeypatch)


def program(library: Library, kind: type[Sound]) -> OneSession:
    return OneSession(Opening(lambda: kind(library)), MODEL, {})  # type: ignore[arg-type] # stands for an Opener


def test_the_table_has_each_call_and_what_came_of_it(library: Library) -> None:
    table = fail_each(library, program(library, Sound), RULES)
    assert table.outcomes == {
        ("acme.malloc", "EngineError at open"): 1,
        ("acme.run", "EngineError at run"): 2,
        ("acme.version", "goes on"): 1,
        ("acme.free", "EngineError at close"): 1,
    }
    assert str(table).splitlines()[0] == "5 failing calls"
    assert "acme.run" in str(table)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Leaky, r"acme\.run, call 2: EngineError at run: .*unreleased memory"),
        (Silent, r"acme\.run, call 2: goes on"),
        (Vague, r"acme\.run, call 2: .*something failed"),
        (Nameless, r"acme\.run, call 2: .*run failed"),
        (Foreign, r"acme\.run, call 2: no EngineError: ValueError: acme 7"),
    ],
)
def test_each_fault_of_a_plugin_is_found(library: Library, kind: type[Sound], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        fail_each(library, program(library, kind), RULES)


def test_only_the_calls_that_are_named_may_leave_something_or_go_on(library: Library) -> None:
    with pytest.raises(AssertionError, match=r"acme\.version, call 4: goes on"):
        fail_each(library, program(library, Sound), Rules(may_leave={"acme.free": 1}))
    with pytest.raises(AssertionError, match=r"acme\.free, call 5: .*unreleased memory"):
        fail_each(library, program(library, Sound), Rules(goes_on=RULES.goes_on))


def test_a_program_that_fails_by_itself_proves_nothing(library: Library) -> None:
    class Broken(Sound):
        def run(self, feeds: Any, /) -> Any:
            raise EngineError("broken")

    with pytest.raises(AssertionError, match="without a failing call: broken"):
        fail_each(library, program(library, Broken), RULES)


def test_the_fakes_variables_reach_a_process_of_its_own(library: Library, tmp_path: Path) -> None:
    (tmp_path / "acme.py").write_text(
        "from lpbench.testing.ledger import Account\naccount = Account()\n"
        "print(account.call('a'), flush=True)\naccount.made('memory', 1)\n"
    )
    found = library.run_in_process("import os, acme; assert os.environ['FAKE_SIZE'] == '3'", [tmp_path], size=3)
    assert [entry.what for entry in found] == ["call", "unreleased"]
    assert library.written() == found
    assert library.run_in_process("", [tmp_path]) == []  # the ledger of each begins empty


def test_an_installed_fake_is_found_here_and_there(library: Library, tmp_path: Path) -> None:
    (tmp_path / "acme_fake_of_this_test.py").write_text("")
    library.install(tmp_path, devices=2)
    importlib.import_module("acme_fake_of_this_test")
    code = "import os, acme_fake_of_this_test; assert os.environ['FAKE_DEVICES'] == '2'"
    assert library.run_in_process(code, []) == []
