"""What one component of a chain found becomes what the next one looks at."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.errors import ConfigError, ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.util import dataclass_config
from lpbench_image._items import around
from lpbench_image._pre import ImagePreprocessor
from lpbench_image.config import ImageConfig
from lpbench_image.found import Detections, Landmarks, Mask
from lpbench_image.geometry import Affine
from lpbench_image.regions import Region, Window

EYES, NOSE = [[20.0, 30.0], [40.0, 30.0]], [30.0, 42.0]
COORDINATES = st.floats(-500, 500)
POINTS = st.lists(st.tuples(COORDINATES, COORDINATES), min_size=2, max_size=8)


def build(*, resize: dict[str, Any] | None = None, size: int | None = 64, **values: Any) -> ImagePreprocessor:
    info = TensorInfo("x", "float32", (1, size, size, 3), layout="NHWC")
    return ImagePreprocessor(dataclass_config.build(ImageConfig, {"resize": resize or {}, **values}), [info])


def faces(*boxes: tuple[float, float, float, float], points: Any = (), scores: Any = None) -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(count, 4),
        np.array(scores or [0.9] * count, np.float32),
        np.zeros(count, np.int64),
        np.array(points, np.float32).reshape(count, -1, 2) if len(points) else np.zeros((count, 0, 2), np.float32),
    )


def items(found: Any, **values: Any) -> list[Sample]:
    sample = Sample("photo.jpg", np.zeros((100, 100, 3), np.uint8))
    return list(build(**values).items(sample, found))


def regions(found: Any, **values: Any) -> list[Any]:
    return [each.region for each in items(found, **values)]


def test_each_box_is_an_item_of_the_same_picture() -> None:
    """Two faces: the names and the picture are the sample's, the numbers those of the faces."""
    sample = Sample("photo.jpg", np.zeros((9, 9, 3), np.uint8))
    found = build(region={}).items(sample, faces((10, 20, 30, 60), (50, 5, 60, 25)))
    assert [(each.name, each.item) for each in found] == [("photo.jpg", 0), ("photo.jpg", 1)]
    assert all(each.data is sample.data for each in found)
    assert found[0].region == Window(20, 10, 40, 20)


def test_nothing_found_is_no_item() -> None:
    """An empty detection, whatever is asked of it."""
    assert items(faces(), region={"rotate": [0, 1], "square": True}, pick="best") == []
    assert items(faces(), region={}, pick=3) == []


def test_without_a_region_the_component_looks_at_the_same_sample() -> None:
    """A component that says nothing of regions."""
    sample = Sample("photo.jpg", np.zeros((9, 9, 3), np.uint8))
    assert list(build().items(sample, faces((1, 1, 2, 2)))) == [sample]


def test_boxes_are_scaled_squared_and_shifted() -> None:
    """A box of 20 x 40, each change by itself and all together; whole pixels, the square exact."""
    box = faces((10.0, 20.0, 30.0, 60.0))
    assert regions(box, region={"scale": 1.5}) == [Window(10, 5, 60, 30)]
    assert regions(box, region={"scale": [2, 1]}) == [Window(20, 0, 40, 40)]
    assert regions(box, region={"square": True}) == [Window(20, 0, 40, 40)]
    assert regions(box, region={"shift": [0.5, -0.25]}) == [Window(10, 20, 40, 20)]
    all_three = {"scale": 1.5, "square": True, "shift": [0.0, 0.5]}
    assert regions(box, region=all_three) == [Window(30, -10, 60, 60)]


@given(st.tuples(COORDINATES, COORDINATES, st.floats(0, 300), st.floats(0, 300)), st.floats(0.3, 3))
@settings(max_examples=60, deadline=None)
def test_upright_regions_lie_on_whole_pixels_beside_the_exact_ones(
    box: tuple[float, float, float, float], scale: float
) -> None:
    """Any box: each edge moves by a pixel at most, and a square stays one."""
    x, y, width, height = box
    found = regions(faces((x, y, x + width, y + height)), region={"scale": scale, "square": True})[0]
    side = max(1.0, float(np.float32(max(width, height))) * scale)
    assert found.width == found.height
    assert abs(found.width - side) <= 0.51
    assert abs(found.left - (x + width / 2 - side / 2)) <= 1.01
    assert abs(found.top - (y + height / 2 - side / 2)) <= 1.01


