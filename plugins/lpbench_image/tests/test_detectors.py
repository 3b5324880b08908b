"""Outputs of detectors become boxes, as a slow decoder has them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests.detections import Thing, best_of_rows, same, sigmoid, softmax, suppressed, told_apart
from plugins.lpbench_image.tests.posts import GEOMETRY, build, geometries, infos, sample

from lpbench_image.boxes._anchors import anchors
from lpbench_image.boxes.config import Anchors
from lpbench_image.geometry import Geometry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plugins.lpbench_image.tests.posts import Array

    from lpbench_image.geometry import Affine

SEEDS = st.integers(0, 2**32)
ROUNDS = settings(max_examples=60, deadline=None)
COMMON = st.fixed_dictionaries(
    {
        "threshold": st.sampled_from([0.05, 0.3, 0.5, 0.8]),
        "overlap": st.sampled_from([0.1, 0.3, 0.5, 0.7]),
        "suppress": st.sampled_from(["class", "all", "none"]),
        "all_classes": st.booleans(),
        "limit": st.sampled_from([1, 3, 100]),
        "clip": st.booleans(),
    }
)
WHOLE = Geometry(1, 1, 0, 0, (64, 64), (64, 64))


def logits(random: np.random.Generator, shape: Sequence[int]) -> Array:
    """Return logits of which many are equal and none is near a threshold."""
    return (random.integers(-20, 12, shape) / 4 + 0.05).astype(np.float32)


def wanted(things: Sequence[Thing], common: dict[str, Any]) -> list[Thing]:
    """Return what is to be found of all things."""
    scored = [each for each in things if each.score >= common["threshold"]]
    chosen = scored if common["all_classes"] else best_of_rows(scored)
    return suppressed(chosen, common["overlap"], common["suppress"], common["limit"])


def names(key: str, tables: Sequence[Array]) -> dict[str, Array]:
    """Return outputs of these names."""
    return {f"{key}{at}": table[None] for at, table in enumerate(tables)}


def cut(table: Array, parts: Sequence[int]) -> list[Array]:
    """Return a table in several, of these numbers of rows."""
    return np.split(table, np.cumsum(parts)[:-1])


def scores_of(row: Array, activation: str, background: str) -> list[float]:
    """Return the scores of one row's classes."""
    shares = softmax(row).tolist()
    values = [sigmoid(each) for each in row.tolist()] if activation == "sigmoid" else shares
    return values[background == "first" : len(values) - (background == "last")]


@given(
    SEEDS,
    COMMON,
    geometries(),
    st.sampled_from(
        [
            ("sigmoid", "none"),
            ("sigmoid", "first"),
            ("sigmoid", "last"),
            ("softmax", "first"),
            ("softmax", "last"),
            ("softmax", "none"),
        ]
    ),
    st.sampled_from(["xywh", "yxhw"]),
    st.sampled_from(["exp", "linear"]),
    st.sampled_from([0, 2]),
    st.booleans(),
)
@ROUNDS
def test_ssd(  # noqa: PLR0913, PLR0917 - all that a config may say
    seed: int,
    common: dict[str, Any],
    geometry: Affine | Geometry,
    scoring: tuple[str, str],
    order: str,
    size: str,
    points: int,
    levels: bool,  # noqa: FBT001 - drawn
) -> None:
    """Any order, variance, activation, background, number of key points, and outputs by level or in one."""
    random = np.random.default_rng(seed)
    recipe = {"maps": [4, [3, 2]], "scales": [0.3, 0.6], "ratios": [1.0, 2.0]}
    priors = anchors(Anchors((4, (3, 2)), (0.3, 0.6), (1.0, 2.0))).astype(float)
    numbers = random.normal(0, 2, (len(priors), 4 + 2 * points)).astype(np.float32)
    raw = logits(random, (len(priors), int(random.integers(2, 5))))
    if scoring[0] == "softmax":  # no ties, which sums in another order would break
        raw = random.normal(0, 3, raw.shape).astype(np.float32)
    if size == "linear":
        numbers[:, 2:4] = np.abs(numbers[:, 2:4])
    parts = [48, len(priors) - 48] if levels else [len(priors)]
    outputs = names("b", cut(numbers, parts)) | names("s", cut(raw, parts))
    divisors = [10.0, 8.0, 5.0, 4.0]
    values = {
        "boxes": [f"b{at}" for at in range(len(parts))] if levels else "b0",
        "scores": [f"s{at}" for at in range(len(parts))] if levels else "s0",
        "anchors": recipe,
        "order": order,
        "divisors": divisors,
        "size": size,
        "points": points,
        "activation": scoring[0],
        "background": scoring[1],
    }
    found = build("ssd", common | values, infos(outputs))(outputs, sample(geometry))
    things = []
    for row, prior in enumerate(priors.tolist()):
        box, *spots = encoded(numbers[row].tolist(), prior, geometry.size, divisors, order, size)
        for index, score in enumerate(scores_of(raw[row], *scoring)):
            things.append(Thing(float(np.float32(score)), row, index, box, spots))
    assume(scoring[0] == "sigmoid" or told_apart([each.score for each in things]))
    same(found, wanted(things, common), geometry, clip=common["clip"])


