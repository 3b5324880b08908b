"""The processing of pictures of one size, with all views and arguments prepared in advance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from lpbench_image._tensor import TensorWriter
from lpbench_image.geometry import Affine

if TYPE_CHECKING:
    from lpbench.plugin.engine import Feeds
    from lpbench_image._sizing import Placement
    from lpbench_image._target import Target
    from lpbench_image._tensor import Picture
    from lpbench_image.config import Filter, ImageConfig, Resize
    from lpbench_image.geometry import Extent
    from lpbench_image.regions import Region

INTERPOLATIONS = {
    "nearest": cv2.INTER_NEAREST_EXACT,  # samples at pixel centres, like the others
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}
TURNING = {**INTERPOLATIONS, "nearest": cv2.INTER_NEAREST}


class Output:
    """Filters and converts inputs of one size, and holds their tensor.

    :param size: Height and width.
    :raises ProcessorError: The normalisation does not fit the tensor.
    """

    def __init__(self, config: ImageConfig, target: Target, size: Extent) -> None:
        self._writer = TensorWriter(target, config.normalise, size)
        self._filter = config.filter if config.filter and (config.filter.median or config.filter.gaussian) else None
        self._filtered = np.empty((*size, 3), np.uint8) if self._filter else None
        self._feeds = {target.name: self._writer.array}

    @property
    def nbytes(self) -> int:
        """Size of the tensor in bytes."""
        return int(self._writer.array.nbytes)

    def feed(self, picture: Picture) -> Feeds:
        """Return the tensor of a picture of this size, by the name of the model's input."""
        if self._filter:
            picture = _filter(self._filter, picture, self._filtered)
        self._writer.write(picture)
        return self._feeds


class Plan:
    """Resizes pictures or regions of one size to the model's size.

    :param canvas: Buffer for the resized picture and its padding, shared with other plans.
    """

    def __init__(self, resize: Resize, placement: Placement, canvas: Picture, output: Output) -> None:
        self.geometry = placement.geometry
        self.feed = output.feed
        self._canvas = canvas
        self._pad = colour(resize)
        self._fill = resize.pad if isinstance(resize.pad, int) else self._pad  # a scalar is faster
        self._interpolation = INTERPOLATIONS[resize.interpolation]
        self._turning = TURNING[resize.interpolation] | cv2.WARP_INVERSE_MAP
        self._frame(placement)

    def _frame(self, placement: Placement) -> None:
        height, width = placement.resized
        top, left, rows, columns = placement.region
        whole = (rows, columns) == placement.geometry.source
        self._region = None if whole else _window((top, left), (rows, columns))
        self._resized = (width, height)
        self._extent = placement.resized
        self._start = placement.inset[0] - placement.window[0], placement.inset[1] - placement.window[1]
        self._resized_into = self._canvas[_window(placement.inset, placement.resized)]
        self._kept = _window(placement.window, placement.size)
        self._ready = self._canvas[self._kept]
        padded = self._resized_into.shape != self._canvas.shape
        self._around = _around(self._canvas, placement) if padded else []
        self._unchanged = placement.resized == (rows, columns) and not padded

    def enter(self) -> None:
        """Restore the padding, which another plan may have overwritten."""
        for strip in self._around:
            strip[:] = self._fill

    def resize(self, picture: Picture) -> Picture:
        """Return a picture of this plan's size, resized for ``feed``."""
        if self._region:
            picture = picture[self._region]
        if self._unchanged:
            return picture[self._kept]
        cv2.resize(picture, self._resized, self._resized_into, 0, 0, self._interpolation)
        return self._ready

    def turn(self, picture: Picture, region: Region) -> tuple[Picture, Affine]:
        """Return a region of this plan's size, resampled for ``feed``, and its geometry.

        Pixels outside the picture have the colour of the padding.
        """
        (a, b, x), (c, d, y) = rows = region.rows(self._extent, self._start)
        right, below = self._start[1] + 0.5, self._start[0] + 0.5  # OpenCV's origin is the centre of the first pixel
        matrix = np.array(((a, b, x + a * right + b * below - 0.5), (c, d, y + c * right + d * below - 0.5)))
        cv2.warpAffine(
            picture, matrix, self._resized, self._resized_into, self._turning, cv2.BORDER_CONSTANT, self._pad
        )
        return self._ready, Affine(rows, picture.shape[:2], self.geometry.size)


def colour(resize: Resize) -> tuple[int, int, int]:
    """Return the colour of the padding: blue, green, red."""
    if isinstance(resize.pad, int):
        return resize.pad, resize.pad, resize.pad
    red, green, blue = resize.pad
    return blue, green, red


def _filter(chosen: Filter, picture: Picture, into: Picture) -> Picture:
    if chosen.median:
        picture = cv2.medianBlur(picture, chosen.median, into)
    if chosen.gaussian:
        size, sigma = chosen.gaussian.size, chosen.gaussian.sigma
        picture = cv2.GaussianBlur(picture, (size, size), sigma, into)
    return picture


def _window(start: Extent, size: Extent) -> tuple[slice, slice]:
    return slice(start[0], start[0] + size[0]), slice(start[1], start[1] + size[1])


def _around(canvas: Picture, placement: Placement) -> list[Picture]:
    """Return the non-empty parts of a canvas above, below, left and right of the resized picture."""
    rows, columns = _window(placement.inset, placement.resized)
    strips = canvas[: rows.start], canvas[rows.stop :], canvas[:, : columns.start], canvas[:, columns.stop :]
    return [strip for strip in strips if strip.size]
