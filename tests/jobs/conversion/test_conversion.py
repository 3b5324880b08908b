"""Conversion: what a converter makes counts once it was run and compared, and failures are named."""

from __future__ import annotations

import errno
import json
import os
import resource
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.model import load_app
from lpbench.errors import AppError, ConversionError
from lpbench.jobs.agreement import agree
from lpbench.jobs.conversion import convert
from lpbench.testing.setups import write_app
from lpbench.util import atomic_folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("numpy", reason="needs numpy")
pytestmark = pytest.mark.usefixtures("formulas")

SOFT = {"inputs": [{"name": "x", "shape": [1, 5]}], "outputs": [{"name": "y", "formula": "softmax"}]}
TWO = {
    "inputs": [{"name": "x", "shape": [1, 5]}],
    "outputs": [{"name": "y", "formula": "double"}, {"name": "z", "formula": "negative"}],
}
INDEX = {"inputs": [{"name": "x", "shape": [1, 5]}], "outputs": [{"name": "best", "formula": "largest"}]}


@pytest.fixture
def formula(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of model files: ``formula(SOFT, converter="crash")``."""

    def make(found: dict[str, Any] = SOFT, name: str = "m.formula", **changes: Any) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({**found, **changes}), encoding="ascii")
        return path

    return make


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return how often the converter was called."""
    log = tmp_path / "calls.log"
    monkeypatch.setenv("MAKER_LOG", str(log))
    return lambda: len(log.read_text("ascii").splitlines()) if log.exists() else 0


def refusal(model: Path, **how: Any) -> str:
    """Return the error of a conversion, with its remedy, after which nothing half-made may be left."""
    with pytest.raises(ConversionError) as caught:
        convert(model, "table", **how)
    assert not list((atomic_folders.cache_folder() / "converted").glob("*/*"))
    assert not model.with_suffix(".table").exists()
    return str(caught.value)


def test_a_bare_model_is_converted_beside_itself(formula: Callable[..., Path]) -> None:
    (made,) = convert(formula(TWO), "table")
    assert made.path == formula(TWO).with_suffix(".table")
    assert made.path.is_file()
    assert [each.called for each in made.outputs] == ["y", "z"]
    assert made.provenance["converter"] == "maker 7"
    assert made.provenance["tools"] == {"make-tool": "1.0"}
    assert made.provenance["checked"] == {
        "engine": "quick 3",
        "reference": "exact 3",
        "samples": 3,
        "max_absolute": 0.0,
        "cosine": pytest.approx(1.0),
    }


@pytest.mark.long
@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("crash", 'converter "maker" crashed: SIGSEGV'),
        ("abort", 'converter "maker" crashed: SIGABRT'),
        ("exit", 'converter "maker" ended: exit status 3'),
        ("silent", "ended with exit status 0, but returned nothing"),
        ("bug", 'converter "maker": ValueError: invalid literal for int()'),
        ("operator", 'converter "maker": operator "Einsum" is not supported'),
        ("missing", "ended with exit status 0, but model.table is missing"),
        ("empty", "ended with exit status 0, but model.table is empty"),
        ("elsewhere", "is not in the folder that it was given"),
    ],
)
def test_a_converter_that_fails_is_named_with_the_model_and_the_outcome(
    formula: Callable[..., Path], order: str, said: str
) -> None:
    error = refusal(formula(converter=order))
    assert said in error
    assert error.startswith("m.formula: ")


def test_the_last_words_of_a_converter_that_ends_are_repeated(formula: Callable[..., Path]) -> None:
    assert "the last line it printed: making" in refusal(formula(converter="exit"))


@pytest.mark.long
def test_a_converter_that_hangs_is_ended(formula: Callable[..., Path]) -> None:
    assert "hung: it took longer than 4 s converting" in refusal(formula(converter="hang"), timeout=4.0)


