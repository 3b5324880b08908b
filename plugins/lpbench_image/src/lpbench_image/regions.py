"""Parts of a picture that a later component of a chain looks at: upright, turned or mirrored rectangles.

Coordinates are those of ``geometry``: pixels of the upright source picture, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpbench_image.geometry import Affine

if TYPE_CHECKING:
    import numpy.typing as npt

    from lpbench_image.geometry import Extent


@dataclass(frozen=True)
class Region:
    """A rectangle; it may stick out of the picture.

    :param x: Centre.
    :param y: Likewise, down.
    :param width: Length of its upper side, above 0.
    :param height: Length of its left side, above 0.
    :param angle: Radians from the picture's upper side to the region's, clockwise as seen.
    :param mirrored: Left and right change places when it is looked at.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0
    mirrored: bool = False

    @property
    def area(self) -> float:
        """In square pixels."""
        return self.width * self.height

    @property
    def extent(self) -> Extent:
        """Height and width in whole pixels, at least one."""
        return max(1, round(self.height)), max(1, round(self.width))

    @property
    def window(self) -> tuple[int, int, int, int] | None:
        """Top, left, height and width, if they are whole pixels and nothing is turned or mirrored."""
        if self.angle or self.mirrored:
            return None
        sides = (self.y - self.height / 2, self.x - self.width / 2, self.height, self.width)
        if not all(float(each).is_integer() for each in sides):
            return None
        top, left, height, width = map(int, sides)
        return top, left, height, width

    @property
    def corners(self) -> npt.NDArray[np.float64]:
        """Upper left, upper right, lower right, lower left as it is looked at: ``(4, 2)`` x and y."""
        return self.geometry((1, 1), (0, 0), (0, 0), (0, 0)).to_source([[0, 0], [1, 0], [1, 1], [0, 1]])

    def snapped(self) -> Region:
        """Return the nearest upright rectangle of whole pixels, of the rounded sides."""
        height, width = self.extent
        left, top = round(self.x - width / 2), round(self.y - height / 2)
        return Region(left + width / 2, top + height / 2, float(width), float(height))

    def geometry(self, resized: Extent, offset: Extent, source: Extent, size: Extent) -> Affine:
        """Return where points of an input come from to which this region is resized.

        :param resized: Height and width of the region in the input.
        :param offset: Its top and left in the input; negative where it is cropped.
        :param source: Height and width of the picture.
        :param size: Of the input.
        """
        along, down = self.width / resized[1], self.height / resized[0]
        if self.mirrored:
            along = -along
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        a, b, c, d = along * cos, -down * sin, along * sin, down * cos
        x, y = offset[1] + resized[1] / 2, offset[0] + resized[0] / 2  # of the centre in the input
        matrix = np.array([[a, b, self.x - a * x - b * y], [c, d, self.y - c * x - d * y]])
        return Affine(matrix, source, size)
