"""A conversion that a machine cannot check: refused, kept with a mark if asked for, checked where it is first used."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench import cli
from lpbench.app.model import App, load_app
from lpbench.app.model_choice import unchecked
from lpbench.app.pulled import with_conversions
from lpbench.errors import ConversionError
from lpbench.jobs.agreement import agree
from lpbench.jobs.conversion import convert
from lpbench.jobs.measuring.targeting import choose_targets
from lpbench.results.settings import RunSettings
from lpbench.testing.setups import write_app
from lpbench.util import atomic_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lpbench.jobs.engine_choice import Target

pytest.importorskip("numpy", reason="needs numpy")
pytestmark = [pytest.mark.long, pytest.mark.usefixtures("formulas")]

TWICE = {"inputs": [{"name": "x", "shape": [1, 5]}], "outputs": [{"name": "y", "formula": "double"}]}
SOFT = {"inputs": [{"name": "x", "shape": [1, 5]}], "outputs": [{"name": "y", "formula": "softmax"}]}
BLUNT = "slabs cannot run it here: no usable device: chisel: it is blunt"


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Take the device away, and return what brings it back."""
    monkeypatch.setenv("SLAB_DEVICE", "")
    return lambda name: monkeypatch.setenv("SLAB_DEVICE", name)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return the folder of an app around a formula."""
    return make_app(tmp_path / "app", TWICE)


def make_app(folder: Path, formula: Mapping[str, Any]) -> Path:
    """Return the folder of a new app around a formula."""
    folder.mkdir(parents=True)
    (folder / "m.formula").write_text(json.dumps(formula), encoding="ascii")
    return write_app(folder, {"formula": {"file": "m.formula"}}, name="numbers")


def provenance(app: Path) -> Mapping[str, Any]:
    """Return the provenance of the slab in an app's folder."""
    return load_app(app).components[0].models[1].provenance


def first_use(app: Path | App, *engines: str) -> tuple[App, list[Target]]:
    """Return an app as a benchmark finds it before anything is measured, and what would be measured."""
    loaded = app if isinstance(app, App) else load_app(app)
    return choose_targets(loaded, RunSettings(engine=engines or ("slabs",)), None, lambda *_: None)


@pytest.mark.usefixtures("device")
def test_what_this_machine_cannot_run_is_refused_with_the_reason_and_the_remedy(app: Path) -> None:
    before = (app / "ai_app_config.json").read_bytes()
    with pytest.raises(ConversionError) as caught:
        convert(app, "slab")
    assert f"a model in the format slab cannot be checked here: {BLUNT}" in str(caught.value)
    assert "lpbench.convert(unchecked=True) keeps it in an app, marked" in str(caught.value)
    assert (app / "ai_app_config.json").read_bytes() == before
    assert not list((atomic_folders.cache_folder() / "converted").glob("*/*"))


@pytest.mark.usefixtures("device")
def test_asked_for_it_is_kept_with_the_reason_in_place_of_the_check(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["convert", str(app), "--to", "slab", "--unchecked"]) == 0
    assert f"unchecked: {BLUNT}; its first use" in capsys.readouterr().out
    assert provenance(app)["unchecked"] == BLUNT
    assert "checked" not in provenance(app)
    assert provenance(app)["source"].keys() == {"m.formula"}


def test_where_it_can_be_checked_it_is_whatever_was_asked_for(app: Path) -> None:
    (made,) = convert(app, "slab", unchecked=True)
    assert "unchecked" not in made.provenance
    assert made.provenance["checked"]["engine"] == "slabs 3"


def test_a_converter_that_lies_is_found_out_whatever_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="differs from its source"):
        convert(make_app(tmp_path / "app", {**SOFT, "converter": "constant"}), "slab", unchecked=True)