def test_what_the_engines_report_that_check_a_conversion_is_told(formula: Callable[..., Path]) -> None:
    told: list[str] = []
    convert(formula(order="report"), "table", progress=lambda each: told.append(str(each)))
    phases = {each.partition(":")[0] for each in told if each.endswith(": building the engine, 42 %")}
    assert phases == {"running the source", "checking"}


def test_what_engines_report_that_are_compared_is_told(formula: Callable[..., Path]) -> None:
    told: list[tuple[str, str]] = []
    agree(formula(order="report"), "quick", progress=lambda step: told.append((step.phase, step.activity)))
    assert ("opening", "building the engine, 42 %") in told


@pytest.mark.long
def test_a_converter_that_reports_what_takes_long_is_not_ended(formula: Callable[..., Path]) -> None:
    told: list[str] = []
    (made,) = convert(formula(converter="slow"), "table", timeout=2.0, progress=lambda each: told.append(str(each)))
    assert made.path.is_file()
    assert "converting: compiling, 50 %" in told


@pytest.mark.long
@pytest.mark.parametrize(
    ("model", "order", "said"),
    [
        (SOFT, "wrong softmax", 'output "y" differs from the source\'s by 0.9'),
        (SOFT, "wrong softmax", "everywhere"),
        (SOFT, "constant", "it is 0.5 everywhere"),
        (SOFT, "not a number", 'output "y" has 15 values that are not finite; the source\'s has 0'),
        (TWO, "permuted", "it holds the source's values in a different order"),
        (TWO, "swapped", 'it is the source\'s output "z"'),
        (TWO, "too few", 'it has no output "z"; its outputs are y'),
        (TWO, "too short", 'output "y" has the shape 1x4; the source\'s has 1x5'),
        (INDEX, "wrong index", 'output "best" differs'),
        (SOFT, "makes crash", "made a file that quick does not run: crashed: SIGSEGV while loading"),
        (SOFT, "broken file", "made a file that quick does not run: cannot load: Expecting property name"),
    ],
)
def test_a_converter_that_lies_is_found_out(
    formula: Callable[..., Path], model: dict[str, Any], order: str, said: str
) -> None:
    """It ends with exit status 0 each time."""
    error = refusal(formula(model, converter=order))
    assert said in error
    assert "maker 7 made" in error


def test_a_source_that_does_not_repeat_itself_is_told_as_such_and_no_converter_is_blamed(
    formula: Callable[..., Path], calls: Callable[[], int]
) -> None:
    outputs = [{"name": "y", "formula": "softmax"}, {"name": "z", "formula": "random"}]
    error = refusal(formula({**SOFT, "outputs": outputs}))
    assert error.startswith("m.formula: the source does not repeat itself, so its conversion cannot be checked")
    assert 'output "z" differs by ' in error
    assert "maker" not in error
    assert calls() == 0


def test_shorter_weights_may_differ_more_and_are_asked_for(formula: Callable[..., Path]) -> None:
    (made,) = convert(formula(TWO), "table", precision="F16")
    assert made.provenance["precision"] == "F16"
    assert 1e-5 < made.provenance["checked"]["max_absolute"] < 1e-2
    with pytest.raises(ConversionError, match=r'stores weights in "U8"\n  known: F32, F16'):
        convert(formula(TWO), "table", precision="U8")


def test_channels_may_stand_last_in_what_was_made(formula: Callable[..., Path]) -> None:
    picture = {"inputs": [{"name": "x", "shape": [1, 3, 4, 5]}], "outputs": [{"name": "y", "formula": "double"}]}
    (made,) = convert(formula(picture), "table")
    assert made.inputs[0].layout == "NHWC"


def test_open_dimensions_are_asked_for_by_the_words_of_the_command_line(formula: Callable[..., Path]) -> None:
    model = formula({**SOFT, "inputs": [{"name": "x", "shape": ["batch", "length"]}]})
    assert 'shapes={"x": [1,?]}' in refusal(model)
    (made,) = convert(model, "table", shapes={"x": (1, 7)})
    assert made.provenance["shapes"] == {"x": [1, 7]}


