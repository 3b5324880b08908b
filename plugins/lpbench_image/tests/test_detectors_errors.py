"""What detectors refuse: outputs, labels and settings that cannot be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_image.tests.posts import build, infos, sample
from plugins.lpbench_image.tests.test_detectors import FACES, WHOLE, faces

from lpbench.errors import ConfigError, ProcessorError
from lpbench.plugin import registry
from lpbench.plugin.engine import TensorInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugins.lpbench_image.tests.posts import Array

NANODET = {"scores": ["s0", "s1"], "boxes": ["b0", "b1"], "strides": [16, 32], "bins": 3}
PAIRS = {"boxes": "b", "scores": "s", "classes": "c", "count": "n"}


def cells(first: int = 16, second: int = 4) -> dict[str, Array]:
    """Return the outputs of a NanoDet for an input of 64 x 64."""
    rows = {"0": first, "1": second}
    return {
        f"{key}{at}": np.full((1, count, width), 0.9, np.float32)
        for at, count in rows.items()
        for key, width in (("s", 2), ("b", 12))
    }


def pairs(classes: float = 1, count: float = 2) -> dict[str, Array]:
    """Return boxes with their classes and how many there are."""
    outputs = {"b": np.ones((1, 3, 4)), "s": np.ones((1, 3)), "c": np.full((1, 3), classes), "n": np.array([count])}
    return {name: each.astype(np.float32) for name, each in outputs.items()}


def opened(outputs: Mapping[str, Array]) -> list[TensorInfo]:
    """Return what a session says of outputs whose rows are known when it has run."""
    return [TensorInfo(name, str(each.dtype), (1, None, *each.shape[2:])) for name, each in outputs.items()]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("loud", [True, False])
def test_scores_that_are_no_numbers_are_refused_by_sample(bad: float, loud: bool) -> None:  # noqa: FBT001 - a parameter
    """As half precision yields them, whether or not anything scores enough."""
    outputs = faces([bad, 3 if loud else -9, -9, -9])
    with pytest.raises(ProcessorError, match=r'cat\.jpg: output "s" holds (nan|inf)') as caught:
        build("ssd", FACES, infos(outputs))(outputs, sample(WHOLE))
    assert "float32" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "values", "table"),
    [
        ("boxes", {"output": "o", "transposed": True}, np.array([[1, 2, 3, 4, np.nan, 0.1]])),
        ("boxes", {"output": "o", "holds": "objectness"}, np.array([[1, 2, 3, 4, 0.9, np.nan]])),
        ("boxes", {"output": "o", "holds": "objectness"}, np.array([[1, 2, 3, 4, np.nan, 0.9]])),
        ("boxes", {"output": "o", "holds": "score, class"}, np.array([[1, 2, 3, 4, 0.9, np.nan]])),
        ("boxes", {"output": "o", "activation": "softmax"}, np.array([[1, 2, 3, 4, 0.9, np.nan]])),
    ],
)
def test_scores_of_every_kind_are_looked_at(name: str, values: dict[str, Any], table: Array) -> None:
    """Columns, objectness, classes and logits."""
    given = table.astype(np.float32)
    outputs = {"o": given.T.copy() if values.get("transposed") else given}
    with pytest.raises(ProcessorError, match='output "o" holds nan'):
        build(name, values, infos(outputs))(outputs, sample(WHOLE))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_boxes_that_are_no_numbers_are_refused_where_they_count(bad: float) -> None:
    """Of a box that scores enough; another's do not matter."""
    outputs = faces([-9, 3, -9, -9])
    outputs["b"][0, 0] = bad
    post = build("ssd", FACES, infos(outputs))
    assert len(post(outputs, sample(WHOLE))) == 1
    outputs["b"][0, 1, 2] = bad
    with pytest.raises(ProcessorError, match=r'cat\.jpg: output "b" holds boxes that are not finite'):
        post(outputs, sample(WHOLE))


