"""What engines say of operators that they lack, whatever their libraries do meanwhile."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.errors import EngineError
from lpbench.jobs.operator_support import OperatorSupport, operator_support
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.engine import Model
from lpbench.plugin.operators import UnsupportedOperator
from lpbench.util.unavailable import Unavailable
from lpbench.worker.handlers.operators import find_unsupported
from lpbench.worker.requests import FindUnsupported

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.plugin import registry

    Ask = Callable[..., OperatorSupport]


@pytest.fixture
def ask(fakes: registry.Registry, tmp_path: Path) -> Ask:
    """Return what the fake engine says of a model with these orders; the absent one is not asked."""

    def asked(timeout: float = 60.0, **orders: Any) -> OperatorSupport:
        path = tmp_path / "model.fake"
        path.write_text(json.dumps(orders), encoding="ascii")
        (found,) = operator_support(Model("fake", path), timeout=timeout)
        return found

    return asked


def test_each_installed_engine_that_reads_the_format_names_what_it_lacks(ask: Ask) -> None:
    lacking = {"type": "Fold", "names": ["one", "two"], "reason": "too new"}
    found = ask(unsupported=[lacking])
    assert found.engine == "fake"
    assert found.unsupported == (UnsupportedOperator("Fold", ("one", "two"), "too new"),)
    assert ask(unsupported=[]).unsupported == ()


def test_a_library_that_crashes_is_a_reason(ask: Ask) -> None:
    found = ask(at="operators", do="crash").unsupported
    assert isinstance(found, Unavailable)
    assert "SIGSEGV" in found.reason


def test_a_library_that_hangs_is_a_reason(ask: Ask) -> None:
    found = ask(timeout=2.0, at="operators", do="hang").unsupported
    assert isinstance(found, Unavailable)
    assert "2 s" in found.reason
    assert not found.hint, "no setting of an analysis allows it more time"


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        ({"at": "operators", "do": "raise"}, "this model is not liked"),
        ({"at": "operators", "do": "bug"}, "raised ValueError"),
        ({"lacks": "Fold"}, "something else than a sequence of UnsupportedOperator"),
        ({"unsupported": [{"type": 5}]}, "states its unsupported operators.type"),
        ({"unsupported": [{"type": "Fold", "names": ["a", None]}]}, "states its unsupported operators.names"),
        ({"unsupported": [{"type": "Fold"}] * 1000}, "more unsupported operators than a model has"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_plugin_that_fails_or_answers_nonsense_is_named(
    fakes: registry.Registry, tmp_path: Path, orders: dict[str, Any], words: str
) -> None:
    path = tmp_path / "model.fake"
    path.write_text(json.dumps(orders), encoding="ascii")
    described = {"format": "fake", "path": str(path), "extra": [], "inputs": [], "outputs": [], "provenance": {}}
    with pytest.raises(EngineError, match=re.escape(words)):
        find_unsupported(FindUnsupported(described, EngineConfiguration("fake")))


def test_endless_names_are_abridged(fakes: registry.Registry, tmp_path: Path) -> None:
    path = tmp_path / "model.fake"
    endless = "x" * 100_000
    path.write_text(json.dumps({"unsupported": [{"type": endless, "names": [endless], "reason": endless}]}))
    described = {"format": "fake", "path": str(path), "extra": [], "inputs": [], "outputs": [], "provenance": {}}
    (found,) = find_unsupported(FindUnsupported(described, EngineConfiguration("fake"))).operators
    assert max(map(len, (found.type, *found.names, found.reason))) < 1_000