def test_an_open_batch_is_one(formula: Callable[..., Path]) -> None:
    (made,) = convert(formula({**SOFT, "inputs": [{"name": "x", "shape": ["batch", 5]}]}), "table")
    assert made.provenance["shapes"] == {"x": [1, 5]}


def test_pictures_of_bytes_are_synthetic_with_all_their_values(formula: Callable[..., Path]) -> None:
    """Zeros, as bytes are generated elsewhere, would show nothing of a wrong model."""
    bytes_in = {"inputs": [{"name": "x", "shape": [1, 5], "dtype": "uint8"}], "outputs": TWO["outputs"]}
    assert "in a different order" in refusal(formula(bytes_in, converter="permuted"))


@pytest.mark.long
@pytest.mark.parametrize(("dtype", "types"), [("float16", {"x": "float16"}), ("float32", None)])
def test_a_source_in_half_precision_is_compared_by_its_own_numbers(
    formula: Callable[..., Path], dtype: str, types: dict[str, str] | None
) -> None:
    """What is made of it takes single precision, and has to get the same numbers: rounded, as the source gets them."""
    found = {"inputs": [{"name": "x", "shape": [1, 50], "dtype": dtype}], "outputs": TWO["outputs"]}
    (made,) = convert(formula(found), "table")
    assert made.provenance.get("types") == types
    (row,) = agree(formula(found), ["quick"], convert=True).engines
    assert row.deviation is not None, row
    assert row.deviation.max_absolute == 0


def test_weights_beside_the_model_are_part_of_it(
    formula: Callable[..., Path], tmp_path: Path, calls: Callable[[], int]
) -> None:
    (tmp_path / "weights.txt").write_text("3.0", encoding="ascii")
    (tmp_path / os.fsdecode(b"\xff.txt")).write_text("a neighbour whose name is no text", encoding="ascii")
    model = formula(TWO, weights="weights.txt")
    (made,) = convert(model, "table", output=tmp_path / "out")
    assert made.provenance["source"].keys() == {"m.formula", "weights.txt"}
    assert [path.name for path in made.extra] == ["model.weights"]  # the table names it
    (tmp_path / "weights.txt").write_text("4.0", encoding="ascii")
    convert(model, "table", output=tmp_path / "other")
    assert calls() == 2


@pytest.mark.parametrize(
    ("prepare", "said"), [("offline", "the registry cannot be reached"), ("no python", "needs Python 3.12 or newer")]
)
def test_a_tool_that_cannot_be_had_is_explained(
    formula: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, prepare: str, said: str
) -> None:
    monkeypatch.setenv("MAKER_PREPARE", prepare)
    error = refusal(formula())
    assert said in error
    assert error.splitlines()[1:]


def test_what_nothing_makes_is_said_with_the_nearest_format(formula: Callable[..., Path]) -> None:
    with pytest.raises(ConversionError, match=r'no converter makes "tabel"\n  did you mean "table"\?'):
        convert(formula(), "tabel")
    with pytest.raises(ConversionError, match=r"not installed: no_such_library\n  pip install no-such-library"):
        convert(formula(), "scroll")


def test_a_second_conversion_comes_from_the_cache(formula: Callable[..., Path], calls: Callable[[], int]) -> None:
    model = formula()
    phases: list[str] = []
    convert(model, "table", progress=lambda each: phases.append(each.phase))
    assert phases[0] == "running the source"
    assert phases[-1] == "checking"
    assert set(phases) <= {"running the source", "preparing", "converting", "checking"}
    convert(model, "table", progress=lambda each: phases.append("again"))
    assert calls() == 1
    assert "again" not in phases
    convert(model, "table", force=True)
    assert calls() == 2


def test_a_file_that_was_damaged_in_the_cache_is_made_again(
    formula: Callable[..., Path], calls: Callable[[], int]
) -> None:
    convert(formula(), "table")
    (kept,) = (atomic_folders.cache_folder() / "converted").glob("*/model.table")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1])
    (made,) = convert(formula(), "table")
    assert calls() == 2
    assert kept.read_bytes() == made.path.read_bytes() == whole