def encoded(  # noqa: PLR0913, PLR0917 - the formula's
    numbers: Sequence[float],
    prior: Sequence[float],
    input_size: Sequence[int],
    divisors: Sequence[float],
    order: str,
    size: str,
) -> list[Any]:
    """Return a box and points in pixels of the input, by the formula of SSD."""
    pairs = [numbers[at : at + 2] for at in range(0, len(numbers), 2)]
    if order == "yxhw":
        pairs = [each[::-1] for each in pairs]
    height, width = input_size

    def spot(pair: Sequence[float]) -> list[float]:
        x = prior[0] + pair[0] / divisors[0] * prior[2]
        y = prior[1] + pair[1] / divisors[1] * prior[3]
        return [x * width, y * height]

    sides = [each / divisor for each, divisor in zip(pairs[1], divisors[2:], strict=True)]
    across, down = (math.exp(each) if size == "exp" else each for each in sides)
    (x, y), half, tall = spot(pairs[0]), across * prior[2] * width / 2, down * prior[3] * height / 2
    return [[x - half, y - tall, x + half, y + tall], *(spot(each) for each in pairs[2:])]


@given(
    SEEDS,
    COMMON,
    st.sampled_from(["apart", "together", "levels together"]),
    st.sampled_from([0.0, 0.5]),
    st.integers(2, 5),
)
@ROUNDS
def test_nanodet(seed: int, common: dict[str, Any], form: str, offset: float, bins: int) -> None:
    """Scores and distributions in outputs of their own, or side by side; an input that the strides do not divide."""
    random, strides, height, width = np.random.default_rng(seed), (8, 16), 36, 50
    geometry = Geometry(0.5, 0.5, 0, 4, (72, 100), (height, width))
    cells = [
        ((x + offset) * stride, (y + offset) * stride, stride)
        for stride in strides
        for y in range(math.ceil(height / stride))
        for x in range(math.ceil(width / stride))
    ]
    counts = [35, 12]
    scores = (random.integers(0, 30, (47, 3)) / 30 + 0.001).astype(np.float32)
    numbers = random.normal(0, 2, (47, 4 * bins)).astype(np.float32)
    both = np.concatenate([scores, numbers], axis=1)
    values: dict[str, Any] = {"strides": strides, "offset": offset, "bins": bins}
    if form == "apart":
        outputs = names("s", cut(scores, counts)) | names("b", cut(numbers, counts))
        values |= {"scores": ["s0", "s1"], "boxes": ["b0", "b1"]}
    elif form == "together":
        outputs = names("o", [both])
        values["scores"] = "o0"
    else:
        outputs = names("o", cut(both, counts))
        values["scores"] = ["o0", "o1"]
    found = build("nanodet", common | values, infos(outputs))(outputs, sample(geometry))
    things = []
    for row, (x, y, stride) in enumerate(cells):
        shares = [softmax(each) for each in numbers[row].reshape(4, bins)]
        left, top, right, bottom = (sum(at * share for at, share in enumerate(each)) * stride for each in shares)
        box = [x - left, y - top, x + right, y + bottom]
        things += [Thing(float(score), row, index, box) for index, score in enumerate(scores[row].tolist())]
    same(found, wanted(things, common), geometry, clip=common["clip"])


FORMS: dict[str, Callable[..., tuple[float, ...]]] = {
    "cxcywh": lambda left, top, right, bottom: ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top),
    "ltrb": lambda *box: box,
    "tlbr": lambda left, top, right, bottom: (top, left, bottom, right),
    "ltwh": lambda left, top, right, bottom: (left, top, right - left, bottom - top),
}


