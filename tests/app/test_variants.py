"""Models of a config as an object by format, as published, and as a list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.check import validate
from lpbench.app.model import App, load_app
from lpbench.app.model_entries import Key, find, replaced
from lpbench.errors import AppError

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"model.onnx": b"weights", "model.param": b"layers", "model.bin": b"values", "tiny.onnx": b"few"}
MADE = {"converter": "pnnx 1", "source": {"model.onnx": "0"}, "precision": "F32", "checked": {"samples": 3}}
BY_FORMAT = {
    "onnx": {
        "file": "model.onnx",
        "inputs": [{"name": "input", "dtype": "float32", "shape": ["batch", 3, 224, 224], "layout": "NCHW"}],
    },
    "ncnn": {"file": "model.param", "extra": ["model.bin"], "provenance": MADE},
}
PUBLISHED = "462ab31041d403b86f305794be7a7747b2439465d6bd03c65d967cad014e0d09"
"""The digest of an app with these models, as versions before variants computed it."""


def write(folder: Path, models: Any) -> Path:
    """Write an app of one component, in the form of those of the catalogue."""
    folder.mkdir(exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    component = {
        "name": "classifier",
        "preprocessing": {"type": "image", "resize": {"mode": "short-side", "size": 256}, "crop": 224},
        "inference": {"engine": "onnxruntime", "models": models},
        "postprocessing": {"type": "classification", "top_k": 5},
    }
    config = {"schema_version": 1, "ai_app_class": "image_classification", "labels": ["a", "b"]}
    text = json.dumps({**config, "components": [component]})
    (folder / "ai_app_config.json").write_text(text, encoding="utf-8")
    return folder


def refusal(folder: Path, models: Any) -> str:
    with pytest.raises(AppError) as refused:
        load_app(write(folder, models))
    return str(refused.value)


def test_models_by_format_load_as_before_and_the_app_is_the_same(tmp_path: Path) -> None:
    app = load_app(write(tmp_path / "app", BY_FORMAT))
    onnx, ncnn = app.components[0].models
    assert (onnx.format, onnx.path.name, onnx.inputs[0].layout) == ("onnx", "model.onnx", "NCHW")
    assert (ncnn.format, [path.name for path in ncnn.extra], dict(ncnn.provenance)) == ("ncnn", ["model.bin"], MADE)
    assert {(each.variant, each.version, each.precision, each.tile) for each in (onnx, ncnn)} == {("", "", "", None)}
    assert app.digest() == PUBLISHED


def test_a_list_says_of_each_model_what_it_is_and_survives_the_way_to_a_worker(tmp_path: Path) -> None:
    told = {"variant": "s8", "version": "pruned 0.5", "precision": "S8", "tile": "96x64"}
    app = load_app(
        write(
            tmp_path / "app",
            [{"format": "onnx", "file": "model.onnx"}, {"format": "onnx", "file": "tiny.onnx", **told}],
        )
    )
    own, small = app.components[0].models
    assert (own.variant, own.tile) == ("", None)
    assert (small.variant, small.version, small.precision, small.tile) == ("s8", "pruned 0.5", "S8", (96, 64))
    assert App.from_request(json.loads(json.dumps(app.request()))) == app


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"variant": "a:b"}, "variant"),
        ({"variant": "a,b"}, "variant"),
        ({"variant": "a\u0007"}, "variant"),
        ({"variant": ""}, "variant"),
        ({"precision": "S9"}, "precision"),
        ({"tile": "0x96"}, "tile"),
        ({"tile": "96"}, "tile"),
        ({"tile": "96x96\n"}, "tile"),
        ({"version": "a\u0007"}, "version"),
    ],
)
def test_what_is_wrong_with_an_entry_is_named(tmp_path: Path, told: dict[str, str], said: str) -> None:
    text = refusal(tmp_path / "app", [{"format": "onnx", "file": "model.onnx", **told}])
    assert f"components[0].inference.models[0].{said}" in text


def test_entries_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    twice = [{"format": "onnx", "file": "model.onnx"}, {"format": "onnx", "file": "tiny.onnx", "precision": "F16"}]
    text = refusal(tmp_path / "app", twice)
    assert "models[1]: nothing tells it from models[0]: onnx" in text
    assert '"variant"' in text
    apart = [twice[0], {**twice[1], "tile": "96x96"}]
    assert len(load_app(write(tmp_path / "app", apart)).components[0].models) == 2


def test_a_format_that_contradicts_its_name_is_refused(tmp_path: Path) -> None:
    text = refusal(tmp_path / "app", {"onnx": {"format": "ncnn", "file": "model.onnx"}})
    assert "found 'ncnn'; the entry's name says onnx" in text


@pytest.mark.parametrize("models", [[], [{"file": "model.onnx"}], ["onnx"], "onnx", None, [{"format": 3, "file": "m"}]])
def test_no_list_of_models_is_refused(tmp_path: Path, models: Any) -> None:
    assert "inference.models" in refusal(tmp_path / "app", models)


def test_of_thousands_of_entries_the_number_is_refused_and_few_are_looked_at(tmp_path: Path) -> None:
    many = [{"format": "onnx", "variant": f"v{at}", "file": "missing"} for at in range(5000)]
    problems = validate(write(tmp_path / "app", many))
    assert len(problems) < 3 * 128, "without engines each entry that is looked at has a note, too"
    assert any("at most 128 items" in problem.right for problem in problems)


def test_a_file_that_is_missing_is_named_by_its_place_in_the_list(tmp_path: Path) -> None:
    assert "inference.models[1].file" in refusal(
        tmp_path / "app", [{"format": "onnx", "file": "model.onnx"}, {"format": "ncnn", "file": "none"}]
    )


def test_a_second_model_of_a_format_makes_an_object_a_list() -> None:
    plain = replaced({"onnx": {"file": "a"}}, Key("ncnn"), {"file": "b"})
    assert plain == {"onnx": {"file": "a"}, "ncnn": {"file": "b"}}
    assert replaced(plain, Key("ncnn"), {"file": "c"}) == {"onnx": {"file": "a"}, "ncnn": {"file": "c"}}
    several = replaced(plain, Key("ncnn", "f16"), {"variant": "f16", "file": "c"})
    assert several == [
        {"format": "onnx", "file": "a"},
        {"format": "ncnn", "file": "b"},
        {"format": "ncnn", "variant": "f16", "file": "c"},
    ]
    assert find(several, Key("ncnn", "f16")) == {"format": "ncnn", "variant": "f16", "file": "c"}
    assert find(several, Key("ncnn", "s8")) is None
