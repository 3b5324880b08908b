"""Lines of text are found where they were drawn, in the order in which they are read, and read as a loop reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests.posts import GEOMETRY, TURNED, Array, build, infos, sample, through

from lpbench.errors import ConfigError, ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.util import dataclass_config
from lpbench_image.geometry import Geometry
from lpbench_image.post.config import CtcConfig, TextBoxesConfig
from lpbench_image.post.text_boxes import means_inside, reading_order

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = settings(max_examples=50, deadline=None)
SIDE = 160
WHOLE = Geometry(1, 1, 0, 0, (SIDE, SIDE), (SIDE, SIDE))
LETTERS = ("a", "b", "c")


def map_of(*boxes: tuple[int, int, int, int], probability: float = 0.9) -> Array:
    """Return a map with upright rectangles: left, top, right, bottom, the last pixels being part of them."""
    found = np.zeros((1, 1, SIDE, SIDE), np.float32)
    for left, top, right, bottom in boxes:
        found[0, 0, top : bottom + 1, left : right + 1] = probability
    return found


def boxes_in(found: Array, geometry: Any = WHOLE, **values: Any) -> Any:
    outputs = {"out": found}
    return build("text-boxes", values, infos(outputs))(outputs, sample(geometry))


def grown(left: float, top: float, right: float, bottom: float, factor: float) -> list[list[float]]:
    """Return the corners of a box, grown by the formula, around the centres of its outer pixels."""
    width, height = right - left, bottom - top
    by = width * height * factor / (2 * (width + height))
    left, top, right, bottom = left + 0.5 - by, top + 0.5 - by, right + 0.5 + by, bottom + 0.5 + by
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


@given(st.integers(10, 60), st.integers(10, 60), st.integers(4, 70), st.integers(4, 70), st.floats(0, 2))
@ROUNDS
def test_an_upright_box_grows_by_the_formula(left: int, top: int, width: int, height: int, factor: float) -> None:
    """The corners begin at the upper left and go clockwise."""
    found = boxes_in(map_of((left, top, left + width, top + height)), grow=factor)
    wanted = grown(left, top, left + width, top + height, factor)
    assert found.points.tolist() == [pytest.approx(np.array(wanted), abs=1e-2)]
    assert found.boxes[0] == pytest.approx([*wanted[0], *wanted[2]], abs=1e-2)
    assert found.scores == pytest.approx([0.9], abs=1e-5)
    assert found.classes.tolist() == [0]


@pytest.mark.parametrize("degrees", [-40, -15, 0, 15, 40])
def test_a_turned_line_is_turned_back_along_its_width(degrees: float) -> None:
    """A line of 100 x 20: its first corner is the upper left one of the text."""
    corners = cv2.boxPoints(((80, 80), (100, 20), degrees))
    found = np.zeros((SIDE, SIDE), np.float32)
    cv2.fillConvexPoly(found, np.rint(corners).astype(np.int32), 0.8)
    (polygon,) = boxes_in(found[None, None], grow=0).points
    across, down = polygon[1] - polygon[0], polygon[3] - polygon[0]
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(degrees, abs=2)
    assert (np.hypot(*across), np.hypot(*down)) == pytest.approx((100, 20), abs=2.5)
    assert across @ down == pytest.approx(0, abs=1e-2)


def test_boxes_lie_in_the_picture_whatever_the_maps_size() -> None:
    """The map covers the input at a quarter of its resolution; the input was a turned region."""
    for geometry in (GEOMETRY, TURNED):
        probabilities = np.zeros((1, 16, 24, 1), np.float32)
        probabilities[0, 4:9, 6:17] = 1
        found = boxes_in(probabilities, geometry, grow=0)
        scale = 4
        wanted = through(geometry, np.array(grown(6, 4, 16, 8, 0)) * scale)
        assert found.points[0] == pytest.approx(wanted, abs=1e-2)
        assert found.boxes[0] == pytest.approx([*wanted.min(axis=0), *wanted.max(axis=0)], abs=1e-2)


def test_what_is_improbable_or_tiny_is_no_text() -> None:
    """Below the threshold of pixels, of boxes, or of size."""
    weak, dim, small, good = (10, 10, 50, 20), (10, 40, 50, 50), (10, 70, 50, 71), (10, 100, 50, 110)
    probabilities = map_of(weak, probability=0.2) + map_of(dim, probability=0.4) + map_of(small, good)
    assert len(boxes_in(probabilities)) == 1
    assert len(boxes_in(probabilities, box_threshold=0.0)) == 2
    assert len(boxes_in(probabilities, box_threshold=0.0, smallest=0)) == 3
    assert len(boxes_in(probabilities, box_threshold=0.0, smallest=0, threshold=0.1)) == 4
    assert len(boxes_in(probabilities, box_threshold=0.0, smallest=0, threshold=0.1, limit=2)) == 2


def test_a_hole_is_no_box_and_what_is_in_it_is_one() -> None:
    """A frame with a line in it."""
    probabilities = map_of((10, 10, 150, 150), (60, 60, 100, 80))
    probabilities[0, 0, 20:141, 20:141] = 0
    probabilities[0, 0, 60:81, 60:101] = 0.9
    found = boxes_in(probabilities, grow=0, box_threshold=0.0)
    assert sorted(found.boxes.round().astype(int).tolist()) == [[10, 10, 150, 150], [60, 60, 100, 80]]


def test_no_text_is_an_empty_list() -> None:
    """A blank page."""
    outputs = {"out": map_of()}
    post = build("text-boxes", {}, infos(outputs))
    found = post(outputs, sample(WHOLE))
    assert (found.boxes.shape, found.points.shape) == ((0, 4), (0, 4, 2))
    assert post.describe(found) == {"items": []}


def test_a_description_has_polygons() -> None:
    """One line, plain numbers."""
    outputs = {"out": map_of((20, 30, 60, 40))}
    post = build("text-boxes", {"grow": 0}, infos(outputs))
    (item,) = post.describe(post(outputs, sample(WHOLE)))["items"]
    assert item.keys() == {"label", "score", "box", "polygon"}
    assert item["polygon"] == pytest.approx(np.array([[20.5, 30.5], [60.5, 30.5], [60.5, 40.5], [20.5, 40.5]]))
    assert post.values(outputs, sample(WHOLE))["probabilities"].shape == (SIDE, SIDE)


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 2), min_size=1, max_size=12, unique=True), st.integers(0, 99))
@ROUNDS
def test_a_grid_of_words_is_read_line_by_line(cells: list[tuple[int, int]], seed: int) -> None:
    """Words of height 10 in lines 20 apart that do not stand quite level, in any order."""
    random = np.random.default_rng(seed)
    shift = random.uniform(-2, 2, len(cells))
    polygons = np.array(
        [
            [(30 * column + x, 20 * line + y + up) for x, y in ((0, 0), (25, 0), (25, 10), (0, 10))]
            for (line, column), up in zip(cells, shift, strict=True)
        ]
    )
    order = reading_order(polygons)
    assert [cells[at] for at in order] == sorted(cells)


@given(st.integers(0, 99), st.floats(0, 3.2))
@ROUNDS
def test_the_score_of_a_box_is_the_mean_of_what_is_in_it(seed: int, angle: float) -> None:
    """A loop over the pixels whose centres are inside, give or take the edge, which OpenCV counts as inside."""
    probabilities = np.random.default_rng(seed).random((60, 60)).astype(np.float32)
    corners = np.floor(cv2.boxPoints(((30, 30), (34, 18), np.degrees(angle))).astype(np.float64)) + 0.5
    distances = [
        [cv2.pointPolygonTest(corners.astype(np.float32), (x + 0.5, y + 0.5), measureDist=True) for x in range(60)]
        for y in range(60)
    ]
    inside = probabilities[np.array(distances) >= -0.5]
    assert means_inside(probabilities, corners[None])[0] == pytest.approx(inside.mean(), abs=0.02)


def test_a_box_that_leaves_the_map_counts_what_is_in_it() -> None:
    """And one that lies outside has no score."""
    probabilities = np.ones((10, 10), np.float32)
    square = np.array([(0, 0), (8, 0), (8, 8), (0, 8)], np.float64)
    found = means_inside(probabilities, np.stack([square - 4, square + 6, square + 100, square - 100]))
    assert found.tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("shape", [(1, 2, 8, 8), (2, 1, 8, 8), (8, 8), (1, 1, 0, 8)])
def test_an_output_that_is_no_map_of_one_channel_is_refused(shape: tuple[int, ...]) -> None:
    """When the app is opened, or the map comes."""
    with pytest.raises(ProcessorError, match="is not a map of one channel"):
        build("text-boxes", {}, [TensorInfo("out", "float32", shape)])
    with pytest.raises(ProcessorError, match="is not a map of one channel"):
        build("text-boxes", {}, [TensorInfo("out", "float32", (None,))])({"out": np.zeros(shape)}, sample(WHOLE))


def test_a_map_with_what_is_no_number_is_refused() -> None:
    """One pixel of many."""
    probabilities = map_of((20, 30, 60, 40))
    probabilities[0, 0, 100, 100] = np.nan
    with pytest.raises(ProcessorError, match=r'cat\.jpg: output "out" holds nan'):
        boxes_in(probabilities)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"threshold": 2}, "threshold"),
        ({"box_threshold": -1}, "box_threshold"),
        ({"grow": -1}, "grow"),
        ({"limit": 0}, "limit"),
    ],
)
def test_settings_out_of_range_are_refused(values: dict[str, Any], error: str) -> None:
    """By their names."""
    with pytest.raises(ConfigError, match=error):
        dataclass_config.build(TextBoxesConfig, values)


def read(scores: Any, labels: Any = LETTERS, **values: Any) -> Any:
    outputs = {"out": np.asarray(scores, np.float32)[None]}
    post = build("ctc", values, infos(outputs), labels)
    return post.describe(post(outputs, sample(None)))


def path(*classes: int, count: int = 4) -> Array:
    """Return scores whose best class at each step is this one, with a score of 0.75."""
    found: Array = np.full((len(classes), count), 0.25 / (count - 1), np.float32)
    found[range(len(classes)), classes] = 0.75
    return found


@given(st.lists(st.lists(st.integers(0, 4), min_size=4, max_size=4), min_size=1, max_size=20), st.integers(0, 3))
@ROUNDS
def test_text_is_that_of_a_loop_over_the_steps(scores: list[list[int]], blank: int) -> None:
    """The best class of each step, the first of equal ones; repetitions and the blank are left out."""
    characters = list(LETTERS)
    characters.insert(blank, "")
    text, kept, before = "", [], None
    for step in scores:
        best = step.index(max(step))
        if best not in {before, blank}:
            text += characters[best]
            kept.append(step[best])
        before = best
    wanted = {"text": text, "score": sum(kept) / len(kept) if kept else 0}
    assert read(scores, blank=blank) == pytest.approx(wanted)


def test_a_blank_between_two_letters_keeps_both() -> None:
    """As in "aab"."""
    assert read(path(1, 0, 1, 1, 2, 2, 0)) == {"text": "aab", "score": 0.75}


def test_nothing_but_blanks_is_no_text() -> None:
    """With a score of 0."""
    assert read(path(0, 0, 0)) == {"text": "", "score": 0}


def test_a_space_follows_the_last_character() -> None:
    """It cannot stand in a list of labels."""
    assert read(path(1, 4, 2, count=5), space=True)["text"] == "a b"


def test_characters_may_stand_in_a_file(tmp_path: Path) -> None:
    """As they are, one a line: an ideographic space too, which a list of labels would lose."""
    (tmp_path / "characters.txt").write_bytes("x\n\u3000\n语\n".encode())
    characters = {"file": str(tmp_path / "characters.txt")}
    assert read(path(1, 2, 3), (), characters=characters)["text"] == "x\u3000语"


def test_characters_in_a_file_that_is_no_text_are_refused(tmp_path: Path) -> None:
    """Naming it."""
    (tmp_path / "characters.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ProcessorError, match=r"characters\.txt: cannot be read"):
        read(path(1), characters={"file": str(tmp_path / "characters.txt")})


def test_characters_that_are_not_those_of_the_classes_are_refused() -> None:
    """When the app is opened, or the scores come."""
    with pytest.raises(ProcessorError, match="labels: 3 characters for 6 classes"):
        build("ctc", {}, [TensorInfo("out", "float32", (1, None, 6))], LETTERS)
    post = build("ctc", {}, [TensorInfo("out", "float32", (1, None, None))], LETTERS)
    with pytest.raises(ProcessorError, match="3 characters for 6 classes"):
        post({"out": np.zeros((1, 5, 6), np.float32)}, sample(None))


@pytest.mark.parametrize("shape", [(2, 7, 4), (4,), (1, 0, 4), ()])
def test_scores_that_are_no_steps_are_refused(shape: tuple[int, ...]) -> None:
    """Two texts at once, no steps."""
    with pytest.raises(ProcessorError, match="is not one score for each step and class"):
        build("ctc", {}, [TensorInfo("out", "float32", shape)], LETTERS)


def test_steps_may_come_before_the_batch_and_quantised() -> None:
    """Other models' layout; the score counts in real numbers."""
    outputs = {"out": (path(1, 0, 2)[:, None] * 100).astype(np.uint8)}
    post = build("ctc", {}, infos(outputs, scale=0.01, zero_point=0), LETTERS)
    assert post.describe(post(outputs, sample(None))) == {"text": "ab", "score": pytest.approx(0.75)}
    assert post.values(outputs, sample(None))["scores"].shape == (3, 4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_steps_that_are_no_numbers_are_refused(bad: float) -> None:
    """One of twelve."""
    scores = path(1, 0, 2)
    scores[1, 3] = bad
    with pytest.raises(ProcessorError, match=rf'cat\.jpg: output "out" holds {bad}'):
        read(scores)


def test_the_blank_is_a_class() -> None:
    """From zero."""
    with pytest.raises(ConfigError, match="blank must be 0 or more"):
        dataclass_config.build(CtcConfig, {"blank": -1})
    with pytest.raises(ProcessorError, match="blank is 4, but there are 3 characters"):
        read(path(1), blank=4)
