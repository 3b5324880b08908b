"""Conversions as variants: several of one format side by side, by precision, name, tile and machine."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench import cli
from lpbench.app.model import load_app
from lpbench.app.model_choice import choose_model
from lpbench.app.pulled import with_conversions
from lpbench.errors import AppError, ConversionError
from lpbench.jobs.conversion import can_supply, check_first_use, convert, supply
from lpbench.jobs.engine_choice import targets
from lpbench.jobs.parity import Tolerance
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.registry import ENGINES, current
from lpbench.testing.setups import write_app
from lpbench.util import atomic_folders

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Model
    from lpbench.plugin.specs import EngineSpec

np = pytest.importorskip("numpy", reason="needs numpy")
pytestmark = pytest.mark.usefixtures("formulas")

TWICE = {"inputs": [{"name": "x", "shape": [1, 5]}], "outputs": [{"name": "y", "formula": "double"}]}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return the folder of an app around a formula."""
    return make(tmp_path / "app")


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "m.formula").write_text(json.dumps(TWICE), encoding="ascii")
    return write_app(folder, {"formula": {"file": "m.formula"}}, name="numbers")


def add_samples(app: Path, values: Sequence[float]) -> None:
    (app / "samples").mkdir()
    for at, value in enumerate(values):
        np.save(app / "samples" / f"{at}.npy", np.full((1, 5), value, "float32"))
    config = json.loads((app / "ai_app_config.json").read_text("utf-8"))
    (app / "ai_app_config.json").write_text(json.dumps({**config, "samples": ["samples"]}), encoding="utf-8")


def models(app: Path) -> list[tuple[str, str]]:
    return [(model.format, model.variant) for model in load_app(app).components[0].models]


def engine(name: str) -> EngineSpec:
    return current().get(ENGINES, name).spec


def chosen(app: Path, name: str, **how: Any) -> Model:
    return choose_model(load_app(app).components[0], engine(name), **how)


def greatest(model: Model) -> list[float]:
    found: list[float] = json.loads(model.path.read_text("ascii"))["greatest"]
    return found


def test_half_precision_stands_beside_the_default_one_and_a_run_chooses_by_name(app: Path) -> None:
    convert(app, "table")
    (half,) = convert(app, "table", precision="F16")
    assert models(app) == [("formula", ""), ("table", ""), ("table", "f16")]
    assert half.path == app / "table-f16" / "model.table"
    assert chosen(app, "quick").path == app / "table" / "model.table"
    assert chosen(app, "quick", variant="f16").provenance["precision"] == "F16"
    before = (app / "ai_app_config.json").read_bytes()
    convert(app, "table", precision="F16")
    assert (app / "ai_app_config.json").read_bytes() == before
    assert not [problem for problem in lpbench.validate(app) if problem.path]


def test_a_conversion_has_the_name_that_it_is_given(app: Path) -> None:
    convert(app, "table", precision="F16", variant="small")
    assert models(app)[1] == ("table", "small")
    with pytest.raises(AppError, match=r"format table and variant small, F16 by maker 7\n  force=True .*variant=NAME"):
        convert(app, "table", variant="small")
    with pytest.raises(ConversionError, match="cannot name a variant"):
        convert(app, "formula", variant="../x")  # there is an original in that format, but that is not why
    for wrong in ("a:b", "a,b", "a\nb", "", "-a", "a" * 65, "../x"):
        if wrong:
            with pytest.raises(ConversionError, match="cannot name a variant"):
                convert(app, "table", variant=wrong)


def test_a_variant_named_after_a_precision_is_stored_in_it(app: Path) -> None:
    (half,) = convert(app, "table", variant="F16")
    assert (half.variant, half.provenance["precision"]) == ("F16", "F16")
    with pytest.raises(ConversionError, match='called "f16" stores weights in F16, not in F32'):
        convert(app, "table", variant="f16", precision="F32")
    with pytest.raises(ConversionError, match='no converter to slab stores weights in "S8"'):
        convert(app, "slab", variant="s8")


def test_an_app_that_was_read_before_gets_conversions_beside_those_it_has_now(app: Path) -> None:
    """Not taken for a bare model, beside which files are written that no config names."""
    loaded = load_app(app)
    for _ in range(2):
        convert(loaded, "table")
        convert(loaded, "slab")
    assert models(app) == [("formula", ""), ("table", ""), ("slab", "")]
    assert not list(app.glob("*.table"))


