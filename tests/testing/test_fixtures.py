"""What the kit offers to tests of plugins: sessions that are closed, plugins alone, code in other processes."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from lpbench.app.model import load_app
from lpbench.errors import EngineError
from lpbench.plugin import registry
from lpbench.testing import fixtures, setups

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

pytestmark = pytest.mark.usefixtures("fakes")


@pytest.fixture
def plugin() -> ModuleType:
    return import_module("lpbench_fakes")


def test_a_plugin_alone_is_all_that_the_registry_has(plugin: ModuleType) -> None:
    assert sorted(fixtures.alone(plugin).all(registry.ENGINES)) == ["absent", "fake"]


def test_every_session_is_closed_in_the_end(plugin: ModuleType, tmp_path: Path) -> None:
    """Those that the test has closed too."""
    (tmp_path / "model.fake").write_text("{}")
    opened = fixtures.Opener(plugin, "fake")
    first, second = (opened(tmp_path / "model.fake") for _ in range(2))
    first.close()
    opened.close()
    for session in (first, second):
        with pytest.raises(EngineError, match="run after close"):
            session.run({})


def test_what_opening_refuses_is_returned_and_opening_is_a_failure(plugin: ModuleType, tmp_path: Path) -> None:
    refused = fixtures.Opener(plugin, "fake").refused
    assert "cannot load" in refused(tmp_path / "none.fake")
    (tmp_path / "model.fake").write_text("{}")
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        refused(tmp_path / "model.fake")


def test_an_app_that_is_written_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "model.fake").write_text("{}")
    app = load_app(setups.write_app(tmp_path, {"fake": {"file": "model.fake"}}, name="one", labels=["a"]))
    assert ([each.name for each in app.components], app.labels) == (["one"], ("a",))


def test_code_in_another_process_gets_the_home_and_the_variables_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOT_WANTED", "1")
    code = "import os; print(os.environ['HOME'], os.environ['WANTED'], os.environ.get('NOT_WANTED'))"
    printed = setups.python(code, {"WANTED": "yes"}, home=tmp_path / "home", without=["NOT_WANTED"])
    assert printed.split() == [str(tmp_path / "home"), "yes", "None"]
    with pytest.raises(subprocess.CalledProcessError):
        setups.python("raise SystemExit(1)")


def test_an_error_in_another_thread_is_raised() -> None:
    assert sorted(setups.side_by_side(lambda: 1, lambda: 2, times=3)) == [1, 1, 1, 2, 2, 2]
    calls: list[Callable[[], object]] = [lambda: 1, lambda: setups.TENSORS["none"]]
    with pytest.raises(KeyError):
        setups.side_by_side(*calls)


def test_importing_the_fixtures_does_not_import_pytest() -> None:
    code = "import sys, lpbench.testing.fixtures, lpbench.testing.setups; print({'pytest', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
