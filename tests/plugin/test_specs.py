"""What a spec says without importing anything, and what happens when its implementation is imported."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING

import pytest

from lpbench.errors import PluginError
from lpbench.plugin.specs import EngineSpec, Spec, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_thing_that_requires_nothing_is_ready() -> None:
    assert Spec("acme", "acme:Engine").availability()


def test_what_is_missing_is_named_with_the_remedy() -> None:
    spec = Spec("acme", "acme:Engine", requires=("json", "no_such_a", "no_such_b"), hint="pip install acme")
    found = spec.availability()
    assert not found
    assert found.state is State.MISSING
    assert found.reason == "not installed: no_such_a, no_such_b"
    assert found.hint == "pip install acme"


@pytest.mark.parametrize(
    ("requires", "ready"),
    [("json|no_such", True), ("no_such|json", True), ("no_such|nor_such", False), ("json", True), ("sys", True)],
)
def test_either_of_two_modules_will_do(requires: str, ready: bool) -> None:  # noqa: FBT001
    """As onnxruntime, which several distributions bring; a module built into Python counts as well."""
    found = Spec("acme", "acme:Engine", requires=(requires,)).availability()
    assert bool(found) is ready
    assert ready or found.reason == "not installed: no_such or nor_such"


def test_asking_imports_nothing(site: Path) -> None:
    (site / "heavy_library.py").write_text("raise SystemExit", encoding="utf-8")
    assert Spec("acme", "acme:Engine", requires=("heavy_library",)).availability()
    assert "heavy_library" not in sys.modules


def test_a_folder_of_models_is_not_taken_for_the_library(site: Path) -> None:
    """A script that runs beside a folder ``acmelib`` can import it, and yet the library is not installed."""
    (site / "acmelib").mkdir()
    assert Spec("acme", "acme:Engine", requires=("acmelib",)).availability().state is State.MISSING


def test_a_library_that_another_thread_is_loading_is_installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV loads itself twice, and stands among the modules without a spec meanwhile."""
    (site / "loading.py").write_text("raise SystemExit", encoding="utf-8")
    for name in ("loading", "made_up"):
        module = types.ModuleType(name)
        assert module.__spec__ is None
        monkeypatch.setitem(sys.modules, name, module)
    assert Spec("acme", "acme:Engine", requires=("loading",)).availability()
    assert not Spec("acme", "acme:Engine", requires=("made_up",)).availability()


def test_the_version_comes_from_whichever_distribution_is_installed(install: Callable[..., Path]) -> None:
    install("acme", "raise SystemExit")
    spec = EngineSpec("acme", "acme:Engine", distributions=("no-such-distribution", "lpbench-acme"))
    assert spec.version() == "1.0"
    assert EngineSpec("acme", "acme:Engine").version() == ""
    assert "acme" not in sys.modules


def test_loading_returns_what_the_path_names() -> None:
    assert Spec("acme", "json:dumps").load()("x") == '"x"'
    assert Spec("acme", "json").load() is sys.modules["json"]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("no_such_module:Engine", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("json:no_such_name", "AttributeError"),
        ("broken_acme:Engine", "OSError: libacme.so.2"),
        ("exiting_acme:Engine", "SystemExit: 1"),
    ],
)
def test_an_implementation_that_does_not_load_is_an_error_naming_it(site: Path, target: str, told: str) -> None:
    (site / "broken_acme.py").write_text("raise OSError('libacme.so.2')", encoding="utf-8")
    (site / "exiting_acme.py").write_text("raise SystemExit(1)", encoding="utf-8")
    with pytest.raises(PluginError) as caught:
        Spec("acme", target).load()
    assert f"acme: cannot load {target}: {told}" in str(caught.value)
    assert "lpbench.plugins()" in caught.value.hint