def test_a_face_is_turned_until_its_eyes_are_level() -> None:
    """Eyes at 45 degrees: the box keeps its size and centre, its upper side runs along the eyes."""
    found = regions(faces((10, 20, 50, 60), points=[[[20, 30], [30, 40]]]), region={"rotate": [0, 1], "scale": 1.5})[0]
    assert (found.x, found.y, found.width, found.height) == (30.0, 40.0, 60.0, 60.0)
    assert found.angle == pytest.approx(math.pi / 4)


def test_a_shift_goes_along_the_turned_sides() -> None:
    """A quarter turn clockwise: down along the region is left in the picture."""
    turned = {"rotate": [0, 1], "shift": [0.0, 0.5]}
    found = regions(faces((10, 20, 50, 60), points=[[[20, 30], [20, 40]]]), region=turned)[0]
    assert (found.x, found.y) == pytest.approx((10.0, 40.0))


def test_the_iris_of_either_eye_is_an_item_and_one_is_mirrored() -> None:
    """Two regions for one mesh, laid around two points each; depth does not matter."""
    eyes = [
        {"points": [0, 1], "square": True, "scale": 2.3},
        {"points": [2, 3], "square": True, "scale": 2.3, "mirror": True},
    ]
    mesh = Landmarks(np.array([[20, 30, 5], [40, 32, 5], [60, 30, 5], [80, 30, 5]], np.float32), 0.9)
    left, right = items(mesh, region=eyes)
    assert (left.item, right.item) == (0, 1)
    assert left.region == Window(8, 7, 46, 46)
    assert (right.region.x, right.region.y) == (70.0, 30.0)
    assert right.region.width == pytest.approx(46.0)
    assert right.region.mirrored
    two = items(faces((0, 0, 9, 9), (9, 9, 18, 18), points=np.zeros((2, 4, 2))), region=[{}, {"mirror": True}])
    assert [each.item for each in two] == [0, 1, 2, 3]


def test_landmarks_without_chosen_points_are_surrounded() -> None:
    """All points, upright, and turned by a line through two of them."""
    points = np.array([[10, 10], [30, 10], [30, 20]], np.float32)
    assert regions(Landmarks(points, 1.0), region={}) == [Window(10, 10, 10, 20)]
    turned = regions(Landmarks(points, 1.0), region={"rotate": [1, 2]})[0]
    assert (turned.width, turned.height) == pytest.approx((10.0, 20.0))


def test_a_line_of_text_becomes_a_turned_rectangle() -> None:
    """The four corners of a slanting line of 100 x 20, as the text detector gives them."""
    line = Region(60.0, 50.0, 100.0, 20.0, 0.3)
    found = regions(
        faces((0, 0, 1, 1), points=[line.corners]), region={"points": [0, 1, 2, 3], "rotate": [0, 1]}, resize=OF_TEXT
    )[0]
    assert np.allclose(found.corners, line.corners, atol=1e-4)


OF_TEXT = {"mode": "height", "size": 64}


@given(POINTS, st.floats(-3, 3))
@settings(max_examples=60, deadline=None)
def test_a_rectangle_around_points_holds_them_and_is_the_smallest(
    pairs: list[tuple[float, float]], angle: float
) -> None:
    """At any angle, no point outside, and one on each side."""
    found = Region(*around(pairs, angle), angle)
    geometry = Affine(found.rows((1, 1), (0, 0)), (1, 1), (1, 1))
    if min(found.width, found.height) < 1e-3:
        return
    inside = geometry.to_input(pairs)
    assert inside.min(axis=0) == pytest.approx(0, abs=1e-6)
    assert inside.max(axis=0) == pytest.approx(1, abs=1e-6)


