"""Masks of the picture's size, as a loop over its pixels has them, and their run lengths."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests.posts import Array, build, geometries, infos, sample

from lpbench.errors import ConfigError, ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.util import dataclass_config
from lpbench_image.geometry import Affine, Geometry
from lpbench_image.post import run_lengths
from lpbench_image.post.config import MaskConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = settings(max_examples=25, deadline=None)
PLAIN = Geometry(1, 1, 0, 0, (2, 3), (2, 3))
NEAR = 0.05
"""OpenCV's weights are multiples of 1/32 where it turns, and more exact where it resizes."""
EDGE = 1e-3
"""How near an edge between two pixels rounding may decide either way, in pixels of the map."""


def smooth(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Return values that differ little from pixel to pixel, from 0 to 1."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    a, b, c = random.uniform(0, 6, 3)
    found: Array = (0.5 + 0.25 * np.sin(rows / 3 + a) + 0.25 * np.cos(columns / 4 + b + c)).astype(np.float32)
    return found


def at(values: Array, y: float, x: float) -> float:
    """Return the value between pixel centres; outside of the map it is 0."""
    top, left = int(np.floor(y)), int(np.floor(x))
    total = 0.0
    for row, column in itertools.product((top, top + 1), (left, left + 1)):
        if 0 <= row < values.shape[0] and 0 <= column < values.shape[1]:
            total += (1 - abs(y - row)) * (1 - abs(x - column)) * float(values[row, column])
    return total


def places(geometry: Affine | Geometry, shape: tuple[int, int]) -> Array:
    """Return y and x in pixels of the map, the first one's centre being 0, for each pixel of the picture."""
    found = np.empty((*geometry.source, 2))
    for row, column in itertools.product(*map(range, geometry.source)):
        x, y = geometry.to_input([column + 0.5, row + 0.5])
        found[row, column] = y * shape[0] / geometry.size[0] - 0.5, x * shape[1] / geometry.size[1] - 0.5
    return found


def segment(values: dict[str, Any], scores: Array, geometry: Affine | Geometry, labels: Sequence[str] = ()) -> Array:
    outputs = {"out": scores}
    found: Array = build("mask", values, infos(outputs), labels)(outputs, sample(geometry)).values
    return found


@given(geometries(), st.integers(0, 99), st.floats(0.2, 0.8))
@ROUNDS
def test_a_mask_is_that_of_a_loop_over_the_picture(geometry: Affine | Geometry, seed: int, threshold: float) -> None:
    """Bilinear between the centres of the map's pixels, 0 outside it, then the threshold."""
    scores = smooth(np.random.default_rng(seed), (11, 13))
    found = segment({"threshold": threshold}, scores[None, None], geometry)
    assert found.shape == geometry.source
    assert found.dtype == np.uint8
    wanted = np.array([[at(scores, y, x) for y, x in row] for row in places(geometry, (11, 13)).tolist()])
    clear = np.abs(wanted - threshold) > NEAR
    assert (found == (wanted > threshold))[clear & ~_rim(geometry, (11, 13))].all()


def _rim(geometry: Affine | Geometry, shape: tuple[int, int]) -> Array:
    """Return which pixels lie where the map ends: a resize repeats its last value there, turning fades it out."""
    y, x = np.moveaxis(places(geometry, shape), -1, 0)
    near = [np.abs(each - edge) <= 0.6 for each, size in ((y, shape[0]), (x, shape[1])) for edge in (-0.5, size - 0.5)]
    found: Array = np.any(near, axis=0)
    return found


@given(geometries(), st.integers(0, 99), st.sampled_from(["NCHW", "NHWC"]))
@ROUNDS
def test_classes_are_those_of_a_loop_over_the_picture(geometry: Affine | Geometry, seed: int, layout: str) -> None:
    """The best of five at the model's resolution, the first of equal ones; the nearest pixel; 0 outside."""
    scores = np.random.default_rng(seed).integers(0, 3, (5, 7, 9)).astype(np.float32)
    given = scores if layout == "NCHW" else np.moveaxis(scores, 0, -1)
    found = segment({"layout": layout}, np.ascontiguousarray(given)[None], geometry)
    for row, column in itertools.product(*map(range, geometry.source)):
        y, x = places_of(geometry, row, column)
        if min(abs(y * 2 % 2 - 1), abs(x * 2 % 2 - 1)) < EDGE:
            continue
        inside = -0.5 < y < 6.5 and -0.5 < x < 8.5
        wanted = np.argmax(scores[:, round(y), round(x)]) if inside else 0
        assert found[row, column] == wanted


def places_of(geometry: Affine | Geometry, row: int, column: int) -> tuple[float, float]:
    x, y = geometry.to_input([column + 0.5, row + 0.5])
    return y * 7 / geometry.size[0] - 0.5, x * 9 / geometry.size[1] - 0.5


def test_a_letterbox_is_cut_away() -> None:
    """A map of the input's size: the padding above and below is no part of the picture."""
    scores = np.zeros((1, 8, 8, 1), np.float32)
    scores[0, 2:6] = 1
    found = segment({}, scores, Geometry(0.5, 0.5, 0, 2, (8, 16), (8, 8)))
    assert (found == 1).all()


def test_a_mask_does_not_change_with_the_next_one() -> None:
    """What is kept between calls is never handed out; pictures of another size in between."""
    outputs = {"out": np.ones((1, 2, 3, 1), np.float32)}
    post = build("mask", {}, infos(outputs))
    first = post(outputs, sample(PLAIN))
    outputs["out"][:] = 0
    assert post(outputs, sample(Geometry(1, 1, 0, 0, (4, 4), (2, 3)))).values.shape == (4, 4)
    assert (post(outputs, sample(PLAIN)).values == 0).all()
    assert (first.values == 1).all()


def test_one_channel_describes_a_mask_and_its_share() -> None:
    """Columns first, beginning with what is outside; the label where there is one."""
    outputs = {"out": np.array([[0, 1, 1], [0, 0, 1]], np.float32)[None, :, :, None]}
    for labels, label in (((), "1"), (("person",), "person"), (("rest", "person"), "person")):
        post = build("mask", {}, infos(outputs), labels)
        assert post.describe(post(outputs, sample(PLAIN))) == {
            "mask": {"size": [2, 3], "counts": [2, 1, 1, 2]},
            "share": {label: 0.5},
        }


def test_a_mask_of_nothing_says_so() -> None:
    """One run, and a share of 0."""
    outputs = {"out": np.zeros((1, 1, 2, 3), np.float32)}
    post = build("mask", {}, infos(outputs))
    described = post.describe(post(outputs, sample(PLAIN)))
    assert described == {"mask": {"size": [2, 3], "counts": [6]}, "share": {"1": 0.0}}


def test_several_channels_describe_the_classes_that_occur() -> None:
    """By their labels, the rest is left out."""
    scores = np.zeros((1, 2, 3, 4), np.float32)
    scores[0, :, :, 1], scores[0, 0, 0, 3] = 1, 2
    outputs = {"out": scores}
    post = build("mask", {}, infos(outputs), ["sky", "road", "car", "tree"])
    described = post.describe(post(outputs, sample(PLAIN)))
    assert described["share"] == {"road": pytest.approx(5 / 6), "tree": pytest.approx(1 / 6)}
    assert described["masks"] == {
        "road": {"size": [2, 3], "counts": [1, 5]},
        "tree": {"size": [2, 3], "counts": [0, 1, 5]},
    }


@pytest.mark.parametrize(
    ("shape", "layout", "labels", "channels"),
    [
        ((1, 5, 6, 1), "", (), 1),
        ((1, 1, 5, 6), "", ("person",), 1),
        ((1, 5, 6, 3), "", ("a", "b", "c"), 3),
        ((1, 3, 5, 6), "", ("a", "b", "c"), 3),
        ((1, 4, 5, 6), "NCHW", (), 4),
        ((4, 5, 6), "CHW", (), 4),
        ((5, 6, 4), "HWC", (), 4),
    ],
)
def test_values_have_the_channels_first(shape: Any, layout: str, labels: Any, channels: int) -> None:
    """Whatever the model's layout, so that engines can be compared; those without a batch too."""
    outputs = {"out": np.arange(np.prod(shape), dtype=np.float32).reshape(shape)}
    post = build("mask", {}, infos(outputs, layout=layout), labels)
    values = post.values(outputs, sample(PLAIN))["scores"]
    assert values.shape == (channels, 5, 6)
    assert post(outputs, sample(PLAIN)).values.shape == (2, 3)


@pytest.mark.parametrize(
    ("shape", "labels", "error"),
    [
        ((1, 4, 5, 6), (), r'cannot determine the layout of output "out" \[1, 4, 5, 6\]'),
        ((1, 1, 5, 1), (), "cannot determine the layout"),
        ((2, 1, 5, 6), (), "is not a map"),
        ((1, 100), (), "is not a map"),
        ((1, 0, 5, 1), (), "is not a map"),
        ((1, 1, 5, 6), ("a", "b", "c"), "3 labels for 1 channel"),
    ],
)
def test_an_output_that_is_no_map_is_refused(shape: Any, labels: Any, error: str) -> None:
    """When the app is opened."""
    with pytest.raises(ProcessorError, match=error):
        build("mask", {}, [TensorInfo("out", "float32", shape)], labels)


def test_labels_that_are_not_those_of_the_channels_are_refused() -> None:
    """Where the layout is said."""
    with pytest.raises(ProcessorError, match="labels: 2 labels for 4 channels"):
        build("mask", {"layout": "NCHW"}, [TensorInfo("out", "float32", (1, 4, 5, 6))], ["a", "b"])
    with pytest.raises(ProcessorError, match="0 labels for 300 channels"):
        build("mask", {"layout": "NCHW"}, [TensorInfo("out", "float32", (1, 300, 5, 6))])


def test_an_open_map_is_looked_at_when_it_comes() -> None:
    """A map of any size; NaN is refused."""
    post = build("mask", {}, [TensorInfo("out", "float32", (1, 1, "h", "w"))])
    scores = np.ones((1, 1, 4, 6), np.float32)
    assert post({"out": scores}, sample(PLAIN)).values.all()
    scores[0, 0, 3, 3] = np.nan
    with pytest.raises(ProcessorError, match=r'cat\.jpg: output "out" holds nan'):
        post({"out": scores}, sample(PLAIN))


def test_an_unknown_layout_is_refused() -> None:
    """With those that are known."""
    with pytest.raises(ConfigError, match="NCHW"):
        dataclass_config.build(MaskConfig, {"layout": "CHW"})


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32))
@ROUNDS
def test_run_lengths_are_those_of_a_loop_and_lead_back(height: int, width: int, seed: int) -> None:
    """Column after column, groups of equal pixels, the first of them outside."""
    mask = np.random.default_rng(seed).random((height, width)) > 0.5
    pixels = [bool(mask[row, column]) for column in range(width) for row in range(height)]
    groups = [(key, len(list(each))) for key, each in itertools.groupby(pixels)]
    counts = [0] * groups[0][0] + [length for _, length in groups]
    encoded = run_lengths.encode(mask)
    assert encoded == {"size": [height, width], "counts": counts}
    assert (run_lengths.decode(encoded) == mask).all()


@pytest.mark.parametrize("counts", [[3], [7, -1], [4, 4]])
def test_run_lengths_that_are_not_the_masks_are_refused(counts: list[int]) -> None:
    """Too few, negative, too many."""
    with pytest.raises(ValueError, match="for a mask of 2 x 3"):
        run_lengths.decode({"size": [2, 3], "counts": counts})