def test_the_cache_gives_an_unchecked_model_only_to_who_asks_and_only_while_it_cannot_be_checked(
    app: Path, tmp_path: Path, device: Callable[[str], None]
) -> None:
    other = shutil.copytree(app, tmp_path / "other")
    convert(app, "slab", unchecked=True)
    with pytest.raises(ConversionError, match="cannot be checked here"):
        convert(other, "slab")
    assert "unchecked" in convert(other, "slab", unchecked=True)[0].provenance
    device("chisel")
    assert "checked" in convert(other, "slab", unchecked=True)[0].provenance
    assert "checked" in convert(app, "slab")[0].provenance  # the app had the unchecked one


@pytest.mark.usefixtures("device")
def test_a_file_of_its_own_cannot_carry_the_mark(app: Path, tmp_path: Path) -> None:
    for subject, output in ((app / "m.formula", None), (app, tmp_path / "out")):
        with pytest.raises(ConversionError, match="an unchecked model is kept only in an app"):
            convert(subject, "slab", unchecked=True, output=output)
    assert not (app / "m.slab").exists()


@pytest.mark.usefixtures("device")
def test_a_benchmark_that_converts_never_makes_an_unchecked_model(app: Path) -> None:
    with pytest.raises(ConversionError, match="cannot be checked here"):
        choose_targets(load_app(app), RunSettings(engine=("slabs",), convert=True), None, lambda *_: None)


def test_the_first_use_checks_the_model_and_removes_the_mark(app: Path, device: Callable[[str], None]) -> None:
    convert(app, "slab", unchecked=True)
    device("chisel")
    used, targets = first_use(app)
    assert provenance(app)["checked"] == {
        "engine": "slabs 3",
        "reference": "exact 3",
        "samples": 3,
        "max_absolute": 0.0,
        "cosine": pytest.approx(1.0),
    }
    assert "unchecked" not in provenance(app)
    assert targets[0].unchecked(used) == ""
    assert used.digest() == load_app(app).digest()
    assert not list(app.glob(".*"))


def test_a_model_whose_provenance_tells_of_no_comparison_is_unchecked_until_its_first_use(
    app: Path, device: Callable[[str], None]
) -> None:
    convert(app, "slab", unchecked=True)
    config = json.loads((app / "ai_app_config.json").read_text("utf-8"))
    del config["components"][0]["inference"]["models"]["slab"]["provenance"]["unchecked"]
    (app / "ai_app_config.json").write_text(json.dumps(config), encoding="utf-8")
    assert unchecked(load_app(app).components[0].models[1]).startswith("its provenance does not say")
    device("chisel")
    first_use(app)
    assert "checked" in provenance(app)


@pytest.mark.usefixtures("device")
def test_an_unchecked_model_of_the_cache_comes_with_the_reason_of_today(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = shutil.copytree(app, tmp_path / "other")
    convert(app, "slab", unchecked=True)
    monkeypatch.setenv("SLAB_FAULT", "it is lost")
    convert(other, "slab", unchecked=True)
    assert provenance(other)["unchecked"].endswith("chisel: it is lost")


def test_an_app_that_was_loaded_before_its_first_use_is_the_same_app_afterwards(
    app: Path, device: Callable[[str], None]
) -> None:
    """Else the results of a notebook, which keeps the app that it loaded, are of two apps."""
    convert(app, "slab", unchecked=True)
    device("chisel")
    loaded = load_app(app)
    assert first_use(loaded)[0].digest() == first_use(loaded)[0].digest() == load_app(app).digest()


def test_an_app_that_was_copied_to_another_machine_is_checked_there(
    app: Path, tmp_path: Path, device: Callable[[str], None]
) -> None:
    convert(app, "slab", unchecked=True)
    copied = shutil.copytree(app, tmp_path / "board" / "app")
    shutil.rmtree(app)
    device("chisel")
    first_use(copied)
    assert "checked" in provenance(copied)


def test_a_pulled_app_is_checked_in_the_list_beside_it(device: Callable[[str], None]) -> None:
    root = make_app(atomic_folders.cache_folder() / "apps" / "numbers", TWICE)
    before = (root / "ai_app_config.json").read_bytes()
    convert(load_app(root), "slab", unchecked=True)
    device("chisel")
    first_use(with_conversions(load_app(root)))
    (_, made) = with_conversions(load_app(root)).components[0].models
    assert "checked" in made.provenance
    assert "unchecked" not in made.provenance
    assert (root / "ai_app_config.json").read_bytes() == before


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("constant", "the model that mason 1 made differs from its source"),
        ("makes crash", "mason 1 made a file that slabs does not run"),
    ],
)
def test_a_model_that_fails_its_check_at_its_first_use_keeps_its_mark(
    tmp_path: Path, device: Callable[[str], None], order: str, said: str
) -> None:
    app = make_app(tmp_path / "app", {**SOFT, "converter": order})
    convert(app, "slab", unchecked=True)
    device("chisel")
    before = (app / "ai_app_config.json").read_bytes()
    with pytest.raises(ConversionError, match=said) as caught:
        first_use(app)
    assert "convert(force=True) makes it again" in caught.value.hint
    _, (exact, slabs) = first_use(app, "exact", "slabs")  # beside others, it alone is not measured
    assert exact.refusal is None
    assert isinstance(slabs.refusal, ConversionError)
    assert (app / "ai_app_config.json").read_bytes() == before


