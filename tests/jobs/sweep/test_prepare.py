"""What is done before a sweep measures: words for each engine, and models for variants."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.jobs.sweep._words import words_of
from lpbench.plugin import registry
from lpbench.results.sweep import Asked
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENGINE = """
    from dataclasses import dataclass
    from typing import Literal
    from lpbench.plugin.hookspecs import hookimpl
    from lpbench.plugin.specs import EngineSpec

    @dataclass(frozen=True)
    class Config:
        threads: int = 1
        precision: Literal["F32", "F16", "default"] = "default"

    @hookimpl
    def lpbench_register_engines(register):
        register(EngineSpec("acme", "acme:Engine", formats={"acme": (".acme",)}, config="acme:Config"))
"""


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked("app", "acme"), "acme"),
        (Asked("app", "acme", threads=2, precision="F16"), "acme:threads=2:precision=F16"),
        (Asked("app", "acme", precision="F32"), "acme:precision=F32"),
        (Asked("app", "acme", precision="S8", batch=8, streams=1), "acme:variant=s8:batch=8"),
        (Asked("app", "acme:x=1", device="cuda:0", tile="96x64"), "acme:x=1:device=cuda:0:tile=96x64"),
    ],
)
def test_a_precision_is_the_engines_option_if_it_takes_it_and_else_a_variant(
    install: Callable[..., Path], asked: Asked, words: str
) -> None:
    install("acme", ENGINE)
    registry.refresh()
    assert words_of(asked) == words


def app_of_formulas(folder: Path) -> Path:
    folder.mkdir()
    twice = {"inputs": [{"name": "x", "shape": [1, 5]}], "outputs": [{"name": "y", "formula": "double"}]}
    (folder / "m.formula").write_text(json.dumps(twice), encoding="ascii")
    return write_app(folder, {"formula": {"file": "m.formula"}}, name="numbers")


@pytest.mark.long
@pytest.mark.usefixtures("formulas")
def test_models_are_made_once_for_the_engines_that_need_them(ledger: Any, tmp_path: Path) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    app, folder = app_of_formulas(tmp_path / "app"), tmp_path / "rows"
    before = sorted(path.name for path in app.iterdir())
    given: dict[str, Any] = {"engines": ["exact", "quick", "alien"], "precisions": ["F32"]}
    planned = lpbench.sweep(app, tmp_path / "unconverted", convert=False, **given)
    assert [row.state for row in planned.rows] == ["OK", "impossible", "impossible"]
    sweep = lpbench.sweep(app, folder, **given)
    found = {(row.asked.engine, row.asked.precision): row for row in sweep.rows}
    assert found["exact", "F32"].configuration == "exact"
    assert found["quick", "F32"].state == "OK"
    assert found["alien", "F32"].state == "impossible"
    assert sorted(path.name for path in app.iterdir()) == before, "the app's folder is as it was"
