"""Open sizes, anchors and extreme proportions: what a picture of any size becomes, against the plain reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests import reference

from lpbench.errors import ConfigError, ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.util import dataclass_config
from lpbench_image._pre import ImagePreprocessor
from lpbench_image.config import ImageConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

ROUNDING = 1.01
SIDES = st.integers(1, 40)
ROUNDS = settings(max_examples=40, deadline=None)


def build(values: dict[str, Any], *shape: int | str | None, **more: Any) -> ImagePreprocessor:
    wanted = TensorInfo("x", "float32", shape, layout="NHWC")
    settled = {"color": "BGR", "normalise": {"scale": 1}, "resize": values, **more}
    return ImagePreprocessor(dataclass_config.build(ImageConfig, settled), [wanted])


def picture(height: int, width: int) -> Array:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def feed(pre: ImagePreprocessor, data: Array) -> tuple[Array, Any]:
    sample = Sample("picture", data)
    return pre(sample)["x"][0].astype(np.float64), sample.geometry


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 255))
@ROUNDS
def test_a_letterbox_may_lie_in_the_upper_left_corner(h: int, w: int, height: int, width: int, pad: int) -> None:
    """Any proportions into any: the picture first, the padding right and below, and points led back."""
    found, geometry = feed(
        build({"mode": "letterbox", "anchor": "top-left", "pad": pad}, 1, height, width, 3), picture(h, w)
    )
    inner = reference.boxed((h, w), (height, width))
    resized = reference.resize_bilinear(picture(h, w), inner)
    assert np.abs(found[: inner[0], : inner[1]] - resized).max() <= ROUNDING
    assert (found[inner[0] :] == pad).all()
    assert (found[:, inner[1] :] == pad).all()
    assert np.allclose(geometry.to_source([[0, 0], [inner[1], inner[0]]]), [[0, 0], [w, h]])


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 32), st.integers(1, 60), st.integers(60, 200))
@ROUNDS
def test_sides_become_multiples(h: int, w: int, multiple: int, least: int, most: int) -> None:
    """Enlarged to the least short side, shrunk to the greatest long side, then each to the nearest multiple."""
    values = {"mode": "multiple", "multiple": multiple, "least": least, "most": most}
    found, geometry = feed(build(values, 1, "h", "w", 3), picture(h, w))
    scale = min(max(1.0, least / min(h, w)), most / max(h, w))
    for got, side in zip(found.shape[:2], (h, w), strict=True):
        assert got % multiple == 0
        assert abs(got - side * scale) <= multiple / 2 + 1e-9 or got == multiple
    assert np.allclose(geometry.to_source([found.shape[1], found.shape[0]]), (w, h))


def test_a_picture_that_fits_stays_as_it_is() -> None:
    """Sides that are multiples already, with and without a limit that is not reached."""
    for values in ({"multiple": 32}, {"multiple": 32, "most": 100, "least": 32}):
        found, _ = feed(build({"mode": "multiple", **values}, 1, None, None, 3), picture(64, 96))
        assert np.array_equal(found, picture(64, 96))


@given(st.integers(6, 60), st.integers(1, 90), st.integers(1, 100), st.integers(1, 16))
@ROUNDS
def test_a_fixed_height_leaves_the_width_to_the_picture(h: int, w: int, least: int, multiple: int) -> None:
    """In proportion, padded on the right to the least width and a multiple; points are led back."""
    values = {"mode": "height", "size": 12, "least": least, "multiple": multiple, "pad": 9}
    found, geometry = feed(build(values, 1, 12, "w", 3), picture(h, w))
    inner = max(1, round(w * 12 / h))
    assert found.shape[0] == 12
    assert found.shape[1] % multiple == 0
    assert 0 <= found.shape[1] - max(inner, least) < multiple
    assert (found[:, inner:] == 9).all()
    assert np.abs(found[:, :inner] - reference.resize_bilinear(picture(h, w), (12, inner))).max() <= ROUNDING
    assert np.allclose(geometry.to_source([[0, 0], [inner, 12]]), [[0, 0], [w, h]])


def test_a_fixed_height_before_a_fixed_width_is_padded_or_squeezed() -> None:
    """A short line is padded to the model's width, a long one squeezed; a limit of one's own squeezes too."""
    pre = build({"mode": "height"}, 1, 8, 40, 3)
    short, _ = feed(pre, picture(8, 20))
    assert np.array_equal(short[:, :20], picture(8, 20))
    assert not short[:, 20:].any()
    long, geometry = feed(pre, picture(8, 80))
    assert np.abs(long - reference.resize_bilinear(picture(8, 80), (8, 40))).max() <= ROUNDING
    assert np.allclose(geometry.to_source([40, 8]), (80, 8))
    assert feed(build({"mode": "height", "most": 50}, 1, 8, None, 3), picture(8, 80))[0].shape == (8, 50, 3)
    assert feed(build({"mode": "height", "size": [8, 30]}, 1, 8, None, 3), picture(8, 9))[0].shape == (8, 30, 3)


def test_buffers_of_many_sizes_may_alternate() -> None:
    """More widths than are kept, twice: each as a fresh preprocessor has it."""
    pre = build({"mode": "height", "size": 480}, 1, None, None, 3)
    for width in [*range(400, 2400, 100)] * 2:
        found, _ = feed(pre, picture(480, width))
        assert np.array_equal(found, picture(480, width))
    assert sum(each.nbytes for each in pre._outputs.values()) < 100 << 20


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "stretch"},
        {"mode": "letterbox"},
        {"mode": "letterbox", "anchor": "top-left", "interpolation": "area"},
        {"mode": "stretch", "interpolation": "nearest"},
        {"mode": "stretch", "interpolation": "bicubic"},
        {"mode": "stretch", "interpolation": "lanczos"},
    ],
)
@pytest.mark.parametrize("size", [(1, 1), (1, 20000), (20000, 1), (2, 20000), (1, 7)])
def test_extreme_pictures_are_pictures(values: dict[str, Any], size: tuple[int, int]) -> None:
    """One pixel, and 20,000 beside each other, to 64 x 64, in the colour that they have."""
    found, geometry = feed(build(values, 1, 64, 64, 3), np.full((*size, 3), 77, np.uint8))
    assert set(np.unique(found)) <= {0.0, 77.0}
    assert (found == 77).any()
    assert np.allclose(geometry.to_source(geometry.to_input([size[1], size[0]])), size[::-1])


def test_extreme_pictures_have_defined_open_sizes() -> None:
    """20,000 pixels beside each other, at a height of 48 and in multiples of 32, with and without a limit."""
    wide = np.zeros((2, 20000, 3), np.uint8)
    assert feed(build({"mode": "height", "size": 48, "most": 3200}, 1, None, None, 3), wide)[0].shape == (48, 3200, 3)
    assert feed(build({"mode": "multiple", "multiple": 32}, 1, None, None, 3), wide)[0].shape == (32, 20000, 3)
    limited = build({"mode": "multiple", "multiple": 32, "most": 960}, 1, None, None, 3)
    assert feed(limited, wide)[0].shape == (32, 960, 3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mode": "multiple", "size": 32}, 'mode "multiple" does not accept a size'),
        ({"mode": "stretch", "multiple": 32}, "multiple is valid only with the modes"),
        ({"mode": "letterbox", "most": 32}, "most is valid only with the modes"),
        ({"mode": "height", "least": 0}, "least must be 1 or more"),
        ({"mode": "height", "least": 20, "most": 10}, "least, 20, exceeds most, 10"),
        ({"mode": "stretch", "anchor": "top-left"}, 'anchor is valid only with mode "letterbox"'),
        ({"mode": "letterbox", "anchor": "center"}, '"centre"'),
    ],
)
def test_settings_that_contradict_each_other_are_named(values: dict[str, Any], words: str) -> None:
    """Each wrong combination, and what would be right."""
    with pytest.raises(ConfigError, match=words):
        dataclass_config.build(ImageConfig, {"resize": values}, where="preprocessing")


@pytest.mark.parametrize(
    ("values", "shape", "words"),
    [
        ({"mode": "multiple"}, (1, 64, 64, 3), "its own size, but input .* expects 64x64"),
        ({"mode": "height"}, (1, None, None, 3), "no fixed size"),
        ({"mode": "height", "size": 32}, (1, 48, None, 3), "yields 32x[0-9]+, but the model expects 48"),
        ({"mode": "height", "size": 32}, (1, 48, 320, 3), "yields 32x320, but"),
    ],
)
def test_sizes_that_the_model_does_not_take_are_refused(
    values: dict[str, Any], shape: tuple[int | None, ...], words: str
) -> None:
    """Each names both sides."""
    with pytest.raises(ProcessorError, match=words):
        feed(build(values, *shape), picture(20, 30))


def test_synthetic_pictures_go_through_every_open_mode() -> None:
    """Without files: some picture of the model's height, or any."""
    for values, shape in (({"mode": "height"}, (1, 48, None, 3)), ({"mode": "multiple"}, (1, None, None, 3))):
        pre = build(values, *shape)
        assert pre(pre.generate(0, seed=0))["x"].shape == (1, shape[1] or 224, 224, 3)