@pytest.mark.parametrize("how", ["removed", "another"])
def test_without_its_source_a_model_stays_unchecked(app: Path, device: Callable[[str], None], how: str) -> None:
    convert(app, "slab", unchecked=True)
    device("chisel")
    if how == "another":
        (app / "m.formula").write_text(json.dumps(SOFT), encoding="ascii")
    else:
        config = json.loads((app / "ai_app_config.json").read_text("utf-8"))
        del config["components"][0]["inference"]["models"]["formula"]
        (app / "ai_app_config.json").write_text(json.dumps(config), encoding="utf-8")
    used, (target,) = first_use(app)
    assert target.unchecked(used) == "its source is not in the app: m.formula"
    assert "checked" not in json.dumps(load_app(app).config).replace("unchecked", "")


@pytest.mark.usefixtures("device")
def test_what_still_cannot_be_checked_is_left_as_it_is(app: Path) -> None:
    convert(app, "slab", unchecked=True)
    before = (app / "ai_app_config.json").read_bytes()
    used, (target,) = first_use(app)
    assert target.unchecked(used) == BLUNT
    assert (app / "ai_app_config.json").read_bytes() == before


def test_a_run_without_an_engine_measures_the_original_and_checks_nothing(app: Path) -> None:
    (made,) = convert(app, "slab")
    assert "checked" in made.provenance
    used, (target,) = choose_targets(load_app(app), RunSettings(), None, lambda *_: None)
    assert target.name == "exact"
    assert target.unchecked(used) == ""


@pytest.mark.usefixtures("device")
def test_validating_an_app_notes_its_unchecked_models(app: Path) -> None:
    convert(app, "slab", unchecked=True)
    (note,) = [each for each in lpbench.validate(app) if "not compared with its source" in each.found]
    assert (note.path, note.note) == ("components[0].inference.models.slab", True)
    assert BLUNT in note.found


@pytest.mark.usefixtures("device")
def test_agree_says_which_model_is_unchecked(app: Path) -> None:
    convert(app, "slab", unchecked=True)
    assert f"slabs: its converted model is unchecked: {BLUNT}" in agree(app, ["slabs"]).notes


@pytest.mark.long
@pytest.mark.usefixtures("device")
def test_a_measured_model_that_is_unchecked_is_marked_wherever_it_is_shown(
    app: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    convert(app, "slab", unchecked=True)
    found = lpbench.benchmark(app, engine=["exact", "slabs"], max_time=3, runs=4)
    assert [each.unchecked for each in found.configurations] == ["", BLUNT]
    file = found.save(tmp_path / "found.json")
    assert lpbench.load_result(file).configurations[1].unchecked == BLUNT
    for words in ([], ["--markdown"], ["--html"], ["--csv"], ["--json"]):
        assert cli.main(["show", str(file), *words]) == 0
        assert "it is blunt" in capsys.readouterr().out
    assert cli.main(["compare", str(file), str(file), "--fail-slower", "50%"]) == 1
    assert "UNCHECKED" in capsys.readouterr().out
