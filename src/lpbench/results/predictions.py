"""Whether predictions say the same: best labels, boxes by how much they overlap, and scores.

Standard library only: predictions are JSON.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Box = Sequence[float]
    """Left, top, right, bottom."""
    Prediction = Mapping[str, Any]

OVERLAP = 0.5
"""Intersection over union from which on two boxes may be one (PASCAL VOC, 2010)."""
WORDS = ("label", "text")
"""Keys whose value is the answer itself."""
CORNERS = 4
"""Numbers of a box."""
MOST = 1000
"""Boxes of one sample that are compared: each is compared with each."""
ROUNDING = 1e-5
"""Relative difference of numbers that rounding in single precision explains: they are the same answer."""


@dataclass(frozen=True)
class Agreement:
    """How far the predictions of two configurations say the same.

    :param samples: Samples that both answered, in words or boxes: numbers alone are not counted.
    :param same: Of these, those with the same best label, or all boxes matched.
    :param worst_score: Largest difference between the scores of what both found, 0 where nothing has scores.
    """

    samples: int
    same: int
    worst_score: float


@dataclass(frozen=True)
class Boxes:
    """How far boxes are the same.

    :param matched: Pairs of boxes with the same label that overlap by ``OVERLAP`` or more.
    :param of: The boxes of the side that has more, over all samples.
    :param overlaps: Sum of the pairs' intersections over unions.
    """

    matched: int
    of: int
    overlaps: float

    @property
    def share(self) -> float:
        """Share of boxes that are matched; 1 where there are none."""
        return self.matched / self.of if self.of else 1.0

    @property
    def mean_overlap(self) -> float | None:
        """Mean intersection over union of the pairs, None where there are none."""
        return self.overlaps / self.matched if self.matched else None

    def __add__(self, other: Boxes) -> Boxes:
        return Boxes(self.matched + other.matched, self.of + other.of, self.overlaps + other.overlaps)


def count_matching_answers(reference: Sequence[Prediction], other: Sequence[Prediction]) -> Agreement:
    """Return how far two configurations' predictions agree; they are paired by ``sample``.

    In a chain, what later components found counts too, thing by thing.
    """
    by_sample = {each.get("sample"): each for each in other}
    pairs = [(each, by_sample[each.get("sample")]) for each in reference if each.get("sample") in by_sample]
    judged = [(same_answer(*pair), _score_gap(*pair)) for pair in pairs]
    answered = [same for same, _ in judged if same is not None]
    return Agreement(len(answered), sum(answered), max((gap for _, gap in judged), default=0.0))


def same_top(reference: Prediction, other: Prediction) -> bool | None:
    """Whether the best labels are the same, or tie; None where one side has no list of candidates."""
    first, second = _records(reference.get("top")), _records(other.get("top"))
    if first is None or second is None:
        return None
    best = _label(first), _label(second)
    return _same_value(*best) or (_among_best(best[1], first) and _among_best(best[0], second))


def boxes(reference: Prediction, other: Prediction) -> Boxes | None:
    """Return how far the boxes are the same; None where one side can have none, or more than are compared."""
    sides = _sides(reference, other)
    if sides is None:
        return None
    first, second = sides
    pairs = matches(first, second)
    return Boxes(len(pairs), max(len(first), len(second)), sum(overlap for _, _, overlap in pairs))


def _sides(reference: Prediction, other: Prediction) -> tuple[list[Prediction], list[Prediction]] | None:
    """Return the things of both sides where boxes can be compared."""
    first, second = _boxed(reference), _boxed(other)
    if first is None or second is None or max(len(first), len(second)) > MOST:
        return None
    return first, second


def matches(first: Sequence[Prediction], second: Sequence[Prediction]) -> list[tuple[int, int, float]]:
    """Return which things are the same: their indices and how much they overlap.

    Of all pairs with one label, the one that overlaps most is taken first; each thing is in one pair at most.
    """
    found = [
        (share, i, j)
        for i, a in enumerate(first)
        for j, b in enumerate(second)
        if a.get("label") == b.get("label") and (share := overlap(a["box"], b["box"])) >= OVERLAP
    ]
    pairs: list[tuple[int, int, float]] = []
    taken: tuple[set[int], set[int]] = (set(), set())
    for share, i, j in sorted(found, key=lambda each: (-each[0], each[1], each[2])):
        if i not in taken[0] and j not in taken[1]:
            pairs.append((i, j, share))
            taken[0].add(i)
            taken[1].add(j)
    return pairs


def overlap(first: Box, second: Box) -> float:
    """Return the intersection over the union of two boxes, 1 for two that are equal and empty."""
    if list(first) == list(second):
        return 1.0
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    common = max(0.0, width) * max(0.0, height)
    union = _area(first) + _area(second) - common
    return common / union if union > 0 else 0.0


def _boxed(prediction: Prediction) -> list[Prediction] | None:
    """Return the things of a prediction if each has a box: what a file holds may be anything."""
    things = _records(prediction.get("items"))
    return things if things is not None and all(_is_box(each.get("box")) for each in things) else None


def _is_box(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) >= CORNERS and all(map(_is_number, value))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _records(value: object) -> list[Prediction] | None:
    """Return a list of objects; None for anything else."""
    return value if isinstance(value, list) and all(isinstance(each, dict) for each in value) else None


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _label(candidates: Sequence[Prediction]) -> object:
    return candidates[0].get("label") if candidates else None


def _among_best(label: object, candidates: Sequence[Prediction]) -> bool:
    """Whether a label's score is that of the best candidate but for rounding."""
    scores = [each.get("score") for each in candidates if each.get("label") == label][:1]
    return any(isinstance(score, (int, float)) and _same_value(score, candidates[0].get("score")) for score in scores)


