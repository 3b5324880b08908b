"""What ``lpbench new-app`` assumes of vision models, and that listing the plugin stays light."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.app.guess import guess
from lpbench.plugin.engine import TensorInfo
from lpbench.util import dataclass_config
from lpbench_image._target import settle
from lpbench_image._tensor import lookup, normalisation
from lpbench_image.config import ImageConfig


def image(*shape: int | str | None, dtype: str = "float32", **quantised: Any) -> TensorInfo:
    return TensorInfo("x", dtype, shape, **quantised)


@pytest.mark.parametrize(
    ("info", "layout", "settings"),
    [
        (image("n", 3, 224, 224), "NCHW", {"resize": {"mode": "short-side", "size": 256}, "crop": 224, "color": "RGB"}),
        (image(1, 299, 299, 3), "NHWC", {"resize": {"mode": "short-side", "size": 342}, "crop": 299, "color": "RGB"}),
        (image(1, 1, 28, 32), "NCHW", {"resize": {"mode": "stretch", "size": [28, 32]}, "color": "GREY"}),
        (image(3, 64, 64), "CHW", {"resize": {"mode": "short-side", "size": 73}, "crop": 64, "color": "RGB"}),
        (image("n", 3, "h", "w"), "NCHW", {"resize": {"mode": "short-side"}, "crop_share": 0.875, "color": "RGB"}),
        (image("n", "h", 64, 3), "NHWC", {"resize": {"mode": "stretch"}, "color": "RGB"}),
        (image(3, None, None), "CHW", {"resize": {"mode": "short-side", "size": 256}, "crop": 224, "color": "RGB"}),
        (image(1, 3, 5, 3), "", {"resize": {"mode": "short-side", "size": 256}, "crop": 224, "color": "RGB"}),
    ],
)
def test_preprocessing_follows_the_models_input(info: TensorInfo, layout: str, settings: dict[str, Any]) -> None:
    """Both layouts, one channel, no batch, open sizes, and a shape that could be either."""
    made = guess("image_classification", [info], [], 0)
    assert made.inputs[0].layout == layout
    found = {key: value for key, value in made.preprocessing.items() if key not in {"type", "normalise"}}
    assert found == settings


@pytest.mark.parametrize(
    ("app_class", "info", "normalised"),
    [
        ("image_classification", image(1, 3, 8, 8), True),
        ("image_classification", image(1, 8, 8, 3, dtype="uint8"), False),
        ("image_classification", image(1, 1, 8, 8), False),
        ("face_detection", image(1, 3, 8, 8), False),
    ],
)
def test_imagenets_mean_is_assumed_for_colour_photos_of_classifiers_only(
    app_class: str, info: TensorInfo, *, normalised: bool
) -> None:
    made = guess(app_class, [info], [], 0)
    assert ("normalise" in made.preprocessing) == normalised
    assert any("ImageNet's mean" in line for line in made.assumed) == normalised


@settings(max_examples=200)
@given(
    dtype=st.sampled_from(["int8", "uint8"]),
    scale=st.floats(1e-4, 2),
    steps=st.integers(0, 255),
    app_class=st.sampled_from(["image_classification", "face_detection"]),
)
def test_a_quantised_input_gets_a_normalisation_that_fills_its_range(
    dtype: str, scale: float, steps: int, app_class: str
) -> None:
    """Black and white become nearly the ends of what the input holds, whatever its scale and zero point."""
    lowest = int(np.iinfo(dtype).min)
    info = TensorInfo("x", dtype, (1, 8, 8, 3), "NHWC", scale, lowest + steps)
    made = guess(app_class, [info], [], 0)
    config = dataclass_config.build(ImageConfig, {"normalise": made.preprocessing["normalise"]}, where="test")
    table = lookup(normalisation(config.normalise, settle(config, [info])), settle(config, [info])).astype(int)
    assert table[:, 0].min() - lowest <= 0.05 * 255 + 1
    assert lowest + 255 - table[:, -1].max() <= 0.05 * 255 + 1
    assert (np.diff(table) >= 0).all()


@pytest.mark.parametrize(
    ("info", "normalise", "words"),
    [
        (image(1, 8, 8, 3, dtype="uint8", scale=1 / 255, zero_point=0), {"scale": 1 / 255}, "are scaled to 0 to 1,"),
        (image(1, 8, 8, 3, dtype="int8", scale=1 / 127.5, zero_point=-1), {"scale": 2 / 255, "mean": 1}, "to -1 to 1,"),
        (image(1, 8, 8, 3, dtype="int8", scale=1.0, zero_point=-128), {"scale": 1}, "are scaled to 0 to 255,"),
        (
            image(1, 8, 8, 3, dtype="uint8", scale=0.0187, zero_point=114),
            "ImageNet",
            "by ImageNet's mean and deviation,",
        ),
        (
            image(1, 8, 8, 3, dtype="uint8", scale=0.5, zero_point=0),
            {"scale": 0.5, "mean": 0},
            "CHECK: pixels are spread",
        ),
        (image(1, 8, 8, 3, dtype="int8"), {"scale": 1, "mean": 128}, "CHECK: values become -128 to 127"),
        (image(1, 8, 8, 3, dtype="uint8"), None, "stay in the range 0 to 255, because the input is uint8"),
        (image(1, 8, 8, 3, dtype="int32"), None, "stay in the range 0 to 255, because the input is int32"),
    ],
)
def test_the_normalisation_that_is_said_is_the_one_that_is_written(
    info: TensorInfo, normalise: dict[str, float] | str | None, words: str
) -> None:
    made = guess("image_classification", [info], [], 0)
    expected = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]} if normalise == "ImageNet" else normalise
    assert made.preprocessing.get("normalise") == expected
    assert any(words in line for line in made.assumed)


def test_labels_that_are_too_many_for_the_model_are_pointed_out() -> None:
    made = guess("image_classification", [], [TensorInfo("prob", "float32", (1, 1000))], 1001)
    assert 'CHECK: there are 1001 labels, but output "prob" has 1000 classes' in made.assumed


@pytest.mark.parametrize(
    ("app_class", "steps"),
    [
        ("emotion", ("image", "classification")),
        ("segmentation", ("image", "tensors")),
        ("audio_classification", ("tensors", "tensors")),
        ("model", ("tensors", "tensors")),
    ],
)
def test_the_class_decides_which_processors_are_used(app_class: str, steps: tuple[str, str]) -> None:
    made = guess(app_class, [], [], 0)
    assert (made.preprocessing["type"], made.postprocessing["type"]) == steps


def test_what_is_assumed_is_said_in_the_order_of_the_steps() -> None:
    made = guess("image_classification", [], [], 0)
    assert made.assumed == (
        "the input size is 224x224, because the model file does not state it",
        "the channels are red, green, blue; color may be RGB, BGR or GREY",
        "a photo's short side is scaled to 256 and its centre, 224x224, is kept",
        "values are scaled to 0 to 1, then normalised by ImageNet's mean and deviation (normalise)",
        'a softmax is applied to the scores; write "activation": "none" if the model ends in one',
        "classes are shown by number; labels=FILE names them",
    )


def test_values_of_unsigned_inputs_stay_as_they_are() -> None:
    made = guess("object_detection", [image(1, 8, 8, 3, dtype="uint8")], [], 0)
    assert made.preprocessing == {"type": "image", "color": "RGB", "resize": {"mode": "stretch", "size": [8, 8]}}
    assert "values stay in the range 0 to 255, because the input is uint8" in made.assumed
    assert [line.partition(" is")[0] for line in made.unserved] == ['postprocessor "tensors"']


def test_neither_guessing_nor_wording_imports_a_library() -> None:
    modules = "lpbench_image, lpbench_image._guess, lpbench_image._words"
    code = f"import sys, {modules}; print({{'numpy', 'cv2'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_open_sizes_get_a_tile_that_the_preprocessing_follows() -> None:
    made = guess("image_classification", [image("n", 3, None, None)], [], 0)
    assert made.tile == (224, 224)
    assert made.assumed[0].endswith("the model file does not state it; tile=(W, H) takes another")
    made = guess("face_detection", [image("n", 48, "w", 3)], [], 0)
    assert made.tile == (224, 48)
    for info in (image(1, 3, 64, 64), image(3, None, None)):
        assert guess("image_classification", [info], [], 0).tile is None