def test_another_file_in_the_way_is_not_overwritten(formula: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "m.table").write_text("mine", encoding="ascii")
    with pytest.raises(AppError, match=r"m.table already exists\n  force=True"):
        convert(formula(), "table")
    assert (tmp_path / "m.table").read_text("ascii") == "mine"
    convert(formula(), "table", force=True)
    assert (tmp_path / "m.table").read_text("ascii") != "mine"


@pytest.fixture
def app(formula: Callable[..., Path], tmp_path: Path) -> Path:
    """Return the folder of an app around a formula."""
    folder = tmp_path / "app"
    folder.mkdir()
    formula(TWO).rename(folder / "m.formula")
    return write_app(folder, {"formula": {"file": "m.formula"}}, name="numbers")


def test_an_app_gets_the_model_with_its_provenance(app: Path) -> None:
    (made,) = convert(app, "table")
    (component,) = load_app(app).components
    added = component.models[1]
    assert (added.format, added.path, added.outputs) == ("table", app / "table" / "model.table", made.outputs)
    assert added.provenance == made.provenance
    assert not list(app.glob(".*"))
    before = (app / "ai_app_config.json").read_bytes()
    convert(app, "table")
    assert (app / "ai_app_config.json").read_bytes() == before


def test_another_conversion_in_the_app_is_replaced_only_by_force(app: Path) -> None:
    convert(app, "table", variant="one")
    with pytest.raises(AppError, match=r"in the format table and variant one, F32 by maker 7\n  force=True"):
        convert(app, "table", precision="F16", variant="one")
    convert(app, "table", precision="F16", variant="one", force=True)
    assert load_app(app).components[0].models[1].provenance["precision"] == "F16"