def _same_value(first: object, second: object) -> bool:
    """Whether two values of a prediction are equal, numbers but for rounding."""
    if isinstance(first, float) and isinstance(second, (int, float)):
        return math.isclose(first, second, rel_tol=ROUNDING)
    return first == second


def same_answer(reference: Prediction, other: Prediction) -> bool | None:
    """Whether two predictions give the same answer; None where they hold nothing that can be the same.

    In a chain, what later components found counts too, item by item.
    """
    found = boxes(reference, other)
    answers = [
        same_top(reference, other),
        None if found is None else found.matched == found.of,
        *(_same_value(reference[word], other.get(word)) for word in WORDS if word in reference),
        *(_same_inside(reference.get(name), other.get(name)) for name in {*_later(reference), *_later(other)}),
    ]
    known = [each for each in answers if each is not None]
    return all(known) if known else None


def _same_inside(reference: Any, other: Any) -> bool | None:
    """Whether a later component of a chain says the same of each thing."""
    first, second = _records(reference), _records(other)
    if first is None or second is None or len(first) != len(second):
        return False
    known = [each for each in map(same_answer, first, second) if each is not None]
    return all(known) if known else None


def _later(prediction: Prediction) -> list[str]:
    """Return the names of later components, whose records say which thing they are about."""
    return [
        name
        for name, value in prediction.items()
        if value and (records := _records(value)) and all("item" in each for each in records)
    ]


def _score_gap(reference: Prediction, other: Prediction) -> float:
    """Return the largest difference between the scores of what both found."""
    gaps = [_gap(reference, other)]
    if same_top(reference, other) is not None:
        there = {_key(each): each for each in other["top"]}
        gaps += [_gap(each, there.get(_key(each), {})) for each in reference["top"]]
    if sides := _sides(reference, other):
        first, second = sides
        gaps += [_gap(first[i], second[j]) for i, j, _ in matches(first, second)]
    for name in _later(reference):
        gaps += [_score_gap(*pair) for pair in zip(reference[name], _records(other.get(name)) or (), strict=False)]
    return max(gaps)


def _key(candidate: Prediction) -> object:
    """Return a candidate's label as what can be looked up: a file may hold a list there."""
    label = candidate.get("label")
    return repr(label) if isinstance(label, (list, dict)) else label


def _gap(first: Prediction, second: Prediction) -> float:
    one, other = first.get("score"), second.get("score")
    return abs(one - other) if isinstance(one, (int, float)) and isinstance(other, (int, float)) else 0.0
