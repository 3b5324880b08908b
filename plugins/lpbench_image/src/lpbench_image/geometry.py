"""Where the pixels of a model's input come from in the image, and the way back.

Coordinates are x to the right and y down, in pixels, with (0, 0) at the outer
corner of the first pixel, whose centre is (0.5, 0.5).  The image is the upright
one: after the rotation that its EXIF data ask for.
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
"""What x and y of a point are made of: of its x, of its y, and of 1."""


@dataclass(frozen=True)
class Geometry:
    """Scale and offset from the image to the model's input: ``input = image * scale + offset``.

    :param scale_x: Pixels of the input for one of the image.
    :param scale_y: Likewise, down.
    :param offset_x: Where the image's left edge lies in the input; negative where it was cropped.
    :param offset_y: Likewise, its upper edge.
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
        """Return points of the input, ``(..., 2)`` x and y in pixels, as points of the image; float64.

        Boxes are two points: reshape ``(n, 4)`` to ``(n, 2, 2)``.
        """
        return (_points(points) - (self.offset_x, self.offset_y)) / (self.scale_x, self.scale_y)

    def to_input(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return points of the image, ``(..., 2)`` x and y in pixels, as points of the input; float64."""
        return _points(points) * (self.scale_x, self.scale_y) + (self.offset_x, self.offset_y)

    def within(self, top: int, left: int, source: Extent) -> Geometry:
        """Return the geometry of the same input where the image is a part of another.

        :param top: Where the part begins; negative where it sticks out.
        :param left: Likewise.
        :param source: Height and width of the whole.
        """
        across, down = self.offset_x - left * self.scale_x, self.offset_y - top * self.scale_y
        return Geometry(self.scale_x, self.scale_y, across, down, source, self.size)


class Affine(NamedTuple):
    """The geometry of a region that is turned or mirrored: ``image = matrix @ (x, y, 1)`` of the input.

    Plain numbers: where one is made for each thing found, many are never used.

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
        """Return points of the input, ``(..., 2)`` x and y in pixels, as points of the image; float64.

        A box becomes a turned one: lead its four corners back.
        """
        matrix = self.matrix
        found: npt.NDArray[np.float64] = _points(points) @ matrix[:, :2].T + matrix[:, 2]
        return found

    def to_input(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return points of the image, ``(..., 2)`` x and y in pixels, as points of the input; float64."""
        (a, b, x), (c, d, y) = self.rows
        determinant = a * d - b * c
        moved = _points(points) - (x, y)
        found: npt.NDArray[np.float64] = moved @ _points([[d, -c], [-b, a]]) / determinant
        return found


def _points(points: npt.ArrayLike) -> npt.NDArray[Any]:
    import numpy as np  # geometry is also used where nothing else needs numpy yet

    return np.asarray(points, dtype=np.float64)
