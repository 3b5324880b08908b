"""The engine that runs an app where nobody names one: the app's, else the reference, never one that was not asked."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app import manifest
from lpbench.app.check import validate
from lpbench.cli import main
from lpbench.errors import AmbiguousEngineError, UnavailableEngineError
from lpbench.jobs.agreement import agree
from lpbench.jobs.conversion import convert
from lpbench.jobs.measuring.session import benchmark
from lpbench.jobs.new_app import new_app
from lpbench.plugin import registry
from lpbench.results import store
from lpbench.testing.setups import write_app
from lpbench.util.atomic_folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Path]
    Capture = pytest.CaptureFixture[str]

FEW = ("--number", "6", "--runs", "1", "--no-yardstick")
ONCE: dict[str, Any] = {"number": 6, "runs": 1, "yardstick": False}
MODEL = {"inputs": [{"name": "x", "shape": [1, 5]}], "outputs": [{"name": "y", "formula": "softmax"}]}


@pytest.fixture
def stranger(install: Callable[..., Path], site: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what installs a plugin with engines: ``stranger("aaa", formats={"fake": (".fake",)}, like="fakes")``."""

    def add(*names: str, like: str = "fakes", **spec: Any) -> None:
        target = {"fakes": "lpbench_fakes.engine:FakeEngine", "formulas": "lpbench_formulas.engine:Formulas"}[like]
        config = {"fakes": "lpbench_fakes.engine:FakeConfig", "formulas": "lpbench_formulas.engine:Options"}[like]
        offers = "\n".join(f"    register(EngineSpec({name!r}, {target!r}, **SPEC))" for name in names)
        source = (
            "from lpbench.plugin.hookspecs import hookimpl\nfrom lpbench.plugin.specs import EngineSpec\n"
            f"SPEC = { ({'config': config, **spec})!r}\n"
            f"@hookimpl\ndef lpbench_register_engines(register):\n{offers}\n"
        )
        install(f"stranger_{names[0]}", source, plugin=names[0])
        registry.refresh()

    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)  # for workers
    return add


@pytest.fixture
def formula_app(formulas: registry.Registry, tmp_path: Path) -> Make:
    """Return a maker of apps around a formula, whose reference engine is called exact."""

    def make(place: Path = tmp_path / "shares", engine: str = "") -> Path:
        place.mkdir(parents=True)
        (place / "m.formula").write_text(json.dumps(MODEL), encoding="ascii")
        return write_app(place, {"formula": {"file": "m.formula"}}, name="shares", engine=engine)

    return make


def engine_of(capsys: Capture, *words: str) -> tuple[str, str | None]:
    """Run and return which engine was measured, and what its model was converted by."""
    capsys.readouterr()
    assert main(["run", *words, "--json", *FEW]) == 0
    (found,) = json.loads(capsys.readouterr().out)["configurations"]
    return found["configuration"]["engine"], found["facts"].get("converted")


def test_the_only_ready_engine_that_reads_the_model_is_the_default_and_says_so(fake_app: Make, capsys: Capture) -> None:
    assert main(["run", str(fake_app()), *FEW]) == 0
    assert "fake (default) " in capsys.readouterr().out


def test_two_ready_engines_without_a_reference_are_asked_about(
    fake_app: Make, stranger: Callable[..., None], capsys: Capture
) -> None:
    app = fake_app()
    stranger("aaa", formats={"fake": (".fake",)})
    assert main(["run", str(app), *FEW]) == 2
    error = capsys.readouterr().err
    assert "several engines could run fake models by default: aaa, fake" in error
    assert f"lpbench run {app} --engine aaa" in error
    assert f"lpbench run {app} --engine fake" in error
    assert not list(store.folder().glob("*"))
    with pytest.raises(AmbiguousEngineError) as caught:
        benchmark(app)
    assert caught.value.ready == ("aaa", "fake")
    assert any("aaa, fake" in problem.found for problem in validate(app) if problem.note)


def test_the_apps_own_engine_comes_before_any_rule_and_the_others_are_named(
    fake_app: Make, stranger: Callable[..., None], capsys: Capture
) -> None:
    app = fake_app(engine="fake")
    stranger("aaa", formats={"fake": (".fake",)}, reference={})
    assert main(["run", str(app), *FEW]) == 0
    assert "fake (default; also ready: aaa) " in capsys.readouterr().out
    assert main(["show"]) == 0
    assert "fake (default; also ready: aaa) " in capsys.readouterr().out
    assert main(["run", str(app), "--engine", "aaa", *FEW]) == 0
    assert "default" not in capsys.readouterr().out


def test_a_strangers_engine_does_not_replace_the_reference(
    formula_app: Make, stranger: Callable[..., None], capsys: Capture
) -> None:
    app = formula_app()
    stranger("aaa", like="formulas", formats={"formula": (".formula",)})
    assert engine_of(capsys, str(app)) == ("exact", None)
    assert engine_of(capsys, str(app / "m.formula")) == ("exact", None), "likewise for a bare model"


def test_of_two_references_the_user_names_one(
    formula_app: Make, stranger: Callable[..., None], capsys: Capture
) -> None:
    app = formula_app()
    stranger("aaa", like="formulas", formats={"formula": (".formula",)}, reference={})
    assert main(["run", str(app), *FEW]) == 2
    assert "aaa, exact" in capsys.readouterr().err
    with pytest.raises(AmbiguousEngineError, match="several engines claim to be the reference for formula: aaa, exact"):
        agree(app, ["exact"])
    assert engine_of(capsys, str(app), "--engine", "exact") == ("exact", None)


