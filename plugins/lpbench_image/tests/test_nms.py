"""Of boxes that overlap the best stays, as in a loop over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests.detections import Thing, suppressed

from lpbench_image.boxes._nms import BLOCK, TILE, Suppression

ROUNDS = settings(max_examples=80, deadline=None)
EXACT = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Overlaps that float32 multiplies by small whole areas without rounding."""


def slow(boxes: np.ndarray, classes: np.ndarray | None, overlap: float, limit: int) -> list[int]:
    """Return the same by the slow way."""
    named = np.zeros(len(boxes), int) if classes is None else classes
    rows = [Thing(-at, at, int(each), box) for at, (box, each) in enumerate(zip(boxes.tolist(), named, strict=True))]
    return [each.row for each in suppressed(rows, overlap, "class", limit)]


@given(
    st.lists(st.tuples(*[st.integers(0, 12)] * 4, st.integers(0, 2)), max_size=90),
    st.sampled_from(EXACT),
    st.integers(1, 100),
    st.booleans(),
)
@ROUNDS
def test_boxes_on_whole_pixels(drawn: list[tuple[int, ...]], overlap: float, limit: int, agnostic: bool) -> None:  # noqa: FBT001 - drawn
    """Equal boxes, boxes without an area or inside out, and overlaps that meet the limit exactly, which stay."""
    table = np.array(drawn, np.float32).reshape(-1, 5)
    boxes, classes = table[:, :4], None if agnostic else table[:, 4].astype(np.int64)
    found = Suppression(overlap)(np.ascontiguousarray(boxes.T), classes, limit)
    assert found.dtype == np.int64
    assert found.tolist() == slow(boxes, classes, overlap, limit)


@given(st.integers(0, 2**32), st.integers(0, 3 * TILE), st.integers(1, 400), st.floats(0.05, 0.95), st.integers(1, 300))
@settings(max_examples=15, deadline=None)
def test_crowds(seed: int, count: int, things: int, overlap: float, limit: int) -> None:
    """More boxes than are compared at once, around any number of things."""
    random = np.random.default_rng(seed)
    middle, size = random.uniform(0, 500, (things, 2)), random.uniform(5, 90, (things, 2))
    whose = random.integers(0, things, count)
    centre = middle[whose] + random.normal(0, 4, (count, 2))
    half = size[whose] * random.normal(1, 0.1, (count, 2)) / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    classes = random.integers(0, 3, count)
    found = Suppression(overlap)(np.ascontiguousarray(boxes.T), classes, limit)
    assert found.tolist() == slow(boxes, classes, overlap, limit)


@pytest.mark.parametrize("count", [0, 1, BLOCK, BLOCK + 1, TILE, TILE + 1, 2 * TILE + 5])
def test_boxes_apart_all_stay_up_to_the_limit(count: int) -> None:
    """At the edges of what is compared at once."""
    left = np.arange(count, dtype=np.float32) * 10
    boxes = np.stack([left, left * 0, left + 9, left * 0 + 9])
    assert Suppression(0.5)(boxes, None, count + 1).tolist() == list(range(count))
    assert Suppression(0.5)(boxes, None, 7).tolist() == list(range(min(count, 7)))


@pytest.mark.parametrize("count", [2, BLOCK + 1, TILE + 1, 5 * TILE])
def test_of_equal_boxes_one_stays_and_without_area_all_do(count: int) -> None:
    """A model that says the same everywhere."""
    box = np.array([[10], [20], [30], [50]], np.float32)
    assert Suppression(0.99)(np.repeat(box, count, axis=1), None, 1000).tolist() == [0]
    empty = np.repeat(box[[0, 1, 0, 1]], count, axis=1)
    assert len(Suppression(0.0)(empty, None, 10**6)) == count