@pytest.mark.filterwarnings("error")
def test_huge_encodings_make_large_boxes_and_no_noise() -> None:
    """An exponent that float32 cannot hold; nothing is printed."""
    outputs = {"b": np.array([[[0, 0, 9999, 9999]]], np.float32), "s": np.array([[[5]]], np.float32)}
    config = {"boxes": "b", "scores": "s", "anchors": {"maps": [1], "interpolated": None}}
    found = build("ssd", config, infos(outputs))(outputs, sample(WHOLE))
    assert found.boxes.tolist() == [[0, 0, 64, 64]]


@pytest.mark.parametrize("labels", [["face", "cat"], list("abc")])
def test_labels_that_are_not_one_for_each_class_are_refused(labels: list[str]) -> None:
    """At construction where the model tells, at the first output where it does not."""
    outputs = faces()
    with pytest.raises(ProcessorError, match=rf'{len(labels)} labels for 1 class of output "s"') as caught:
        build("ssd", FACES, infos(outputs), labels)
    assert "background" in caught.value.hint
    post = build("ssd", FACES, opened(outputs), labels)
    with pytest.raises(ProcessorError, match="labels for 1 class"):
        post(outputs, sample(WHOLE))


def test_a_class_without_a_label_is_refused() -> None:
    """A model of 90 classes and the labels of 80."""
    for index in (80.0, -1.0):
        outputs = pairs(index)
        with pytest.raises(ProcessorError, match=rf'output "c" holds class {index:g}; there are 80 labels'):
            build("boxes", PAIRS, infos(outputs), ["thing"] * 80)(outputs, sample(WHOLE))


@pytest.mark.parametrize("count", [4, -1, np.nan])
def test_a_count_beyond_the_output_is_refused(count: float) -> None:
    """A model that found more than it can tell."""
    outputs = pairs(count=count)
    with pytest.raises(ProcessorError, match=r'output "n" gives a count of -?\w+ boxes; expected 0 to 3'):
        build("boxes", PAIRS, infos(outputs))(outputs, sample(WHOLE))


def test_anchors_that_are_not_one_for_each_row_are_refused() -> None:
    """The maps of another model; said with all three counts."""
    outputs = faces()
    with pytest.raises(ProcessorError, match='"s": 4 boxes; "b": 4 boxes; anchors: 9 boxes'):
        build("ssd", {**FACES, "anchors": {"maps": [3], "interpolated": None}}, infos(outputs))


def test_levels_in_another_order_are_refused() -> None:
    """Scores from the fine level to the coarse one and boxes the other way round."""
    outputs = cells()
    with pytest.raises(ProcessorError, match=r'"s0", "s1": 16 \+ 4 boxes; "b1", "b0": 4 \+ 16 boxes'):
        build("nanodet", {**NANODET, "boxes": ["b1", "b0"]}, infos(outputs))


def test_strides_that_do_not_fit_the_input_are_refused() -> None:
    """Found out with the first sample: before, nothing says how large the input is."""
    outputs = cells(first=20)
    with pytest.raises(ProcessorError, match=r"20 \+ 4 boxes; strides \[16, 32\] in an input of 64x64: 16 \+ 4 boxes"):
        build("nanodet", NANODET, infos(outputs))(outputs, sample(WHOLE))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 4, 7), r'output "b" \[1, 4, 7\] has rows of 7 numbers; the config requires 6'),
        ((2, 4, 6), r'output "b" \[2, 4, 6\] is not a table of boxes, \[1, N, 6\]'),
        ((1, 6, 2, 2), r'output "b" \[1, 6, 2, 2\] is not a table of boxes'),
        ((), r'output "b" \[\] is not a table of boxes'),
    ],
)
def test_an_output_that_is_no_table_of_boxes_is_refused(shape: tuple[int, ...], message: str) -> None:
    """At construction where the model tells, at the first output where it does not."""
    outputs = faces() | {"b": np.zeros(shape, np.float32)}
    with pytest.raises(ProcessorError, match=message):
        build("ssd", FACES, infos(outputs))
    post = build(
        "ssd", FACES, [TensorInfo(name, "float32", (None,) * each.ndim or (None,)) for name, each in outputs.items()]
    )
    with pytest.raises(ProcessorError, match=message):
        post(outputs, sample(WHOLE))


