"""What a run of an image app refuses, ``validate`` refuses: statically what the app states, with a model the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from lpbench.cli import main
from lpbench.testing.onnx_models import FLOAT, save
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.long

onnx = pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

CLASSES = 10
INPUT = {"name": "x", "dtype": "float32", "shape": [1, 3, 24, 24], "layout": "NCHW"}
OUTPUT = {"name": "y", "dtype": "float32", "shape": [1, CLASSES]}
SMALL = {"type": "image", "resize": {"mode": "stretch", "size": [32, 32]}, "crop": [20, 20]}


@pytest.fixture
def app(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of apps around a classifier of ten classes: settings, labels, and what is stated of tensors."""

    def make(
        pre: dict[str, Any] | None = None, post: str = "classification", labels: int = CLASSES, **stated: Any
    ) -> Path:
        node = [
            onnx.helper.make_node("GlobalAveragePool", ["x"], ["p"]),
            onnx.helper.make_node("Flatten", ["p"], ["f"]),
            onnx.helper.make_node("MatMul", ["f", "w"], ["y"]),
        ]
        weights = {"w": np.ones((3, CLASSES), np.float32)}
        save(tmp_path / "m.onnx", node, [("x", FLOAT, (1, 3, 24, 24))], [("y", FLOAT, (1, CLASSES))], weights)
        (tmp_path / "samples").mkdir()
        cv2.imwrite(str(tmp_path / "samples" / "a.png"), np.full((40, 40, 3), 128, np.uint8))
        (tmp_path / "ai_app.yml").write_text("name: x\nversion: 1\nlicence: MIT\nsource: synthetic\n", "utf-8")
        models = {"onnx": {"file": "m.onnx", **stated}}
        names = [f"class {at}" for at in range(labels)]
        step = pre or {"type": "image"}
        write_app(tmp_path, models, pre=step, post={"type": post}, labels=names, samples=["samples"])
        config = json.loads((tmp_path / "ai_app_config.json").read_text("utf-8"))
        config["ai_app_class"] = "image_classification"
        (tmp_path / "ai_app_config.json").write_text(json.dumps(config), "utf-8")
        return tmp_path

    return make


def untyped(tensor: dict[str, Any]) -> dict[str, Any]:
    """Return a stated tensor whose type is left to the model."""
    return {key: value for key, value in tensor.items() if key != "dtype"}


def refused_by_run(folder: Path) -> bool:
    return main(["run", str(folder), "--engine", "onnxruntime", "--number", "6", "--no-yardstick"]) in {2, 3}


@pytest.mark.parametrize(
    ("wrong", "place", "told"),
    [
        ({"labels": 5, "outputs": [OUTPUT]}, "components[0].postprocessing", '5 labels for 10 classes of output "y"'),
        ({"pre": SMALL, "inputs": [INPUT]}, "components[0].preprocessing", "20"),
        ({"labels": 5, "outputs": [untyped(OUTPUT)]}, "components[0].postprocessing", "5 labels for 10 classes"),
        ({"pre": SMALL, "inputs": [untyped(INPUT)]}, "components[0].preprocessing", "20"),
    ],
)
def test_what_contradicts_the_stated_tensors_is_an_error(
    app: Callable[..., Path], capsys: pytest.CaptureFixture[str], wrong: dict[str, Any], place: str, told: str
) -> None:
    folder = app(**wrong)
    assert main(["validate", str(folder)]) == 2
    (line, *_) = capsys.readouterr().out.splitlines()
    assert f"ai_app_config.json: {place}: " in line
    assert told in line
    assert refused_by_run(folder)


@pytest.mark.parametrize("wrong", [{"labels": 5}, {"pre": SMALL}, {"outputs": [{**OUTPUT, "name": "z"}]}])
def test_what_the_model_alone_contradicts_is_found_by_loading_it(
    app: Callable[..., Path], capsys: pytest.CaptureFixture[str], wrong: dict[str, Any]
) -> None:
    folder = app(**wrong)
    assert main(["validate", str(folder)]) == 0
    assert main(["validate", "--load", str(folder)]) == 2
    assert "ai_app_config.json: on onnxruntime: " in capsys.readouterr().out
    assert refused_by_run(folder)


@pytest.mark.parametrize("typeless", [False, True])
def test_a_right_app_is_ok_in_both_ways(
    app: Callable[..., Path], capsys: pytest.CaptureFixture[str], *, typeless: bool
) -> None:
    """With all of its tensors stated, the first dimension open too."""
    given = untyped(INPUT) if typeless else INPUT
    folder = app(inputs=[{**given, "shape": ["N", 3, 24, 24]}], outputs=[OUTPUT])
    assert main(["validate", str(folder)]) == 0
    assert main(["validate", "--load", str(folder)]) == 0
    assert capsys.readouterr().out.count(f"{folder}: ok") == 2
