"""Settings of a benchmark: one list of them, and every place that has to agree with it."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.cli import run
from lpbench.errors import ConfigError
from lpbench.jobs.measuring.live import ALONE_S
from lpbench.results.settings import RunSettings, documentation
from lpbench.util.schema import published

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = {each.name: each for each in dataclasses.fields(RunSettings)}
ABSENT: dict[str, Any] = {"monitors": None, "options": None, "shapes": None, "ranges": None}
"""What stands for an empty mapping among keywords."""


def keywords(function: Callable[..., Any]) -> dict[str, Any]:
    """Return a function's keywords with their defaults."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}


def defaults() -> dict[str, Any]:
    """Return what each setting is where nobody says anything, as keywords have it."""
    return {**{name: each.default for name, each in SETTINGS.items()}, **ABSENT}


def test_benchmark_has_a_keyword_for_every_setting_with_the_same_default() -> None:
    found = keywords(lpbench.benchmark)
    assert (found.pop("progress"), found.pop("save")) == (None, False), "what is done with the result is no setting"
    assert found == defaults()


def test_so_has_a_live_comparison_but_for_what_a_verdict_on_the_spot_needs() -> None:
    found = keywords(lpbench.compare_live)
    del found["progress"], found["save"], found["margin"]
    others = {"alone": ALONE_S, "yardstick": False}
    assert found == {name: value for name, value in {**defaults(), **others}.items() if name != "engine"}


@pytest.mark.parametrize(
    ("function", "otherwise"),
    [(lpbench.agree, {"number", "convert"}), (lpbench.convert, {"timeout", "variant"})],
    ids=["agree", "convert"],
)
def test_what_other_functions_share_with_a_benchmark_has_the_same_default(
    function: Callable[..., Any], otherwise: set[str]
) -> None:
    """:param otherwise: What means something else there."""
    shared = {name: value for name, value in keywords(function).items() if name in SETTINGS and name not in otherwise}
    assert len(shared) >= 2
    assert shared == {name: value for name, value in defaults().items() if name in shared}


def test_every_setting_is_an_option_of_the_command_line_with_the_same_words() -> None:
    parser = argparse.ArgumentParser()
    run.configure(parser)
    helps = {action.dest: action.help for action in parser._actions}
    assert {name: helps.get(name) for name in SETTINGS} == documentation()


def test_every_keyword_is_documented_where_python_looks() -> None:
    for function in (lpbench.benchmark, lpbench.compare_live):
        text = inspect.getdoc(function)
        assert text
        for name in keywords(function):
            assert 0 < text.find(f":param {name}: ") == text.rfind(f":param {name}: ") < text.find(":raises"), name


def test_settings_hold_what_json_can_carry_whatever_was_passed() -> None:
    class Acme:
        pass

    given: dict[str, Any] = {
        "engine": "fake",
        "data": Path("samples"),
        "affinity": [0, 1],
        "shapes": {"x": [1, 3]},
        "quality": "top1",
        "number": None,
        "app": "ignored",
    }
    settings = RunSettings.of(given)
    assert settings == RunSettings(("fake",), data="samples", affinity=(0, 1), shapes={"x": (1, 3)}, quality=("top1",))
    assert RunSettings.of({"engine": Acme()}).engine == ("Acme",)


def test_sequences_of_any_kind_are_settings_like_others() -> None:
    assert RunSettings.of({"affinity": {1, 0}}).affinity == (0, 1)
    assert RunSettings.of({"affinity": range(2), "engine": (name for name in "ab")}).engine == ("a", "b")


@pytest.mark.parametrize(
    "wrong",
    [{"number": True}, {"isolate": 0}, {"affinity": "0,1"}, {"runs": 1.5}, {"timeout": 0.0}, {"max_time": math.inf}],
    ids=lambda value: next(iter(value)),
)
def test_what_could_not_be_stored_is_refused_before_anything_is_measured(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        RunSettings.of(wrong)


def test_numbers_of_numpy_are_settings_like_others() -> None:
    np = pytest.importorskip("numpy", reason="needs numpy")
    settings = RunSettings.of({"seed": np.int64(3), "shapes": {"x": np.array([1, 3])}, "timeout": np.float32(2)})
    assert settings == RunSettings(seed=3, shapes={"x": (1, 3)}, timeout=2.0)
    assert (type(settings.seed), type(settings.timeout)) == (int, float)


def test_the_schema_of_results_documents_every_setting_with_the_same_words() -> None:
    properties = published("lpbench.results", "result")["properties"]["settings"]["properties"]
    assert {name: each["description"] for name, each in properties.items()} == documentation()


def test_settings_are_stored_whole(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    asked: dict[str, Any] = {"percentile": 90.0, "retry_disturbed": True, "alone": 0.05, "yardstick": False, "seed": 3}
    settings = {**asked, "ranges": {"x": (0.0, 1.0)}, "max_time": 2.0, "runs": 2}
    result = lpbench.benchmark(fake_app(), engine="fake", **settings)
    stored = lpbench.load_result(result.save(tmp_path / "r.json")).settings
    assert stored == RunSettings.of({"engine": "fake", **settings})