def test_agreement_takes_the_reference_that_the_app_names(formula_app: Make, stranger: Callable[..., None]) -> None:
    app = formula_app(engine="exact")
    stranger("aaa", like="formulas", formats={"formula": (".formula",)}, reference={})
    assert agree(app, ["aaa"]).reference == "exact"


def test_a_conversion_in_the_app_does_not_change_what_runs(formula_app: Make, capsys: Capture) -> None:
    app = formula_app()
    convert(app, "table")
    assert engine_of(capsys, str(app)) == ("exact", None)
    assert engine_of(capsys, str(app), "--engine", "quick") == ("quick", "F32 by maker 7")


def test_an_engine_that_reads_both_runs_the_original_until_it_is_named(
    formula_app: Make, stranger: Callable[..., None], capsys: Capture
) -> None:
    formats = {"table": (".table",), "formula": (".formula",)}
    app = formula_app(engine="both")
    stranger("both", like="formulas", formats=formats)
    convert(app, "table")
    assert engine_of(capsys, str(app)) == ("both", None)
    assert engine_of(capsys, str(app), "--engine", "both") == ("both", "F32 by maker 7")


@pytest.mark.parametrize("spec", [{"requires": ("no_such_library",), "hint": "pip install zzz"}, None])
def test_an_engine_of_the_app_that_is_not_ready_has_no_substitute(
    fake_app: Make,
    stranger: Callable[..., None],
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    spec: dict[str, Any] | None,
) -> None:
    """Whether its library is missing, or its plugin."""
    if spec:
        app, said = fake_app(engine="zzz"), "pip install zzz"
        stranger("zzz", formats={"fake": (".fake",)}, **spec)
    else:
        monkeypatch.setenv("LPBENCH_DISABLED_PLUGINS", "openvino")
        app, said = fake_app(engine="openvino"), "remove openvino from LPBENCH_DISABLED_PLUGINS"
        registry.refresh()
    assert main(["run", str(app), *FEW]) == 3
    error = capsys.readouterr().err
    assert "components[0].inference.engine" in error
    assert said in error
    assert f"lpbench run {app} --engine fake" in error
    assert "absent" not in error
    assert not list(store.folder().glob("*"))
    assert any(said in note.right for note in validate(app) if note.note)
    with pytest.raises(UnavailableEngineError) as caught:
        benchmark(app)
    assert caught.value.ready == ("fake",)


def test_a_reference_that_is_not_ready_has_no_substitute_either(
    fake_app: Make, stranger: Callable[..., None], capsys: Capture
) -> None:
    app = fake_app()
    stranger("zzz", formats={"fake": (".fake",)}, reference={}, requires=("no_such_library",), hint="pip install zzz")
    assert main(["run", str(app), *FEW]) == 3
    assert 'engine "zzz" is not ready' in capsys.readouterr().err


def test_each_component_of_a_chain_has_its_own_default(
    formula_app: Make, stranger: Callable[..., None], capsys: Capture
) -> None:
    """The first one's engine goes on where the next names none; a stranger runs nothing unasked."""
    app = formula_app(engine="exact")
    stranger("aaa", like="formulas", formats={"formula": (".formula",)})
    config = json.loads((app / "ai_app_config.json").read_text("utf-8"))
    (one,) = config["components"]
    named = {**one, "name": "named", "inference": {**one["inference"], "engine": "aaa"}}
    config["components"] = [one, {**one, "name": "unnamed", "inference": {"models": one["inference"]["models"]}}, named]
    (app / "ai_app_config.json").write_text(json.dumps(config), encoding="utf-8")
    from lpbench.app.default_engine import default_engines
    from lpbench.app.model import load_app

    assert [offer.spec.name for offer in default_engines(load_app(app)).values()] == ["exact", "exact", "aaa"]


def test_a_converted_catalogue_app_stays_as_it_was_built(formula_app: Make, capsys: Capture) -> None:
    """Its conversions are found beside it, whoever asks for them, and one in another precision takes no one's place."""
    app = formula_app(cache_folder() / "apps" / "shares")
    manifest.write(app, "1", {})
    before = {path: path.read_bytes() for path in sorted(app.rglob("*")) if path.is_file()}
    assert main(["convert", str(app), "--to", "table"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"next: lpbench run {app} --engine quick"
    assert {path: path.read_bytes() for path in sorted(app.rglob("*")) if path.is_file()} == before
    assert engine_of(capsys, str(app)) == ("exact", None)
    assert engine_of(capsys, str(app), "--engine", "quick") == ("quick", "F32 by maker 7")
    assert main(["convert", str(app), "--to", "table", "--precision", "F16"]) == 0
    assert engine_of(capsys, str(app), "--engine", "quick") == ("quick", "F32 by maker 7")


def test_a_new_app_names_its_engine(fake_app: Make, tmp_path: Path, stranger: Callable[..., None]) -> None:
    model = fake_app() / "model.fake"
    first = new_app(tmp_path / "first", app_class="model", model=model)
    assert first.app.components[0].engine == "fake"
    stranger("aaa", formats={"fake": (".fake",)})
    second = new_app(tmp_path / "second", app_class="model", model=model)
    assert second.app.components[0].engine == ""
    assert any("no engine is stated" in line and "aaa, fake" in line for line in second.assumed)
