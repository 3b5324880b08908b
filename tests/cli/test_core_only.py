"""What a user is told where only the core is installed: each hint names the extra that helps."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

from lpbench.cli import main
from lpbench.plugin import registry
from lpbench.testing.setups import write_app

Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("core_only")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with model files and an app for ncnn."""
    monkeypatch.chdir(tmp_path)
    for name, content in {"m.onnx": "x", "m.tflite": "x", "m.xml": "x", "m.param": "7767517\n", "m.bin": "x"}.items():
        (tmp_path / name).write_text(content, encoding="ascii")
    models = {"ncnn": {"file": "m.param", "extra": ["m.bin"]}}
    write_app(tmp_path, models, pre={"type": "image"}, post={"type": "classification"})
    return tmp_path


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("run digits-mlp", "apps"),
        ("pull digits-mlp", "apps"),
        ("validate digits-mlp", "apps"),
        ("run digits-mpl", "apps"),
        ("run m.onnx", "ort"),
        ("run m.tflite", "tflite"),
        ("run m.xml", "openvino"),
        ("run m.param", "ncnn"),
        ("run .", "ncnn"),
        ("run . --engine onnxruntime", "ort"),
        ("run . --engine all", "ort"),
        ("convert . --to tflite", "tflite"),
        ("convert m.onnx --to ncnn", "ort"),
        ("agree .", "ncnn"),
        ("check classification", "image"),
        ("check onnxruntime", "ort"),
        ("new-app new --class image_classification --model m.onnx", "ort"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_not_installed_is_named_with_the_extra_that_brings_it(words: str, extra: str, capsys: Capture) -> None:
    assert main(words.split()) in {2, 3}
    assert f'pip install "lpbench[{extra}]"' in capsys.readouterr().err


@pytest.mark.parametrize(("words", "extra"), [("apps", "apps"), ("engines", "ort")])
def test_empty_listings_say_how_to_begin(words: str, extra: str, capsys: Capture) -> None:
    assert main([words]) == 0
    assert f'pip install "lpbench[{extra}]"' in capsys.readouterr().out


def test_validate_names_the_extra_for_each_part_of_an_app(folder: Path, capsys: Capture) -> None:
    config = json.loads((folder / "ai_app_config.json").read_text("utf-8"))
    config["quality"] = {"metric": "map", "reference": 1, "at_least_of_reference": 1}
    (folder / "ai_app_config.json").write_text(json.dumps(config), "utf-8")
    main(["validate", str(folder), "--json"])
    (record,) = json.loads(capsys.readouterr().out)
    notes = {each["path"]: each["right"] for each in record["problems"] if each["note"] and each["path"]}
    assert notes == {
        "components[0].preprocessing.type": 'pip install "lpbench[image]"',
        "components[0].postprocessing.type": 'pip install "lpbench[image]"',
        "components[0].inference.models.ncnn": 'pip install "lpbench[ncnn]"',
        "quality.metric": 'pip install "lpbench[image]"',
    }


def test_the_core_names_no_extra_itself() -> None:
    """The entry points of lpbench's metadata do; they are checked against what the plugins bring."""
    texts = {path: path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py")}
    named = {path.name: names for path, text in texts.items() if (names := re.findall(r"lpbench\[[a-z]\w*\]", text))}
    assert named == {}


def test_a_new_app_warns_where_the_processors_of_its_class_are_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """An engine reads the model, and nothing knows pictures."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "fakes")
    registry.current().add("fakes", import_module("lpbench_fakes"))
    (folder / "m.fake").write_text("{}", "utf-8")
    assert main(["new-app", "new", "--class", "image_classification", "--model", "m.fake"]) == 0
    shown = capsys.readouterr()
    warnings = [line for line in shown.err.splitlines() if line.startswith("warning: ")]
    assert [line.split('"')[0] for line in warnings] == ["warning: preprocessor ", "warning: postprocessor "]
    assert all('to have processors for it: pip install "lpbench[image]"' in line for line in warnings)
    assert "pip install" not in shown.out
