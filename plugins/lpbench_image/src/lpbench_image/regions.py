"""Parts of a picture that a later component of a chain processes.

Coordinates are those of ``geometry``: pixels of the upright source picture, y down.
Both kinds may extend beyond the picture.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from lpbench_image.geometry import Affine

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from lpbench_image.geometry import Extent

    Row = tuple[float, float, float]


class Window(NamedTuple):
    """An upright rectangle of whole pixels, which is cut out.

    :param top: First row.
    :param left: First column.
    :param height: Number of rows, at least 1.
    :param width: Number of columns, at least 1.
    """

    top: int
    left: int
    height: int
    width: int


class Region(NamedTuple):
    """A rectangle at fractional coordinates, or a rotated or mirrored one, which is interpolated.

    :param x: Horizontal coordinate of the centre.
    :param y: Vertical coordinate of the centre.
    :param width: Length of the upper side, above 0.
    :param height: Length of the left side, above 0.
    :param angle: Radians from the picture's upper side to the region's, clockwise as displayed.
    :param mirrored: Whether the input swaps left and right.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0
    mirrored: bool = False

    @property
    def extent(self) -> Extent:
        """Height and width in whole pixels, at least one."""
        return max(1, round(self.height)), max(1, round(self.width))

    @property
    def corners(self) -> npt.NDArray[np.float64]:
        """Upper left, upper right, lower right and lower left corner as seen in the input: ``(4, 2)`` x and y."""
        unit = Affine(self.rows((1, 1), (0, 0)), (1, 1), (1, 1))
        return unit.to_source([[0, 0], [1, 0], [1, 1], [0, 1]])

    def rows(self, resized: Extent, start: tuple[float, float]) -> tuple[Row, Row]:
        """Return the matrix ``(2, 3)`` from points of the input to points of the picture.

        :param resized: Height and width of the region in the input.
        :param start: Top and left of the region in the input; negative if it is cropped.
        """
        along, down = self.width / resized[1], self.height / resized[0]
        if self.mirrored:
            along = -along
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        a, b, c, d = along * cos, -down * sin, along * sin, down * cos
        x, y = start[1] + resized[1] / 2, start[0] + resized[0] / 2  # of the centre in the input
        return (a, b, self.x - a * x - b * y), (c, d, self.y - c * x - d * y)
