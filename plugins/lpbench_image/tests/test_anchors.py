"""The anchors of SSDs, as the published recipe has them, one by one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.errors import ConfigError
from lpbench.util import dataclass_config
from lpbench_image.boxes._anchors import anchors
from lpbench_image.boxes.config import Anchors

MOBILENET = {
    "maps": [19, 10, 5, 3, 2, 1],
    "scales": [0.2, 0.95],
    "ratios": [1.0, 2.0, 0.5, 3.0, 0.3333],
    "reduced": True,
}


def slow(maps: list[tuple[int, int]], scales: tuple[float, float], ratios: list[float], *, reduced: bool) -> Any:
    """Return the anchors of maps of different sizes, by loops as in the calculator's description."""
    found = []
    steps = max(len(maps) - 1, 1)
    for layer, (height, width) in enumerate(maps):
        scale = scales[0] + (scales[1] - scales[0]) * layer / steps
        last = layer == len(maps) - 1
        following = 1.0 if last else scales[0] + (scales[1] - scales[0]) * (layer + 1) / steps
        shapes = [(scale, ratio) for ratio in ratios] + [(math.sqrt(scale * following), 1.0)]
        if reduced and layer == 0:
            shapes = [(scale / 2, 1.0), (scale, 2.0), (scale, 0.5)]
        for y in range(height):
            for x in range(width):
                for size, ratio in shapes:
                    root = math.sqrt(ratio)
                    found.append(((x + 0.5) / width, (y + 0.5) / height, size * root, size / root))
    return found


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=4, unique=True),
    st.lists(st.floats(0.2, 5), min_size=1, max_size=3),
    st.floats(0.05, 0.5),
    st.floats(0.5, 1),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_scaled_anchors(
    maps: list[tuple[int, int]],
    ratios: list[float],
    low: float,
    high: float,
    reduced: bool,  # noqa: FBT001 - drawn
) -> None:
    """Any maps, oblong ones too."""
    values = {"maps": maps, "scales": [low, high], "ratios": ratios, "reduced": reduced}
    found = anchors(dataclass_config.build(Anchors, values))
    assert np.allclose(found, slow(maps, (low, high), ratios, reduced=reduced), atol=1e-6)


def test_ssd_mobilenet_has_1917() -> None:
    """As many as the model has rows; the first cell and the last."""
    found = anchors(dataclass_config.build(Anchors, MOBILENET))
    assert found.shape == (1917, 4)
    assert found.dtype == np.float32
    assert found[:3] == pytest.approx(
        np.array(
            [
                (1 / 38, 1 / 38, w, h)
                for w, h in ((0.1, 0.1), (0.2 * 2**0.5, 0.2 / 2**0.5), (0.2 / 2**0.5, 0.2 * 2**0.5))
            ]
        )
    )
    assert found[-1] == pytest.approx((0.5, 0.5, 0.95**0.5, 0.95**0.5))


@pytest.mark.parametrize(
    ("values", "count"), [({"maps": [16, 8, 8, 8]}, 896), ({"maps": [48], "interpolated": None}, 2304)]
)
def test_anchors_of_blazeface_are_as_large_as_the_input(values: dict[str, Any], count: int) -> None:
    """Short and back range; full range."""
    found = anchors(dataclass_config.build(Anchors, values))
    assert found.shape == (count, 4)
    assert (found[:, 2:] == 1).all()


def test_equal_maps_in_a_row_are_one_with_the_anchors_of_all() -> None:
    """The order in BlazeFace: six for each cell of the small map, before the next cell."""
    found = anchors(dataclass_config.build(Anchors, {"maps": [16, 8, 8, 8]}))
    assert found[:4, :2].tolist() == [[1 / 32, 1 / 32]] * 2 + [[3 / 32, 1 / 32]] * 2
    assert found[512:519, :2].tolist() == [[1 / 16, 1 / 16]] * 6 + [[3 / 16, 1 / 16]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"maps": []}, "maps must be one or more sizes"),
        ({"maps": [0]}, "maps must be one or more sizes of 1 or more"),
        ({"maps": [4], "scales": [0.0, 1.0]}, "scales must be above 0"),
        ({"maps": [4], "ratios": [-1.0]}, "ratios must be above 0"),
        ({"maps": [4], "interpolated": 0.0}, "interpolated must be above 0"),
        ({"maps": [4], "ratios": [], "interpolated": None}, "ratios may be empty only if interpolated is not null"),
    ],
)
def test_anchors_that_cannot_be_are_refused(values: dict[str, Any], message: str) -> None:
    """When the config is read."""
    with pytest.raises(ConfigError, match=message):
        dataclass_config.build(Anchors, values)
