"""What is done before a sweep measures: words for each engine, models for variants, and what the models cost."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.app.model import load_app
from lpbench.errors import LpbenchError
from lpbench.jobs.sweep import _prepare, _static, outlined
from lpbench.jobs.sweep._plan import SweepPlan
from lpbench.jobs.sweep._queue import SweptApp
from lpbench.jobs.sweep._static import Analyses, efficiency
from lpbench.jobs.sweep._words import words_of
from lpbench.plugin import registry
from lpbench.results.run import Metric
from lpbench.results.sweep import Asked
from lpbench.testing.setups import write_app
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lpbench.app.model import App

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


@pytest.mark.usefixtures("formulas")
def test_an_outline_counts_no_conversion_for_an_engine_that_is_not_there(
    install: Callable[..., Path], tmp_path: Path
) -> None:
    install(
        "distant",
        """
        from lpbench.plugin.hookspecs import hookimpl
        from lpbench.plugin.specs import EngineSpec

        @hookimpl
        def lpbench_register_engines(register):
            about = {"formats": {"table": (".table",)}, "requires": ("no_such_library",)}
            register(EngineSpec("distant", "distant:Engine", **about))
        """,
    )
    registry.refresh()
    plan = SweepPlan.of({"apps": [app_of_formulas(tmp_path / "app")], "engines": ["quick", "distant"]})
    sweep, _ = outlined(plan, tmp_path / "rows")
    assert [(row.asked.engine, row.state) for row in sweep.rows] == [("quick", "waiting"), ("distant", "impossible")]
    assert "no_such_library" in sweep.rows[1].reason


@pytest.mark.usefixtures("formulas")
def test_a_precision_that_was_made_for_another_engine_is_said_to_be_made_by_no_converter(tmp_path: Path) -> None:
    """The reason is the same as before anything was converted, and the same for every app."""
    whole = load_app(app_of_formulas(tmp_path / "app"))
    (own,) = whole.components[0].models
    quantised = dataclasses.replace(own, variant="s8", provenance={"converter": "another", "precision": "S8"})
    tables = dataclasses.replace(own, format="table", provenance={"converter": "another", "precision": "F32"})
    with_them = dataclasses.replace(whole.components[0], models=(own, quantised, tables))
    plan = SweepPlan.of({"apps": ["app"], "engines": ["slabs"], "precisions": ["S8"]})
    apps = [SweptApp("app", "app", "", "exact")]
    reasons = [
        _prepare.entries(plan, {"app": _prepare.Prepared(app, "", converts=True)}, apps)[0].reason
        for app in (whole, dataclasses.replace(whole, components=(with_them,)))
    ]
    assert reasons[0] == reasons[1]
    assert reasons[0].startswith('no converter makes "s8" of formula for engine "slabs"; ')


@pytest.mark.long
@pytest.mark.usefixtures("formulas")
def test_models_are_made_once_for_the_engines_and_precisions_that_need_them(ledger: Any, tmp_path: Path) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    app, folder = app_of_formulas(tmp_path / "app"), tmp_path / "rows"
    before = sorted(path.name for path in app.iterdir())
    given: dict[str, Any] = {"engines": ["exact", "quick", "alien"], "precisions": ["F32", "F16"]}
    planned = lpbench.sweep(app, tmp_path / "unconverted", convert=False, **given)
    assert [row.state for row in planned.rows] == ["OK", *["impossible"] * 5]
    sweep = lpbench.sweep(app, folder, **given)
    found = {(row.asked.engine, row.asked.precision): row for row in sweep.rows}
    assert found["exact", "F32"].configuration == "exact"
    assert found["quick", "F32"].state == found["quick", "F16"].state == "OK"
    assert found["quick", "F16"].configuration == "quick:variant=f16"
    for missing in (("exact", "F16"), ("alien", "F32"), ("alien", "F16")):
        assert found[missing].state == "impossible"
        assert found[missing].reason
    assert sorted(path.name for path in app.iterdir()) == before, "the app's folder is as it was"


class Counted:
    """Stands in place of the analysis: what a model costs is written in its file; each question is kept."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []

    def __call__(self, app: App, *, tile: object) -> Any:
        (model,) = app.components[0].models
        self.asked.append((model.path.name, tile))
        if "unknown" in model.path.read_text(encoding="ascii"):
            raise LpbenchError("no analyzer is ready")
        return self

    flop, params, storage_bytes = 2_000_000_000, 3_000_000, 12_000_000
    missing: Mapping[str, Unavailable] = {}
    models = (SimpleNamespace(analysis=SimpleNamespace(precision="F16")),)


def test_each_model_is_analysed_once_for_each_tile(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = Counted()
    monkeypatch.setattr(_static, "analyze", count)
    costs = Analyses(load_app(fake_app()))
    for threads in (1, 2, 3):
        found = costs.metrics(f"fake:threads={threads}")
        assert {name: metric.value for name, metric in found.items()} == {"GFLOP": 2.0, "#PARAMS": 3.0, "STORAGE": 12.0}
    assert count.asked == [("model.fake", None)]
    assert not costs.version("fake")


def test_what_cannot_be_analysed_has_the_reason(fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_static, "analyze", Counted())
    found = Analyses(load_app(fake_app(unknown=1))).metrics("fake")
    assert {metric.value for metric in found.values()} == {None}
    assert {metric.reason for metric in found.values()} == {"no analyzer is ready"}
    assert {name: metric.unit for name, metric in found.items()} == {"GFLOP": "1e9", "#PARAMS": "1e6", "STORAGE": "MB"}


def test_totals_without_a_component_are_not_those_of_the_app(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = Counted()
    count.missing = {"face": Unavailable("its analyzer crashed")}
    monkeypatch.setattr(_static, "analyze", count)
    found = Analyses(load_app(fake_app())).metrics("fake")
    assert {(metric.value, metric.reason) for metric in found.values()} == {(None, "face: its analyzer crashed")}


def test_the_precision_of_the_weights_is_known_without_a_run(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_static, "analyze", Counted())
    costs = Analyses(load_app(fake_app()))
    assert costs.precision("fake") == "F16"
    assert not costs.precision("fake:variant=s8")


def test_a_row_whose_model_could_not_be_made_says_so_and_the_sweep_goes_on(fake_app: Callable[..., Path]) -> None:
    costs = Analyses(load_app(fake_app()))
    found = costs.metrics("fake:variant=s8")
    assert [metric.value for metric in found.values()] == [None] * 3
    assert all("s8" in metric.reason for metric in found.values())
    assert not costs.version("fake:variant=s8")


def test_efficiency_is_operations_times_throughput_over_power() -> None:
    known = {"GFLOP": Metric(0.6, "1e9"), "THROUGHPUT": Metric(100.0, "1/s"), "POWER_CONSUMPTION": Metric(15.0, "W")}
    assert efficiency(known)["ENERGY_EFFICIENCY"].value == pytest.approx(4.0)
    for name in known:
        assert not efficiency({**known, name: Metric(None, "")})
        assert not efficiency({key: metric for key, metric in known.items() if key != name})