@given(
    SEEDS,
    COMMON,
    st.sampled_from(sorted(FORMS)),
    st.sampled_from(["pixels", "share"]),
    st.sampled_from(["scores", "objectness", "score, class", "apart", "apart, classes", "apart, count"]),
    st.booleans(),
)
@ROUNDS
def test_decoded_boxes(seed: int, common: dict[str, Any], form: str, unit: str, holds: str, transposed: bool) -> None:  # noqa: FBT001, PLR0913, PLR0917 - all that a config may say
    """Every form of a box, in pixels or shares, and every way to tell scores."""
    random, geometry = np.random.default_rng(seed), Geometry(0.5, 0.25, 3, 0, (96, 120), (48, 64))
    height, width = geometry.size
    start = random.uniform(-5, 50, (20, 2))
    boxes = np.concatenate([start, start + random.uniform(1, 30, (20, 2))], axis=1)
    scores = random.integers(0, 30, (20, 3)) / 30 + 0.001
    objects = random.integers(0, 30, 20) / 30 + 0.002
    scale = (width, height) * 2 if unit == "share" else (1, 1, 1, 1)
    table = np.array([FORMS[form](*(box / scale)) for box in boxes], np.float32)
    values: dict[str, Any] = {"format": form, "unit": unit}
    best, classes = scores.max(axis=1), scores.argmax(axis=1)
    rows = [list(enumerate(each)) for each in scores]
    if holds.startswith("apart"):
        outputs = {"b": table[None], "s": scores.astype(np.float32)[None]}
        values |= {"boxes": "b", "scores": "s"}
        if holds != "apart":
            outputs |= {"s": best.astype(np.float32)[None], "c": classes.astype(np.float32)[None]}
            values["classes"] = "c"
            rows = [[pair] for pair in zip(classes.tolist(), best.tolist(), strict=True)]
        if holds == "apart, count":
            outputs["n"] = np.array([13], np.float32)
            values["count"] = "n"
            rows = rows[:13]
    else:
        behind = {
            "scores": scores,
            "objectness": np.column_stack([objects, scores]),
            "score, class": np.column_stack([best, classes]),
        }
        joint = np.concatenate([table, behind[holds]], axis=1).astype(np.float32)
        outputs = {"o": (joint.T.copy() if transposed else joint)[None]}
        values |= {"output": "o", "holds": holds, "transposed": transposed}
        if holds == "objectness":
            rows = [[(index, score * whole) for index, score in row] for row, whole in zip(rows, objects, strict=True)]
        if holds == "score, class":
            rows = [[pair] for pair in zip(classes.tolist(), best.tolist(), strict=True)]
    found = build("boxes", common | values, infos(outputs))(outputs, sample(geometry))
    things = [
        Thing(float(np.float32(score)), at, int(index), box)
        for at, (row, box) in enumerate(zip(rows, boxes.tolist(), strict=False))
        for index, score in row
    ]
    same(found, wanted(things, common), geometry, clip=common["clip"])


FACES: dict[str, Any] = {"boxes": "b", "scores": "s", "anchors": {"maps": [2], "interpolated": None}, "order": "xywh"}
FACES |= {"divisors": [64.0, 64.0, 64.0, 64.0], "size": "linear", "points": 1, "overlap": 0.3}


def faces(logit: Sequence[float] = (-9.0, 3.0, 2.0, -9.0)) -> dict[str, Array]:
    """Return the outputs of a face detector with four anchors, in an input of 64 x 64; the second and third overlap."""
    numbers = np.zeros((1, 4, 6), np.float32)
    numbers[0, 1] = (-8, 8, 16, 16, 1, 2)  # the anchor is at 48, 16
    numbers[0, 2] = (24, -24, 16, 16, 1, 2)  # at 16, 48
    return {"b": numbers, "s": np.array(logit, np.float32).reshape(1, 4, 1)}


def test_a_description_is_plain_data_with_labels() -> None:
    """What the console and the result file get."""
    outputs = faces()
    post = build("ssd", FACES, infos(outputs), ["face"])
    (item,) = post.describe(post(outputs, sample(WHOLE)))["items"]
    assert (item["label"], item["box"], item["points"]) == ("face", [32, 16, 48, 32], [[49, 18]])
    assert item["score"] == pytest.approx(sigmoid(3))
    assert type(item["score"]) is type(item["box"][0]) is float


def test_nothing_found_is_an_empty_list() -> None:
    """A picture of nothing; the arrays keep their dimensions, so that a chain goes on with none."""
    outputs = faces([-9, -9, -9, -np.inf])
    post = build("ssd", FACES, infos(outputs), ["face"])
    found = post(outputs, sample(WHOLE))
    assert (found.boxes.shape, found.points.shape, len(found)) == ((0, 4), (0, 1, 2), 0)
    assert post.describe(found) == {"items": []}


def test_boxes_without_labels_and_points_have_neither() -> None:
    """The class is a number then."""
    outputs = {"o": np.array([[[8, 8, 4, 4, 0.1, 0.9]]], np.float32)}
    post = build("boxes", {"output": "o"}, infos(outputs))
    assert post.describe(post(outputs, sample(WHOLE)))["items"] == [
        {"label": "1", "score": pytest.approx(0.9), "box": [6, 6, 10, 10]}
    ]


