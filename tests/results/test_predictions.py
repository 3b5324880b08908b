"""Whether predictions say the same: labels, boxes and scores, of any class of app, in chains too."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.results.predictions import (
    Agreement,
    boxes,
    count_matching_answers,
    matches,
    overlap,
    same_answer,
    same_top,
)

Prediction = dict[str, Any]
KEYS = st.sampled_from(("label", "score", "box", "item", "items", "top", "text", "part"))
SIDE = st.integers(0, 12)
BOX = st.tuples(SIDE, SIDE, SIDE, SIDE).map(
    lambda e: [min(e[0], e[2]), min(e[1], e[3]), max(e[0], e[2]), max(e[1], e[3])]
)
THINGS = st.lists(st.builds(lambda box, label: {"box": box, "label": label}, BOX, st.sampled_from("ab")), max_size=6)


def classes(*scores: tuple[str, float], sample: str = "0") -> Prediction:
    return {"sample": sample, "top": [{"label": label, "index": 0, "score": score} for label, score in scores]}


def things(*found: tuple[str, list[float], float], sample: str = "0") -> Prediction:
    return {"sample": sample, "items": [{"label": label, "box": box, "score": score} for label, box, score in found]}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda each: st.lists(each) | st.dictionaries(KEYS, each)
    )
)
def test_predictions_of_any_shape_are_compared(value: Any) -> None:
    """A file may hold anything; plugins that are not installed any more may have written it."""
    plain = {
        "top": [{"label": "a", "score": 1.0}],
        "items": [{"label": "a", "box": [0, 0, 1, 1]}],
        "part": [{"item": 1}],
    }
    for first in ({"sample": "x", **plain}, {"sample": "x", **dict.fromkeys(plain, value)}):
        for name in plain:
            count_matching_answers([first], [{"sample": "x", **plain, name: value}])
            count_matching_answers([{"sample": "x", **plain, name: value}], [first])


@given(BOX, BOX)
def test_the_overlap_is_that_of_counted_pixels(first: list[int], second: list[int]) -> None:
    def pixels(box: list[int]) -> set[tuple[int, int]]:
        return {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}

    union = pixels(first) | pixels(second)
    expected = len(pixels(first) & pixels(second)) / len(union) if union else float(first == second)
    assert overlap(first, second) == pytest.approx(expected)


@given(THINGS, THINGS)
def test_pairs_are_the_best_first_and_nothing_is_in_two(first: list[Prediction], second: list[Prediction]) -> None:
    """By the definition, slowly: as long as there is a pair left, take the best."""
    expected, rest = [], {(i, j) for i in range(len(first)) for j in range(len(second))}
    while rest:
        share, i, j = max((overlap(first[i]["box"], second[j]["box"]), -i, -j) for i, j in rest)
        i, j = -i, -j
        if first[i]["label"] == second[j]["label"] and share >= 0.5:
            expected.append((i, j, share))
            rest = {(a, b) for a, b in rest if a != i and b != j}
        else:
            rest.discard((i, j))
    assert matches(first, second) == expected


def test_classes_agree_where_the_best_label_is_the_same() -> None:
    reference = [classes(("cat", 0.9), ("dog", 0.1)), classes(("cat", 0.5), ("dog", 0.45), sample="1")]
    other = [classes(("dog", 0.52), ("cat", 0.48), sample="1"), classes(("cat", 0.88), ("fox", 0.1))]
    found = count_matching_answers(reference, other)
    assert (found.samples, found.same) == (2, 1)
    assert found.worst_score == pytest.approx(0.07)
    assert same_top(reference[0], other[1])
    assert same_top(reference[0], things()) is None


def test_the_last_bit_of_a_number_makes_no_other_answer() -> None:
    """Scores that tie stand in either order, and a number may be the answer itself."""
    near = 0.5 * (1 + 1e-7)
    tied, turned = classes(("cat", near), ("dog", 0.5), ("cow", 0)), classes(("dog", 0.5), ("cat", 0.5), ("cow", 0))
    assert same_top(tied, turned)
    assert not same_top(tied, classes(("dog", 0.6), ("cat", 0.4)))
    assert not same_top(tied, classes(("cow", near), ("dog", 0.5)))
    assert same_answer({"label": 31.4}, {"label": 31.4 * (1 + 1e-7)})
    assert not same_answer({"label": 31.4}, {"label": 31.5})
    assert not same_answer({"text": "1000000"}, {"text": "1000001"})


def test_boxes_agree_where_all_are_matched() -> None:
    one = things(("cat", [0, 0, 10, 10], 0.9), ("dog", [20, 0, 30, 10], 0.8))
    near = things(("dog", [20, 0, 30, 11], 0.7), ("cat", [0, 1, 10, 10], 0.9))
    fewer = things(("cat", [0, 0, 10, 10], 0.9))
    renamed = things(("cat", [0, 0, 10, 10], 0.9), ("cow", [20, 0, 30, 10], 0.8))
    found = count_matching_answers([one], [near])
    assert (found.samples, found.same) == (1, 1)
    assert found.worst_score == pytest.approx(0.1)
    assert count_matching_answers([one], [fewer]).same == count_matching_answers([fewer], [one]).same == 0
    assert count_matching_answers([one], [renamed]).same == 0
    counted = boxes(one, near)
    assert counted is not None
    assert counted.share == 1
    assert counted.mean_overlap == pytest.approx((0.9 + 10 / 11) / 2)


def test_nothing_found_on_both_sides_is_the_same() -> None:
    assert count_matching_answers([things()], [things()]) == Agreement(1, 1, 0.0)
    assert count_matching_answers([things()], [things(("cat", [0, 0, 1, 1], 0.5))]).same == 0


def test_what_later_components_found_counts_thing_by_thing() -> None:
    def chain(*labels: str) -> Prediction:
        return {**things(), "emotion": [{"item": at, **classes((label, 0.6))} for at, label in enumerate(labels)]}

    assert count_matching_answers([chain("glad", "sad")], [chain("glad", "sad")]).same == 1
    assert count_matching_answers([chain("glad", "sad")], [chain("glad", "glad")]).same == 0
    assert count_matching_answers([chain("glad")], [chain("glad", "sad")]).same == 0
    assert count_matching_answers([chain()], [chain("glad")]).same == 0


def test_texts_are_answers_too() -> None:
    assert count_matching_answers([{"sample": "0", "text": "lot 7"}], [{"sample": "0", "text": "lot 7"}]).same == 1
    assert count_matching_answers([{"sample": "0", "text": "lot 7"}], [{"sample": "0", "text": "lot 1"}]).same == 0


def test_numbers_alone_and_samples_of_one_side_only_are_not_counted() -> None:
    vector = {"sample": "0", "embedding": [0.1, 0.2]}
    assert count_matching_answers([vector], [vector]) == Agreement(0, 0, 0.0)
    assert count_matching_answers([classes(("cat", 1.0), sample="a")], [classes(("cat", 1.0), sample="b")]).samples == 0
    assert count_matching_answers([], []) == Agreement(0, 0, 0.0)