def test_a_bare_model_beside_an_app_is_none_of_its_models(app: Path) -> None:
    other = app / "other.formula"
    other.write_text((app / "m.formula").read_text("ascii"), encoding="ascii")
    before = (app / "ai_app_config.json").read_bytes()
    (made,) = convert(other, "table")
    assert made.path == app / "other.table"
    assert (app / "ai_app_config.json").read_bytes() == before


def test_a_converter_that_takes_samples_gets_those_of_the_app(app: Path) -> None:
    add_samples(app, [1, 2, 3, 4, 5])
    (made,) = convert(app, "table", precision="S8", samples=3)
    assert greatest(made) == [1, 2, 4]  # evenly spread
    assert made.provenance["calibration"] == {"samples": 3}
    assert models(app)[1] == ("table", "s8")


def test_what_was_calibrated_is_compared_on_samples_alone(app: Path) -> None:
    """8 bits clip what lies outside of the ranges that were measured, as inputs that are made up do."""
    add_samples(app, [1])
    compared = {
        name: convert(app, "table", precision=name)[0].provenance["checked"]["samples"] for name in ("S8", "F16")
    }
    assert compared == {"S8": 1, "F16": 3}


@pytest.mark.long
def test_samples_may_come_from_elsewhere_and_are_part_of_what_was_made(app: Path, tmp_path: Path) -> None:
    add_samples(app, [1])
    (tmp_path / "more").mkdir()
    np.save(tmp_path / "more" / "0.npy", np.full((1, 5), 7, "float32"))
    (first,) = convert(app, "table", precision="S8", output=tmp_path / "one")
    (second,) = convert(app, "table", precision="S8", output=tmp_path / "two", data=tmp_path / "more")
    assert (greatest(first), greatest(second)) == ([1], [7])


