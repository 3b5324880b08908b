"""Maps between the coordinates of a model's input and those of the source image.

Coordinates are x to the right and y down, in pixels, with (0, 0) at the outer
corner of the first pixel, whose centre is (0.5, 0.5).  The image is the upright
one: after the rotation given by its EXIF data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Extent = tuple[int, int]
"""Height and width in pixels."""
Rows = tuple[tuple[float, float, float], tuple[float, float, float]]
"""An affine matrix ``(2, 3)``: the coefficients of x, y and 1 for each coordinate of the result."""


@dataclass(frozen=True)
class Geometry:
    """Scale and offset from the image to the model's input: ``input = image * scale + offset``.

    :param scale_x: Pixels of the input per pixel of the image, horizontally.
    :param scale_y: Pixels of the input per pixel of the image, vertically.
    :param offset_x: Position of the image's left edge in the input; negative if the image was cropped there.
    :param offset_y: Position of the image's upper edge in the input; negative if the image was cropped there.
    :param source: Height and width of the image.
    :param size: Height and width of the input.
    """

    scale_x: float
    scale_y: float
    offset_x: float
    offset_y: float
    source: Extent
    size: Extent

    @property
    def rows(self) -> Rows:
        """The matrix ``(2, 3)`` from points of the input to points of the image."""
        across, down = 1 / self.scale_x, 1 / self.scale_y
        return (across, 0.0, -self.offset_x * across), (0.0, down, -self.offset_y * down)

    def to_source(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Map points of the input, ``(..., 2)`` x and y in pixels, to points of the image; float64.

        A box is two points: reshape ``(n, 4)`` to ``(n, 2, 2)``.
        """
        return (_points(points) - (self.offset_x, self.offset_y)) / (self.scale_x, self.scale_y)

    def to_input(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Map points of the image, ``(..., 2)`` x and y in pixels, to points of the input; float64."""
        return _points(points) * (self.scale_x, self.scale_y) + (self.offset_x, self.offset_y)

    def within(self, top: int, left: int, source: Extent) -> Geometry:
        """Return the geometry of the same input with respect to a larger image that this image was cut out of.

        :param top: First row of the part in the larger image; negative if it extends beyond the upper edge.
        :param left: First column of the part in the larger image; negative if it extends beyond the left edge.
        :param source: Height and width of the larger image.
        """
        across, down = self.offset_x - left * self.scale_x, self.offset_y - top * self.scale_y
        return Geometry(self.scale_x, self.scale_y, across, down, source, self.size)


class Affine(NamedTuple):
    """The geometry of a rotated or mirrored region: ``image = matrix @ (x, y, 1)`` of the input.

    It holds plain numbers, because one is made for each object found and many are never used.

    :param rows: The matrix ``(2, 3)`` from points of the input to points of the image.
    :param source: Height and width of the image.
    :param size: Height and width of the input.
    """

    rows: Rows
    source: Extent
    size: Extent

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """The rows as an array."""
        return _points(self.rows)

    def to_source(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Map points of the input, ``(..., 2)`` x and y in pixels, to points of the image; float64.

        A box becomes a rotated one: map its four corners.
        """
        matrix = self.matrix
        mapped: npt.NDArray[np.float64] = _points(points) @ matrix[:, :2].T + matrix[:, 2]
        return mapped

    def to_input(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Map points of the image, ``(..., 2)`` x and y in pixels, to points of the input; float64."""
        (a, b, x), (c, d, y) = self.rows
        determinant = a * d - b * c
        moved = _points(points) - (x, y)
        mapped: npt.NDArray[np.float64] = moved @ _points([[d, -c], [-b, a]]) / determinant
        return mapped


def _points(points: npt.ArrayLike) -> npt.NDArray[Any]:
    import numpy as np  # imported late: this module is also loaded where numpy is not needed yet

    return np.asarray(points, dtype=np.float64)