def test_boxes_are_cut_to_the_picture_unless_told_otherwise() -> None:
    """A box beyond the right bottom corner, and points that stay where they are."""
    outputs = faces([-9, 3, -9, -9])
    outputs["b"][0, 1, 4:] = (90, 90)
    turned = sample(GEOMETRY)
    whole = build("ssd", {**FACES, "clip": False}, infos(outputs))(outputs, turned)
    cut_off = build("ssd", FACES, infos(outputs))(outputs, turned)
    assert whole.boxes.max() > 160
    height, width = GEOMETRY.source
    assert np.array_equal(cut_off.boxes, np.clip(whole.boxes, 0, (width, height, width, height)))
    assert np.array_equal(cut_off.points, whole.points)
    assert whole.points.max() > 240


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_quantised_outputs_count_in_real_numbers(dtype: str) -> None:
    """Scale and zero point of boxes and of scores."""
    outputs = faces()
    steps = {name: (np.rint(each / 0.5) + 60).astype(dtype) for name, each in outputs.items()}
    post = build("ssd", FACES, infos(steps, scale=0.5, zero_point=60))
    found, plain = post(steps, sample(WHOLE)), build("ssd", FACES, infos(outputs))(outputs, sample(WHOLE))
    assert np.array_equal(found.boxes, plain.boxes)
    assert np.allclose(found.scores, plain.scores)


def test_half_floats_and_dimensions_of_one_do_not_matter() -> None:
    """The forms in which engines hand tables over, one with open dimensions."""
    outputs = faces()
    expected = build("ssd", FACES, infos(outputs), ["face"])(outputs, sample(WHOLE))
    for scores in (outputs["s"][0], outputs["s"][0, :, 0], outputs["s"][..., 0], outputs["s"][None]):
        given = {"b": outputs["b"][0].astype(np.float16), "s": scores.astype(np.float16)}
        found = build("ssd", FACES, infos(given), ["face"])(given, sample(WHOLE))
        assert np.array_equal(found.boxes, expected.boxes)


def test_predictions_do_not_change_with_the_next_output() -> None:
    """An engine may write to the same arrays again, and a model without suppression of ours has nothing copied."""
    outputs = {"o": np.array([[[8, 8, 12, 12, 0.9, 3]]], np.float32)}
    post = build(
        "boxes", {"output": "o", "holds": "score, class", "format": "ltrb", "suppress": "none"}, infos(outputs)
    )
    found = post(outputs, sample(WHOLE))
    outputs["o"][:] = 0
    assert (found.boxes.tolist(), found.classes.tolist()) == ([[8, 8, 12, 12]], [3])
    assert found.scores == pytest.approx([0.9])


def test_inputs_of_another_size_are_decoded_by_it() -> None:
    """Two sizes in turn, as a model with open dimensions takes them."""
    outputs = faces([-9, 3, -9, -9])
    post = build("ssd", {**FACES, "clip": False}, infos(outputs))
    for side in (64, 128, 64):
        geometry = Geometry(1, 1, 0, 0, (200, 200), (side, side))
        (box,) = post(outputs, sample(geometry)).boxes / (side / 64)
        assert box.tolist() == [32, 16, 48, 32]


def test_a_box_inside_out_has_no_size() -> None:
    """A model that says a right side left of the left one; the pictures of a chain are cut by such boxes."""
    outputs = {"o": np.array([[[20, 10, 12, 30, 0.9]]], np.float32)}
    post = build("boxes", {"output": "o", "format": "ltrb"}, infos(outputs))
    assert post(outputs, sample(WHOLE)).boxes.tolist() == [[20, 10, 20, 30]]


def test_values_are_all_boxes_in_full() -> None:
    """What two engines are compared by: nothing is dropped, scores are activated."""
    outputs = faces()
    found = build("ssd", FACES, infos(outputs), ["face"]).values(outputs, sample(WHOLE))
    assert {name: each.shape for name, each in found.items()} == {
        "scores": (4, 1),
        "boxes": (4, 4),
        "points": (4, 1, 2),
    }
    assert found["scores"][:, 0] == pytest.approx([sigmoid(each) for each in (-9, 3, 2, -9)])
    assert found["boxes"][2].tolist() == [32, 16, 48, 32]


def test_values_of_boxes_with_a_count_are_nought_beyond_it() -> None:
    """What the model left in the rest of its output says nothing."""
    outputs = {"b": np.ones((1, 3, 4)), "s": np.ones((1, 3)), "c": np.ones((1, 3)), "n": np.array([2])}
    given = {name: each.astype(np.float32) for name, each in outputs.items()}
    post = build("boxes", {"boxes": "b", "scores": "s", "classes": "c", "count": "n"}, infos(given))
    found = post.values(given, sample(WHOLE))
    assert found["scores"].tolist() == found["classes"].tolist() == [1, 1, 0]
    assert found["boxes"].shape == (3, 4)
