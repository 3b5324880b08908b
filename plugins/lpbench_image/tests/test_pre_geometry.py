"""Points and boxes found in a model's input are led back to where they are in the image."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.util import dataclass_config
from lpbench_image._pre import ImagePreprocessor
from lpbench_image.config import ImageConfig
from lpbench_image.geometry import Geometry

MODES: list[dict[str, Any]] = [
    {"resize": {"mode": "stretch"}},
    {"resize": {"mode": "letterbox"}},
    {"resize": {"mode": "short-side", "size": 64}, "crop": 64},
]


def geometry(values: dict[str, Any], data: Any) -> tuple[Geometry, Any]:
    pre = ImagePreprocessor(dataclass_config.build(ImageConfig, values), [TensorInfo("x", "uint8", (1, 64, 64, 3))])
    sample = Sample("picture", data)
    tensor = pre(sample)["x"][0]
    assert isinstance(sample.geometry, Geometry)
    return sample.geometry, tensor


@pytest.mark.parametrize("values", MODES)
@given(st.integers(64, 200), st.integers(64, 200), st.lists(st.tuples(st.floats(0, 64), st.floats(0, 64)), min_size=1))
@settings(max_examples=25, deadline=None)
def test_there_and_back_is_where_it_began(
    values: dict[str, Any], height: int, width: int, points: list[tuple[float, float]]
) -> None:
    """Any points of the input, through the image and back, for every mode and size."""
    found, _ = geometry(values, np.zeros((height, width, 3), np.uint8))
    assert found.source == (height, width)
    assert found.size == (64, 64)
    assert np.allclose(found.to_input(found.to_source(points)), points, atol=1e-9)


@pytest.mark.parametrize("values", MODES)
@pytest.mark.parametrize("size", [(128, 128), (160, 240), (200, 130), (97, 131)])
def test_a_bright_box_is_found_again(values: dict[str, Any], size: tuple[int, int]) -> None:
    """A box drawn in the image, measured in the tensor and led back, to a pixel of the input."""
    data = np.zeros((*size, 3), np.uint8)
    box = np.array([[size[1] * 0.4, size[0] * 0.4], [size[1] * 0.6, size[0] * 0.7]]).round()
    cv2.rectangle(data, box[0].astype(int).tolist(), (box[1] - 1).astype(int).tolist(), (255, 255, 255), -1)
    found, tensor = geometry(values, data)
    rows, columns = np.nonzero(tensor[:, :, 0] > 127)
    measured = [[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]]
    assert np.abs(found.to_source(measured) - box).max() <= 1 / min(found.scale_x, found.scale_y)
    assert np.abs(found.to_input(box) - measured).max() <= 1


def test_corners_of_a_letterbox_are_the_corners_of_the_image() -> None:
    """A landscape image of twice the model's width."""
    found, _ = geometry(MODES[1], np.zeros((64, 128, 3), np.uint8))
    assert found.to_source([[0, 16], [64, 48]]).tolist() == [[0, 0], [128, 64]]


def test_boxes_keep_their_shape() -> None:
    """An array of boxes, each two points."""
    found, _ = geometry(MODES[0], np.zeros((128, 128, 3), np.uint8))
    assert found.to_source(np.ones((5, 2, 2))).shape == (5, 2, 2)
    assert found.to_source(np.ones((1, 1), np.float32).repeat(2, axis=1)).tolist() == [[2, 2]]