def test_an_output_of_another_size_than_the_model_says_is_refused() -> None:
    """An engine that hands over something else."""
    outputs = faces()
    post = build("ssd", FACES, infos(outputs))
    with pytest.raises(
        ProcessorError, match=r'output "s" \[1, 5, 1\] differs from the shape that the model declares, \[1, 4, 1\]'
    ):
        post(outputs | {"s": np.zeros((1, 5, 1), np.float32)}, sample(WHOLE))


def test_an_output_is_named_by_the_config_and_by_what_a_converter_made_of_it() -> None:
    """A wrong name gets the key of the config and the nearest name; an alias counts as the name."""
    outputs = faces()
    with pytest.raises(ProcessorError, match=r'postprocessing\.scores: the model has no output "ss"') as caught:
        build("ssd", {**FACES, "scores": "ss"}, infos(outputs))
    assert '"s"' in caught.value.hint
    renamed = [
        TensorInfo(f"out{at}", "float32", each.shape, alias=name) for at, (name, each) in enumerate(outputs.items())
    ]
    found = build("ssd", FACES, renamed)({"out0": outputs["b"], "out1": outputs["s"]}, sample(WHOLE))
    assert len(found) == 1


def test_a_sample_without_a_picture_is_refused() -> None:
    """Tensors from files: nobody knows where in a picture a box is."""
    outputs = faces()
    with pytest.raises(ProcessorError, match=r"cat\.jpg: the sample has no geometry") as caught:
        build("ssd", FACES, infos(outputs))(outputs, sample(None))
    assert '"image"' in caught.value.hint


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("ssd", {**FACES, "threshold": 1.5}, "threshold must be 0 to 1, found 1.5"),
        ("ssd", {**FACES, "overlap": -0.1}, "overlap must be 0 to 1"),
        ("ssd", {**FACES, "limit": 0}, "limit must be 1 or more"),
        ("ssd", {**FACES, "points": -1}, "points must be 0 or more"),
        ("ssd", {**FACES, "divisors": [0.0, 1.0, 1.0, 1.0]}, "divisors must be above 0"),
        ("ssd", {**FACES, "divisors": [1.0]}, "found 1 value; expected 4"),
        ("nanodet", {**NANODET, "strides": []}, "strides must be 1 or more each"),
        ("nanodet", {**NANODET, "bins": 1}, "bins must be 2 or more"),
        ("boxes", {}, "name either output, or boxes and scores"),
        ("boxes", {"output": "o", "boxes": "b", "scores": "s"}, "name either output, or boxes and scores"),
        ("boxes", {"boxes": "b"}, "name either output, or boxes and scores"),
        ("boxes", {"boxes": "b", "scores": "s", "transposed": True}, "holds and transposed belong to output"),
        ("boxes", {"output": "o", "classes": "c"}, "classes and count belong to boxes and scores"),
        ("boxes", {"boxes": "b", "scores": "s", "count": "n"}, "count requires classes"),
        (
            "boxes",
            {"output": "o", "holds": "objectness", "activation": "softmax"},
            "softmax and background cannot be combined with objectness",
        ),
        ("boxes", {"output": "o", "holds": "score, class", "background": "last"}, "need a score for each class"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(name: str, values: dict[str, Any], message: str) -> None:
    """When the config is read, before any model is opened."""
    with pytest.raises(ConfigError, match=message):
        build(name, values, infos(faces()))


@pytest.mark.parametrize("name", ["ssd", "nanodet", "boxes"])
def test_detectors_are_found_through_the_entry_point_and_serve_every_class(name: str) -> None:
    """A chain of any class may begin with one."""
    spec = registry.current().get(registry.POSTPROCESSORS, name).spec
    assert spec.availability()
    assert spec.classes == ()
