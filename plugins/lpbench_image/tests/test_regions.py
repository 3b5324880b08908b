"""Parts of a picture become inputs as the plain reference has it, and points are led back to where they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests import reference

from lpbench.errors import ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.util import dataclass_config
from lpbench_image._pre import ImagePreprocessor
from lpbench_image.config import ImageConfig
from lpbench_image.geometry import Affine, Geometry
from lpbench_image.regions import Region, Window

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

RAW = {"color": "BGR", "normalise": {"scale": 1}}
COARSE = 1 / 32
"""Parts of a pixel in which OpenCV before version 5 counts where a pixel comes from."""
ROUNDS = settings(max_examples=30, deadline=None)
REGIONS = st.builds(
    Region,
    x=st.floats(-20, 80),
    y=st.floats(-20, 80),
    width=st.floats(1, 90),
    height=st.floats(1, 90),
    angle=st.floats(-math.pi, math.pi),
    mirrored=st.booleans(),
)


def build(values: dict[str, Any], *shape: int | None) -> ImagePreprocessor:
    return ImagePreprocessor(
        dataclass_config.build(ImageConfig, {**RAW, **values}), [TensorInfo("x", "float32", shape, layout="NHWC")]
    )


def picture(height: int, width: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def smooth(height: int, width: int) -> Array:
    """Return a picture whose neighbouring pixels differ by 4 at most."""
    rows, columns = np.mgrid[:height, :width]
    waves = [127 + 60 * np.sin((rows + at * columns) / 21) for at in (0.0, 0.5, 1.0)]
    return np.stack(waves, axis=-1).astype(np.uint8)


def look(pre: ImagePreprocessor, data: Array, region: Region | Window) -> tuple[Array, Any]:
    sample = Sample("picture", data, region=region)
    pixels = pre(sample)["x"][0].astype(np.float64)
    return pixels, sample.geometry


@given(REGIONS, st.integers(1, 30), st.integers(1, 30), st.integers(0, 255))
@ROUNDS
def test_turned_regions_are_the_reference(region: Region, height: int, width: int, pad: int) -> None:
    """Any rectangle, inside the picture, across its edge or outside, to any size."""
    data = smooth(60, 70)
    found, _ = look(build({"resize": {"pad": pad}}, 1, height, width, 3), data, region)
    expected = reference.look_at(data, region, (height, width), pad)
    edge = 255 * 2 * COARSE  # where the picture meets the padding, values jump
    steps = np.abs(found - expected)
    assert np.quantile(steps, 0.5) <= 1.5
    assert steps.max() <= edge + 1.5


@given(st.integers(-30, 70), st.integers(-30, 70), st.integers(1, 60), st.integers(1, 60), st.integers(0, 255))
@ROUNDS
def test_upright_regions_are_parts_of_the_picture(left: int, top: int, width: int, height: int, pad: int) -> None:
    """Whole pixels, inside the picture, across its edge or outside: exactly what a cut-out picture gives."""
    data = picture(50, 60)
    pre = build({"resize": {"pad": pad}}, 1, 24, 20, 3)
    found, geometry = look(pre, data, Window(top, left, height, width))
    part = Sample("part", reference.bordered(data, top, left, (height, width), pad))
    assert np.array_equal(found, build({}, 1, 24, 20, 3)(part)["x"][0])
    assert np.allclose(geometry.to_source([[0, 0], [20, 24]]), [[left, top], [left + width, top + height]])


@pytest.mark.parametrize(
    "values",
    [
        {"resize": {"mode": "stretch"}},
        {"resize": {"mode": "letterbox"}},
        {"resize": {"mode": "letterbox", "anchor": "top-left"}},
        {"resize": {"mode": "short-side", "size": 40}, "crop": 32},
    ],
)
@given(REGIONS, st.lists(st.tuples(st.floats(0, 32), st.floats(0, 32)), min_size=1))
@settings(max_examples=20, deadline=None)
def test_there_and_back_is_where_it_began(
    values: dict[str, Any], region: Region, points: list[tuple[float, float]]
) -> None:
    """Any points of the input, through the picture and back, for every mode and rectangle."""
    found, geometry = look(build(values, 1, 32, 32, 3), smooth(60, 70), region)
    assert geometry.source == (60, 70)
    assert geometry.size == (32, 32) == found.shape[:2]
    assert np.allclose(geometry.to_input(geometry.to_source(points)), points, atol=1e-6)
    assert geometry.to_source(np.zeros((5, 2, 2))).shape == (5, 2, 2)


def test_corners_of_the_input_are_those_of_the_region() -> None:
    """A quarter turn clockwise: what is read from left to right runs down the picture."""
    region = Region(30.0, 40.0, 20.0, 10.0, math.pi / 2)
    assert np.allclose(region.corners, [[35, 30], [35, 50], [25, 50], [25, 30]])
    _, geometry = look(build({}, 1, 10, 20, 3), smooth(80, 60), region)
    assert np.allclose(geometry.to_source([[0, 0], [20, 0], [20, 10], [0, 10]]), region.corners)


def test_a_mirrored_region_is_the_mirror_image() -> None:
    """Whole pixels at their own size: left and right exchanged, nothing else."""
    data = picture(40, 40)
    found, geometry = look(build({}, 1, 10, 12, 3), data, Region(16.0, 15.0, 12.0, 10.0, mirrored=True))
    assert np.array_equal(found, data[10:20, 10:22][:, ::-1])
    assert np.allclose(geometry.to_source([[0, 0]]), [[22, 10]])


@pytest.mark.parametrize("name", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_a_quarter_turn_moves_whole_pixels(name: str) -> None:
    """No interpolation changes a pixel that is only moved."""
    data = picture(30, 30)
    found, _ = look(
        build({"resize": {"interpolation": name}}, 1, 20, 20, 3), data, Region(15.0, 15.0, 20.0, 20.0, math.pi / 2)
    )
    assert np.array_equal(found, np.rot90(data[5:25, 5:25]))


@pytest.mark.parametrize("part", [Window(35, 25, 20, 40), Region(45.0, 45.0, 40.0, 20.0, 0.3)])
def test_a_letterboxed_region_shows_nothing_outside_itself(part: Region | Window) -> None:
    """A wide region of a white picture: black above and below, white between."""
    data = np.full((90, 90, 3), 255, np.uint8)
    found, _ = look(build({"resize": {"mode": "letterbox"}}, 1, 16, 16, 3), data, part)
    assert np.unique(found[4:12]).tolist() == [255]
    assert np.unique(np.concatenate([found[:4], found[12:]])).tolist() == [0]


def test_a_turned_line_of_text_gets_a_height_and_its_own_width() -> None:
    """Three lines of several lengths, in turn: 48 high, as wide as they are long, padded to the least width."""
    pre = build({"resize": {"mode": "height", "size": 48, "least": 100, "multiple": 8}}, 1, None, None, 3)
    data = smooth(300, 400)
    for length, width in ((60, 144), (30, 104), (10, 104), (60, 144)):
        region = Region(200.0, 150.0, float(length), 20.0, 0.2)
        found, geometry = look(pre, data, region)
        assert found.shape == (48, width, 3)
        inner = round(length * 48 / 20)
        expected = reference.look_at(data, region, (48, inner), 0)
        assert np.abs(found[:, :inner] - expected).max() <= 1.5
        assert not found[:, inner:].any()
        assert np.allclose(geometry.to_source([[0, 0], [inner, 48]]), region.corners[[0, 2]])


def test_area_shrinks_upright_regions() -> None:
    """The mean of what each pixel covers, of the region only."""
    data = picture(64, 64)
    found, _ = look(build({"resize": {"interpolation": "area"}}, 1, 4, 4, 3), data, Window(16, 16, 16, 32))
    assert np.abs(found - reference.resize_area(data[16:32, 16:48], (4, 4))).max() <= 1.01


def test_whole_pictures_and_regions_take_turns() -> None:
    """One preprocessor over a picture, a cut-out, a turned region and the picture again, as fresh ones give."""
    values = {"resize": {"mode": "letterbox", "pad": 7}}
    pre, data = build(values, 1, 16, 16, 3), picture(40, 30)
    kept = data.copy()
    chosen = [None, Window(0, 5, 20, 10), Region(12.0, 9.0, 9.0, 5.0, 0.4), Window(-3, -4, 10, 12)]
    for region in chosen * 2:
        alone = build(values, 1, 16, 16, 3)(Sample("alone", data, region=region))["x"]
        assert np.array_equal(pre(Sample("shared", data, region=region))["x"], alone)
    assert np.array_equal(data, kept), "the picture was written to"


def test_the_geometry_says_which_it_is() -> None:
    """Scale and offset for upright parts, a matrix for turned ones."""
    pre, data = build({}, 1, 8, 8, 3), picture(20, 20)
    assert isinstance(look(pre, data, Window(3, 3, 4, 4))[1], Geometry)
    assert isinstance(look(pre, data, Region(5.0, 5.0, 4.0, 4.0, 0.1))[1], Affine)
    assert isinstance(look(pre, data, Region(5.2, 5.0, 4.0, 4.0))[1], Affine)


def test_what_cannot_be_looked_at_is_refused_by_name() -> None:
    """No region, no picture, one too large to be turned, one too large to be cut out."""
    pre = build({"max_pixels": 1000, "resize": {"interpolation": "lanczos"}}, 1, 8, 8, 3)
    for data, region, words in (
        (picture(9, 9), "left half", "photo: a region must be a Window or Region .*; found str"),
        ("cat", Region(1.0, 1.0, 1.0, 1.0), "photo: a picture must be a uint8 array"),
        ("cat", Window(1, 1, 1, 1), "photo: a picture must be a uint8 array"),
        (np.zeros((9, 9)), Window(-1, 1, 1, 1), "photo: a picture must be a uint8 array"),
        (np.zeros((9, 9)), Window(1, 1, 1, 1), "photo: a picture must be a uint8 array"),
        (np.zeros((2, 40000, 3), np.uint8), Region(1.0, 1.0, 2.0, 2.0, 0.1), "photo: OpenCV cannot rotate a region"),
        (picture(9, 9), Window(-5, -5, 100, 100), "photo: a region of 100 x 100 pixels exceeds"),
    ):
        with pytest.raises(ProcessorError, match=words):
            pre(Sample("photo", data, region=region))


def test_a_drawn_square_is_found_again_through_a_turned_region() -> None:
    """A bright square in the picture, its middle measured in the input and led back."""
    data = np.zeros((100, 120, 3), np.uint8)
    cv2.rectangle(data, (60, 40), (69, 49), (255, 255, 255), -1)
    found, geometry = look(build({}, 1, 64, 64, 3), data, Region(62.0, 48.0, 50.0, 50.0, 0.7, mirrored=True))
    rows, columns = np.nonzero(found[:, :, 0] > 127)
    assert np.abs(geometry.to_source([columns.mean() + 0.5, rows.mean() + 0.5]) - (65, 45)).max() < 0.3


def test_steps_of_a_region_are_told() -> None:
    """For --explain: cutting out counts as resizing."""
    pre = build({}, 1, 16, 16, 3)
    found = pre.steps(Sample("picture", picture(40, 30), region=Region(12.0, 9.0, 9.0, 5.0, 0.4)))
    assert found.keys() == {"resize", "layout, type and scale"}
    assert min(found.values()) > 0
