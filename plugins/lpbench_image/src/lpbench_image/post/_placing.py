"""Resamples a map over the model's input to the source picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from lpbench_image.geometry import Affine, Extent, Geometry

    Map = npt.NDArray[Any]

WHOLE = 1e-6
"""Tolerance within which an edge of the picture counts as lying on a whole pixel of the map."""


class Placing:
    """Resamples maps of one size to the picture; pixels outside the model's input become 0.

    :param shape: Height and width of the map, which covers the input.
    :param smooth: Interpolate between the map's values instead of taking the nearest one.
    """

    def __init__(self, geometry: Affine | Geometry, shape: Extent, *, smooth: bool) -> None:
        self.geometry = geometry
        self.shape = shape
        self._matrix = _to_map(geometry, shape)
        self._window = _window(self._matrix, geometry.source, shape)
        self._smooth = smooth
        self._room: Map = np.empty(0)

    def __call__(self, values: Map) -> Map:
        """Return the map in the picture's size; it is valid until the next call."""
        height, width = self.geometry.source
        if self._room.shape != (height, width) or self._room.dtype != values.dtype:
            self._room = np.empty((height, width), values.dtype)
        if self._window:
            interpolation = cv2.INTER_LINEAR if self._smooth else cv2.INTER_NEAREST_EXACT
            return cv2.resize(values[self._window], (width, height), self._room, 0, 0, interpolation)
        flags = (cv2.INTER_LINEAR if self._smooth else cv2.INTER_NEAREST) | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(values, _of_centres(self._matrix), (width, height), self._room, flags)


def _to_map(geometry: Affine | Geometry, shape: Extent) -> npt.NDArray[np.float64]:
    """Return the matrix ``(2, 3)`` from points of the picture to points of the map."""
    height, width = geometry.source
    origin, right, down = geometry.to_input([(0, 0), (width, 0), (0, height)])
    scale = np.array(shape[::-1]) / geometry.size[::-1]
    columns = [(right - origin) / width, (down - origin) / height, origin]
    matrix: npt.NDArray[np.float64] = np.stack(columns, axis=1) * scale[:, None]
    return matrix


def _window(matrix: npt.NDArray[np.float64], source: Extent, shape: Extent) -> tuple[slice, slice] | None:
    """Return the part of the map that shows exactly the picture, for which a resize suffices; None if there is none."""
    if abs(matrix[0, 1]) > 0 or abs(matrix[1, 0]) > 0:
        return None
    start = matrix[:, 2]
    end = start + matrix[:, :2].diagonal() * source[::-1]
    left, top, right, bottom = edges = np.rint([*start, *end]).astype(int)
    inside = 0 <= left < right <= shape[1] and 0 <= top < bottom <= shape[0]
    if not inside or np.abs(edges - [*start, *end]).max() > WHOLE:
        return None
    return slice(top, bottom), slice(left, right)


def _of_centres(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the matrix for OpenCV, whose integer coordinates are the centres of pixels."""
    moved: npt.NDArray[np.float64] = matrix.copy()
    moved[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    return moved