def test_samples_that_cannot_be_used_are_not_replaced_by_made_up_ones(app: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong").mkdir()
    np.save(tmp_path / "wrong" / "0.npy", np.zeros((1, 6), "float32"))
    with pytest.raises(ConversionError, match="can be used"):
        convert(app, "table", precision="S8", data=tmp_path / "wrong")


@pytest.mark.long
def test_later_components_of_a_chain_get_what_earlier_ones_find(app: Path) -> None:
    add_samples(app, [1])
    np.save(app / "samples" / "0.npy", np.array([[1, 2, -1, 0, 3]], "float32"))
    config = json.loads((app / "ai_app_config.json").read_text("utf-8"))
    (first,) = config["components"]
    later = {**first, "name": "later", "preprocessing": {"type": "positive"}}
    (app / "ai_app_config.json").write_text(json.dumps({**config, "components": [first, later]}), encoding="utf-8")
    (_, made) = convert(app, "table", precision="S8", samples=2)
    assert greatest(made) == [2, 4]
    assert made.provenance["calibration"] == {"samples": 2}


def test_without_samples_they_are_made_up_and_the_provenance_says_so(app: Path) -> None:
    (made,) = convert(app, "table", precision="S8")
    count = made.provenance["calibration"]["synthetic"]
    assert len(set(greatest(made))) == count > 1


def test_a_converter_states_how_far_its_products_may_differ(app: Path) -> None:
    """The same product is refused in F32 by the strict limits of that precision."""
    found = json.loads((app / "m.formula").read_text("ascii"))
    (app / "m.formula").write_text(json.dumps({**found, "converter": "permuted"}), encoding="ascii")
    with pytest.raises(ConversionError, match="differs from its source"):
        convert(app, "table", precision="S8")


def test_an_engine_that_is_compared_gets_the_variant_that_it_is_asked_for_and_no_other_model(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.log"
    monkeypatch.setenv("MAKER_LOG", str(log))
    (row,) = lpbench.agree(app, ["quick:variant=f16"], tolerance=Tolerance(0.1, 1), convert=True).engines
    assert row.agrees
    assert len(log.read_text("ascii").splitlines()) == 1
    assert models(app) == [("formula", "")]


def test_for_one_benchmark_the_variant_that_is_asked_for_is_made(app: Path) -> None:
    loaded = load_app(app)
    half, failed = supply(loaded, [engine("quick")], shapes={}, variant="f16")
    assert not failed
    assert [(each.format, each.variant) for each in half.components[0].models] == [("formula", ""), ("table", "f16")]
    own, _ = supply(half, [engine("quick")], shapes={})  # half precision is none of the app's own models
    assert [each.variant for each in own.components[0].models] == ["", "f16", ""]
    assert supply(own, [engine("quick")], shapes={})[0] == own
    assert models(app) == [("formula", "")]


def test_a_conversion_for_another_shape_is_made_beside_the_one_that_there_is(app: Path) -> None:
    shapes = {"x": (1, 5)}
    own, _ = supply(load_app(app), [engine("quick")], shapes=shapes)
    assert supply(own, [engine("quick")], shapes=shapes)[0] == own
    ((source, made),) = (each.models for each in own.components)
    inputs = [dataclasses.replace(info, shape=(1, 7)) for info in made.inputs]
    other = dataclasses.replace(made, inputs=tuple(inputs), provenance={**made.provenance, "shapes": {"x": [1, 7]}})
    old = dataclasses.replace(own, components=(dataclasses.replace(own.components[0], models=(source, other)),))
    both, failed = supply(old, [engine("quick")], shapes=shapes)
    assert not failed
    assert len(both.components[0].models) == 3


def test_a_variant_that_was_made_is_no_source_where_a_converter_makes_its_precision(app: Path) -> None:
    """Whole numbers in one format would be converted to another by a converter of floats, which comes first."""
    loaded = load_app(app)
    (component,) = loaded.components
    (own,) = component.models
    for provenance, precision in (({"converter": "c 1", "source": {}}, "S8"), ({}, "F32")):
        named = dataclasses.replace(own, variant="s8", provenance=provenance)
        both = dataclasses.replace(component, models=(own, named))
        made, failed = supply(
            dataclasses.replace(loaded, components=(both,)), [engine("quick")], shapes={}, variant="s8"
        )
        assert not failed
        *_, last = made.components[0].models
        assert (last.format, last.variant, last.provenance["precision"]) == ("table", "s8", precision)


def test_what_was_quantised_for_one_engine_is_no_source_for_another(app: Path) -> None:
    """A converter that does not make S8 itself is not given what another one made of it."""
    whole = load_app(app)
    (own,) = whole.components[0].models
    made = dataclasses.replace(own, variant="s8", provenance={"converter": "another", "precision": "S8"})
    with_it = dataclasses.replace(whole, components=(dataclasses.replace(whole.components[0], models=(own, made)),))
    assert supply(with_it, [engine("slabs")], shapes={}, variant="s8") == (with_it, {})
    assert not can_supply(with_it, engine("slabs"), variant="s8")
    assert can_supply(with_it, engine("slabs"))
    assert can_supply(with_it, engine("quick"), variant="s8")
    assert not can_supply(with_it, engine("quick"), variant="u8")


@pytest.mark.long
def test_what_is_made_for_another_machine_stands_beside_and_the_one_of_this_machine_runs(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boards = {}
    for board in ("one", "two"):
        monkeypatch.setenv("SLAB_BOARD", board)
        (boards[board],) = convert(app, "slab")
    assert boards["one"].path.parent != boards["two"].path.parent
    loaded = load_app(app)
    assert len(loaded.components[0].models) == 3
    for board in ("one", "two"):
        monkeypatch.setenv("SLAB_BOARD", board)
        used, (target,) = check_first_use(loaded, targets(loaded, ["slabs"], EngineConfiguration("")))
        assert target.model(used.components[0]).path == boards[board].path
    monkeypatch.setenv("SLAB_BOARD", "three")  # the engine reads no other format: opening says why it does not run
    used, _ = check_first_use(loaded, targets(loaded, ["slabs"], EngineConfiguration("")))
    assert len(used.components[0].models) == 3


@pytest.mark.long
def test_variants_of_a_pulled_app_live_beside_it_and_lists_of_before_are_read(tmp_path: Path) -> None:
    root = make(atomic_folders.cache_folder() / "apps" / "numbers")
    before = (root / "ai_app_config.json").read_bytes()
    convert(load_app(root), "table")
    file = atomic_folders.cache_folder() / "conversions" / "numbers" / "models.json"
    (entry,) = json.loads(file.read_text("utf-8"))["numbers"]
    assert entry.pop("format") == "table"
    file.write_text(json.dumps({"numbers": {"table": entry}}), encoding="utf-8")  # as it was written until now
    convert(with_conversions(load_app(root)), "table", precision="F16")
    found = with_conversions(load_app(root)).components[0].models
    assert [(model.format, model.variant) for model in found] == [("formula", ""), ("table", ""), ("table", "f16")]
    assert (root / "ai_app_config.json").read_bytes() == before


def test_the_command_names_the_variant_and_how_to_measure_it(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["convert", str(app), "--to", "table", "--precision", "F16"]) == 0
    said = capsys.readouterr().out
    assert "numbers: table F16 by maker 7 · variant f16" in said.replace("app: ", "numbers: ")
    assert "--engine quick:variant=f16" in said
    assert cli.main(["convert", str(app), "--to", "table", "--precision", "F16", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["variant"] == "f16"
