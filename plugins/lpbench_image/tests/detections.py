"""Slow and obvious detection in plain Python, float64, for the tests to compare with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from hypothesis import assume
from plugins.lpbench_image.tests.posts import through

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from lpbench_image.found import Detections
    from lpbench_image.geometry import Affine, Geometry

    Array = npt.NDArray[Any]

CLOSE = 1e-4
"""Overlaps nearer to the limit may fall on either side of it: float32 is coarser."""
CLOSE_SCORES = 1e-6
"""Shares of a softmax nearer to each other may come in either order, likewise."""


class Thing(NamedTuple):
    """One box that may count: left, top, right, bottom and points in pixels of the input."""

    score: float
    row: int
    kind: int
    box: Sequence[float]
    points: Sequence[Sequence[float]] = ()


def overlap(first: Sequence[float], second: Sequence[float]) -> float:
    """Return intersection over union of two boxes; 0 where one has no area."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return width * height / (sum(areas) - width * height)


def told_apart(scores: Sequence[float]) -> bool:
    """Say whether float32 orders scores as float64 does: sums in another order move their last digits."""
    return bool(np.all(np.diff(np.sort(scores)) > CLOSE_SCORES))


def suppressed(things: Sequence[Thing], limit: float, suppress: str, count: int) -> list[Thing]:
    """Return the things that stay, best first; of equal ones the lower row, then the lower class."""
    kept: list[Thing] = []
    for thing in sorted(things, key=lambda each: (-each.score, each.row, each.kind)):
        rivals = [each for each in kept if suppress == "all" or (suppress == "class" and each.kind == thing.kind)]
        shares = [overlap(each.box, thing.box) for each in rivals]
        assume(all(abs(share - limit) > CLOSE or share == limit for share in shares))
        if not any(share > limit for share in shares):
            kept.append(thing)
    return kept[:count]


def best_of_rows(things: Sequence[Thing]) -> list[Thing]:
    """Return the best class of each row, of equal ones the lower."""
    rows = sorted({each.row for each in things})
    return [
        max((each for each in things if each.row == row), key=lambda each: (each.score, -each.kind)) for row in rows
    ]


def same(found: Detections, wanted: Sequence[Thing], geometry: Affine | Geometry, *, clip: bool = True) -> None:
    """Assert that these things were found, in the picture."""
    assert found.classes.tolist() == [each.kind for each in wanted]
    assert np.allclose(found.scores, [each.score for each in wanted], rtol=1e-4, atol=1e-6)
    for at, thing in enumerate(wanted):
        left, top, right, bottom = thing.box
        corners = through(geometry, [(left, top), (right, top), (right, bottom), (left, bottom)])
        box = [*corners.min(axis=0), *corners.max(axis=0)]
        if clip:
            height, width = geometry.source
            box = [min(max(each, 0), size) for each, size in zip(box, (width, height) * 2, strict=True)]
        assert np.allclose(found.boxes[at], box, rtol=1e-3, atol=0.01)
        assert found.points[at].shape == (len(thing.points), 2)
        if thing.points:
            assert np.allclose(found.points[at], through(geometry, thing.points), rtol=1e-3, atol=0.01)


def sigmoid(logit: float) -> float:
    """Return the logistic function."""
    return 1 / (1 + math.exp(-logit))


def softmax(logits: Array) -> Array:
    """Return shares that sum up to 1."""
    exponentials = np.exp(np.asarray(logits, float) - np.max(logits))
    shares: Array = exponentials / exponentials.sum()
    return shares