def test_an_app_that_would_not_load_any_more_is_left_as_it_was(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (app / "ai_app_config.json").read_bytes()

    def refuse(*_: object) -> None:
        raise AppError("no")

    monkeypatch.setattr("lpbench.jobs.conversion._record.app_of", refuse)
    with pytest.raises(AppError, match="no"):
        convert(app, "table")
    assert (app / "ai_app_config.json").read_bytes() == before
    assert sorted(path.name for path in app.iterdir()) == ["ai_app_config.json", "m.formula"]


def test_the_original_is_not_replaced_and_a_folder_of_somebody_elses_neither(app: Path) -> None:
    with pytest.raises(AppError, match="every model already has an original in the format formula"):
        convert(app, "formula")
    (app / "table").mkdir()
    with pytest.raises(AppError, match="already exists"):
        convert(app, "table")


def test_an_apps_own_samples_are_completed_by_synthetic_ones(app: Path) -> None:
    import numpy as np

    (app / "samples").mkdir()
    np.save(app / "samples" / "0.npy", np.zeros((1, 5), "float32"))
    config = json.loads((app / "ai_app_config.json").read_text("utf-8"))
    (app / "ai_app_config.json").write_text(json.dumps({**config, "samples": ["samples"]}), encoding="utf-8")
    (made,) = convert(app, "table")
    assert made.provenance["checked"]["samples"] == 3


def test_of_a_chain_what_can_be_is_converted(app: Path) -> None:
    config = json.loads((app / "ai_app_config.json").read_text("utf-8"))
    (first,) = config["components"]
    later = {**first, "name": "other numbers", "inference": {"models": {"rune": {"file": "m.rune"}}}}
    (app / "m.rune").write_text("not read", encoding="ascii")
    (app / "ai_app_config.json").write_text(json.dumps({**config, "components": [first, later]}), encoding="utf-8")
    (made,) = convert(app, "table")
    assert made.path == app / "table-numbers" / "model.table"
    formats = [[model.format for model in each.models] for each in load_app(app).components]
    assert formats == [["formula", "table"], ["rune"]]


def test_an_output_folder_leaves_the_app_alone(app: Path, tmp_path: Path) -> None:
    (made,) = convert(app, "table", output=tmp_path / "out")
    assert made.path == tmp_path / "out" / "app.table"
    assert [model.format for model in load_app(app).components[0].models] == ["formula"]


@pytest.mark.long
def test_two_who_want_the_same_conversion_make_it_once(
    formula: Callable[..., Path], tmp_path: Path, calls: Callable[[], int]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    model = formula()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda name: convert(model, "table", output=tmp_path / name), ("one", "other")))
    assert calls() == 1
    assert {made.path.read_bytes() for (made,) in found} == {found[0][0].path.read_bytes()}


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file under a folder and its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.long
@pytest.mark.parametrize("planted", ["table", "ai_app_config.json", "out", "app.table", ".new.ai_app_config.json"])
def test_a_link_planted_in_an_app_is_not_written_through(app: Path, tmp_path: Path, planted: str) -> None:
    """As the folder of the format, the config, a folder named with -o, the file in it, a name for unfinished files."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    if planted == "ai_app_config.json":
        (app / planted).rename(outside / planted)
        (app / planted).symlink_to(outside / planted)
    else:
        (app / planted).symlink_to(outside / "precious" if planted.endswith((".table", ".json")) else outside)
    before = tree(outside)
    output = {"out": app / "out", "app.table": app}.get(planted)
    if planted.startswith(".new"):
        convert(app, "table")
    else:
        with pytest.raises(AppError, match=r"is a link|already exists") as caught:
            convert(app, "table", output=output, force=planted == "app.table")
        assert planted in str(caught.value)
    assert tree(outside) == before


@pytest.mark.parametrize("name", [".m.table.new", "app.table"])
def test_a_link_beside_a_bare_model_is_not_written_through(
    formula: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    model = formula()
    (tmp_path / "outside").mkdir()
    (model.parent / name).symlink_to(tmp_path / "outside" / "created")
    if name == "m.table":
        with pytest.raises(AppError, match=r"m\.table: .*is a link"):
            convert(model, "table", force=True)
    else:
        assert convert(model, "table")[0].path.read_bytes()
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("point", ["copyfile", "copymode", "write_text"])
def test_a_disk_that_fails_while_an_app_is_changed_leaves_it_as_it_was(
    app: Path, monkeypatch: pytest.MonkeyPatch, error: int, point: str
) -> None:
    """Copying the model, writing the config and what follows: an error with the place, the app as before."""
    import shutil
    from pathlib import Path as AnyPath

    def fails(*_: object, **__: object) -> None:
        raise OSError(error, os.strerror(error), "config")

    convert(app, "table")
    before = tree(app)
    holder = AnyPath if point == "write_text" else shutil
    monkeypatch.setattr(holder, point, fails)
    with pytest.raises(AppError, match=os.strerror(error)) as caught:
        convert(app, "table")
    assert ("free space in" in caught.value.hint) == (error in {errno.ENOSPC, errno.EDQUOT})
    assert tree(app) == before


@pytest.mark.parametrize("apart", [False, True])
def test_a_disk_that_is_full_is_named_and_not_what_was_read(app: Path, tmp_path: Path, *, apart: bool) -> None:
    """Files may not grow beyond a few bytes, as where no space is left."""
    convert(app, "table", output=tmp_path / "other")  # kept in the cache
    place = tmp_path / "apart" if apart else app
    before, limits = tree(app), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
    try:
        with pytest.raises(AppError, match="cannot be written: File too large") as caught:
            convert(app, "table", output=place if apart else None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.where == str(place)
    assert "free space in" in caught.value.hint
    assert tree(app) == before


def test_what_a_killed_conversion_left_in_an_app_is_swept_by_the_next(app: Path) -> None:
    left = app / ".table.lpbench-dead"
    left.mkdir()
    (left / "half").write_text("half")
    convert(app, "table")
    assert sorted(path.name for path in app.iterdir()) == ["ai_app_config.json", "m.formula", "table"]