@given(POINTS, st.floats(0.2, 5), st.floats(-3, 3), COORDINATES, COORDINATES)
@settings(max_examples=60, deadline=None)
def test_alignment_finds_the_similarity_that_points_went_through(
    pairs: list[tuple[float, float]], scale: float, angle: float, x: float, y: float
) -> None:
    """Points and the same ones turned, scaled and moved: the region leads each onto its template."""
    points = np.array(pairs)
    if np.ptp(points, axis=0).max() < 1:
        return
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    template = points @ turn.T + (x, y)
    geometry = aligned(points, template, (80, 112))
    assert np.allclose(geometry.to_input(points), template, atol=1e-6 * np.abs(template).max() + 1e-6)


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_alignment_has_the_least_squares(seed: int) -> None:
    """Noisy points: no better than numpy's least squares over the four numbers of a similarity, and no worse."""
    random = np.random.default_rng(seed)
    points, template = random.uniform(0, 100, (2, 5, 2))
    matrix = np.zeros((10, 4))
    matrix[0::2] = np.stack([points[:, 0], -points[:, 1], np.ones(5), np.zeros(5)], axis=1)
    matrix[1::2] = np.stack([points[:, 1], points[:, 0], np.zeros(5), np.ones(5)], axis=1)
    a, b, x, y = np.linalg.lstsq(matrix, template.reshape(-1), rcond=None)[0]
    expected = points @ np.array([[a, b], [-b, a]]) + (x, y)
    geometry = aligned(points, template, (90, 60))
    assert np.allclose(geometry.to_input(points), expected, atol=1e-6 * max(1, 1 / np.hypot(a, b)))


def aligned(points: Any, template: Any, size: tuple[int, int]) -> Affine:
    """Return the geometry of a picture's region aligned to a template."""
    info = TensorInfo("x", "float32", (1, *size, 3), layout="NHWC")
    pre = ImagePreprocessor(dataclass_config.build(ImageConfig, {"region": {"template": template.tolist()}}), [info])
    found = Landmarks(points, 1.0)  # as they are, not rounded to float32
    region = pre.items(Sample("photo.jpg", np.zeros((9, 9, 3), np.uint8)), found)[0].region
    return Affine(region.rows(size, (0, 0)), (9, 9), size)


