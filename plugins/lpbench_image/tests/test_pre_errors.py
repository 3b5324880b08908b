"""What does not fit is refused when the preprocessor is built, in words that name both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench.errors import ConfigError, ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.util import dataclass_config
from lpbench_image._pre import ImagePreprocessor
from lpbench_image.config import ImageConfig

if TYPE_CHECKING:
    from collections.abc import Sequence


def build(values: dict[str, Any], *inputs: TensorInfo) -> ImagePreprocessor:
    return ImagePreprocessor(dataclass_config.build(ImageConfig, values, where="preprocessing"), inputs)


def info(shape: Sequence[int | str | None], dtype: str = "float32", **more: Any) -> TensorInfo:
    return TensorInfo("image", dtype, tuple(shape), **more)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"resize": {"mode": "strech"}}, '"stretch"'),
        ({"resiz": {}}, '"resize"'),
        ({"resize": {"size": 0}}, "size must be 1 or more, found 0"),
        ({"resize": {"size": [4, -4]}}, "size must be 1 or more"),
        ({"resize": {"mode": "none", "size": 4}}, "does not accept a size"),
        ({"resize": {"mode": "short-side", "size": [4, 5]}}, "takes one number"),
        ({"resize": {"pad": 256}}, "pad must be 0 to 255"),
        ({"resize": {"mode": "letterbox"}, "crop": 4}, "cannot be combined with resize mode"),
        ({"resize": {"size": [8, 10]}, "crop": [9, 9]}, "exceeds the resized image"),
        ({"crop": 0}, "crop must be 1 or more"),
        ({"resize": {"mode": "short-side"}, "crop_share": 1.5}, "crop_share must be 0.01 to 1"),
        ({"resize": {"mode": "short-side"}, "crop_share": 1e-300}, "crop_share must be 0.01 to 1"),
        ({"crop_share": 0.875}, 'only with resize mode "short-side"'),
        ({"resize": {"mode": "short-side", "size": 256}, "crop_share": 0.875}, "omit resize.size"),
        ({"normalise": {"std": [1, 0, 1]}}, "std must be above 0"),
        ({"normalise": {"mean": [1, 2]}}, "one for each channel"),
        ({"normalise": {"mean": [1, 2, 3], "std": [1]}}, "one for each channel"),
        ({"normalise": {"scale": float("nan")}}, "expected a finite number"),
        ({"filter": {"gaussian": {"size": 4}}}, "size must be odd"),
        ({"filter": {"gaussian": {"size": 3, "sigma": -1}}}, "sigma must be 0 or more"),
        ({"filter": {"median": 2}}, "median must be odd"),
        ({"threads": 0}, "threads must be 1 or more"),
        ({"max_pixels": 0}, "max_pixels must be 1 or more"),
        ({"color": "rgb"}, "'RGB' or 'BGR' or 'GREY'"),
    ],
)
def test_wrong_values_in_the_config_are_named(values: dict[str, Any], words: str) -> None:
    """Each wrong value, and what would be right."""
    with pytest.raises(ConfigError) as caught:
        dataclass_config.build(ImageConfig, values, where="preprocessing")
    assert words in str(caught.value)
    assert "preprocessing" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "shape", "words"),
    [
        ({"resize": {"size": 224}}, (1, 3, 192, 192), ("224x224", "192x192")),
        ({"resize": {"mode": "letterbox", "size": [10, 20]}}, (1, 3, 20, 10), ("10x20", "20x10")),
        ({"resize": {"mode": "short-side", "size": 256}, "crop": 224}, (1, 3, 192, "w"), ("224x224", "192x?")),
        ({}, (1, 3, "h", "w"), ("no fixed size", '"size"')),
        ({"resize": {"mode": "short-side"}}, (1, 3, None, None), ("no fixed size", '"crop"')),
        ({"color": "GREY"}, (1, 3, 8, 8), ("GREY has 1", "expects 3")),
        ({"color": "RGB"}, (1, 1, 8, 8), ("RGB has 3", "expects 1")),
        ({"normalise": {"mean": [1, 2, 3]}}, (1, 1, 8, 8), ("3 numbers for 1 channel",)),
        ({"dtype": "uint8"}, (1, 3, 8, 8), ("uint8", "float32")),
        ({}, (4, 3, 8, 8), ("expects 4 images",)),
        ({}, (1, 1000), ("not an image", "found 2")),
        ({}, (1, 4, 8, 8), ("layout",)),
        ({}, (1, 3, 8, 3), ("layout",)),
        ({}, (None, None, None, None), ("layout", '"NCHW"')),
    ],
)
def test_a_config_that_contradicts_the_model_is_refused(
    values: dict[str, Any], shape: Sequence[int | str | None], words: Sequence[str]
) -> None:
    """Sizes, colours, types and layouts; the error names what each side says."""
    with pytest.raises(ProcessorError) as caught:
        build(values, info(shape))
    for word in words:
        assert word in str(caught.value)


def test_a_layout_that_the_app_contradicts_is_refused() -> None:
    """The config against what the app says of the model; and a layout that not an image has."""
    with pytest.raises(ProcessorError, match=r"the config says NCHW, but .* is NHWC"):
        build({"layout": "NCHW"}, info((1, 8, 8, 3), layout="NHWC"))
    with pytest.raises(ProcessorError, match="layout 'NCL'"):
        build({}, info((1, 3, 8), layout="NCL"))


def test_types_that_no_image_has_are_refused() -> None:
    """A model that wants text, say."""
    with pytest.raises(ProcessorError, match="int64; an image must be one of float32"):
        build({}, info((1, 3, 8, 8), "int64"))


def test_values_that_the_type_cannot_hold_are_refused() -> None:
    """Pixels in an int8 input of which neither model nor app says the scale."""
    with pytest.raises(ProcessorError, match=r"values 0 to 255 do not fit .* int8") as caught:
        build({}, info((1, 3, 8, 8), "int8"))
    assert "zero_point" in caught.value.hint
    assert build({"normalise": {"scale": 1, "mean": 128}}, info((1, 3, 8, 8), "int8"))


def test_a_model_of_several_inputs_is_refused() -> None:
    """Each is named."""
    with pytest.raises(ProcessorError, match='2 inputs \\("image", "image"\\)'):
        build({}, info((1, 3, 8, 8)), info((1, 3, 8, 8)))


@pytest.mark.parametrize(
    "data",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3)),
        np.zeros((0, 8, 3), np.uint8),
        "cat",
    ],
)
def test_a_sample_that_is_no_picture_is_refused_by_name(data: Any) -> None:
    """Wrong axes, channels and types, and nothing at all."""
    pre = build({}, info((1, 3, 8, 8)))
    for _ in range(2):
        with pytest.raises(ProcessorError, match=r"holiday\.jpg: a picture must be a uint8 array"):
            pre(Sample("holiday.jpg", data))


def test_a_picture_too_small_for_the_crop_is_refused_by_name() -> None:
    """Portrait where the model wants landscape; the next picture is fine."""
    pre = build({"resize": {"mode": "short-side", "size": 8}, "crop": [8, 12]}, info((1, 3, 8, 12)))
    with pytest.raises(ProcessorError, match=r"tall\.jpg: 20x10 image is 16x8 when resized"):
        pre(Sample("tall.jpg", np.zeros((20, 10, 3), np.uint8)))
    assert pre(Sample("wide.jpg", np.zeros((10, 20, 3), np.uint8)))["image"].shape == (1, 3, 8, 12)


def test_a_picture_of_another_size_than_the_models_is_refused_by_name() -> None:
    """Mode none before a model of one size."""
    pre = build({"resize": {"mode": "none"}}, info((1, 3, 8, "w")))
    assert pre(Sample("right.jpg", np.zeros((8, 99, 3), np.uint8)))["image"].shape == (1, 3, 8, 99)
    with pytest.raises(ProcessorError, match=r"wrong\.jpg: 9x8 image yields 9x8, but the model expects 8x\?"):
        pre(Sample("wrong.jpg", np.zeros((9, 8, 3), np.uint8)))