def test_alignment_is_opencvs_where_all_points_agree() -> None:
    """The template of face recognition: within a hundredth of a pixel of OpenCV's robust estimate."""
    template = [[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [56.14, 92.28]]
    points = np.array([[200.3, 120.8], [248.1, 131.2], [221.0, 160.7], [214.2, 188.5]])
    found = regions(faces((0, 0, 1, 1), points=[[*points, [0, 0]]]), region={"template": template}, size=112)[0]
    geometry = Affine(found.rows((112, 112), (0, 0)), (1, 1), (112, 112))
    matrix, _ = cv2.estimateAffinePartial2D(points, np.array(template), ransacReprojThreshold=100)
    theirs = points @ matrix[:, :2].T + matrix[:, 2]
    ours = geometry.to_input(points.astype(np.float32))
    assert ((ours - template) ** 2).sum() <= ((theirs - template) ** 2).sum() + 1e-3


def test_an_aligned_face_shows_its_points_where_the_template_has_them() -> None:
    """Four bright dots in a picture, turned by 40 degrees: seen in the input at the template's places."""
    template = np.array([[20.0, 20.0], [44.0, 20.0], [32.0, 34.0], [32.0, 48.0]])
    turn = 2.0 * np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    points = (template - 32) @ turn.T + (110, 95)
    data = np.zeros((200, 220, 3), np.uint8)
    for x, y in points:
        cv2.circle(data, (round(x * 16 - 8), round(y * 16 - 8)), 4 * 16, (255, 255, 255), -1, shift=4)
    pre = build(region={"template": template.tolist(), "points": [1, 2, 3, 4]}, size=64)
    item = pre.items(Sample("face", data), faces((0, 0, 1, 1), points=[[[0, 0], *points]]))[0]
    tensor = pre(item)["x"][0, :, :, 0]
    for x, y in template:
        window = tensor[int(y) - 5 : int(y) + 5, int(x) - 5 : int(x) + 5]
        rows, columns = np.nonzero(window > 0.5)
        assert rows.mean() + 0.5 + int(y) - 5 == pytest.approx(y, abs=0.4)
        assert columns.mean() + 0.5 + int(x) - 5 == pytest.approx(x, abs=0.4)
    assert np.allclose(item.geometry.to_source(template), points, atol=1e-4)


def test_pick_chooses_and_keeps_the_numbers() -> None:
    """The surest, the two largest, all."""
    found = faces((0, 0, 9, 9), (0, 0, 30, 30), (0, 0, 20, 20), scores=[0.5, 0.6, 0.9])
    assert [each.item for each in items(found, region={}, pick="best")] == [2]
    assert [each.item for each in items(found, region={}, pick=2)] == [1, 2]
    assert [each.item for each in items(found, region={}, pick=9)] == [0, 1, 2]
    assert [each.item for each in items(found, region={})] == [0, 1, 2]


def test_a_box_of_no_size_is_one_pixel() -> None:
    """Left is right and top is bottom."""
    found = items(faces((10, 10, 10, 10)), region={"square": True})[0]
    assert found.region == Window(10, 10, 1, 1)
    assert build()(found)["x"].shape == (1, 64, 64, 3)


@pytest.mark.parametrize(
    ("found", "values", "words"),
    [
        (faces((0, 0, 9, 9), points=[EYES]), {"region": {"rotate": [0, 2]}}, "point 2 is needed, .* found 2 points"),
        (faces((0, 0, 9, 9)), {"region": {"points": [133]}}, "point 133 is needed, .* found 0 points"),
        (faces((0, 0, 9, 9), points=[EYES]), {"region": {"template": [[1, 1], [2, 2], [3, 4]]}}, "point 2 is needed"),
        (faces((0, 0, math.nan, 9)), {"region": {}}, "no region can be made"),
        (faces((0, 0, math.inf, 9)), {"region": {"scale": 2}}, "no region can be made"),
        (faces((0, 0, 9, 9), points=[[NOSE, NOSE]]), {"region": {"template": [[1, 1], [2, 2]]}}, "coincide"),
        (Mask(np.zeros((2, 2), np.uint8)), {"region": {}}, "detections or landmarks, not from Mask"),
    ],
)
def test_what_makes_no_region_is_refused_by_name(found: Any, values: dict[str, Any], words: str) -> None:
    """Points that are not there, NaN, infinity, points in one place, other predictions."""
    with pytest.raises(ProcessorError, match=words) as caught:
        items(found, **values)
    assert "photo.jpg" in str(caught.value)
    assert caught.value.where == "preprocessing.region"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"region": {"scale": 0}}, "scale must be above 0"),
        ({"region": {"shift": [0, math.inf]}}, "expected a finite number"),
        ({"region": {"points": [-1]}}, "numbered from 0"),
        ({"region": {"rotate": [2, 2]}}, "rotate names one point twice: 2"),
        ({"region": {"template": [[1, 1]]}}, "two or more points"),
        ({"region": {"template": [[1, 1], [2, 2]], "points": [1]}}, "points has 1 numbers, but template has 2 points"),
        ({"region": {"template": [[1, 1], [2, 2]], "square": True}}, "template determines the whole region"),
        ({"region": [{}, {"mirrored": True}]}, '"mirror"'),
        (
            {"region": {"rotate": [0, 1]}, "resize": {"interpolation": "area"}},
            'interpolation "area" cannot rotate a region',
        ),
        ({"region": {"template": [[1, 1], [2, 2]]}, "resize": {"mode": "letterbox"}}, 'mode "stretch"'),
        ({"pick": 0}, "pick must be 1 or more"),
        ({"pick": "worst"}, "'best'"),
    ],
)
def test_wrong_settings_of_regions_are_named(values: dict[str, Any], words: str) -> None:
    """Each wrong value, and what would be right."""
    with pytest.raises(ConfigError, match=words):
        dataclass_config.build(ImageConfig, values, where="preprocessing")
