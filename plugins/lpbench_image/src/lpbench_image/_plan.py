"""What is done to pictures of one size, with every view and argument made beforehand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lpbench_image._tensor import TensorWriter

if TYPE_CHECKING:
    from lpbench.engine import Feeds
    from lpbench_image._target import Target
    from lpbench_image._tensor import Picture
    from lpbench_image.config import Filter, ImageConfig, Resize
    from lpbench_image.geometry import Extent, Placement

INTERPOLATIONS = {
    "nearest": cv2.INTER_NEAREST_EXACT,  # takes pixel centres, as the others do
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}


class Output:
    """Filters, converts and holds inputs of one size.

    :param size: Height and width.
    :raises ProcessorError: The normalisation does not fit the tensor.
    """

    def __init__(self, config: ImageConfig, target: Target, size: Extent) -> None:
        self._writer = TensorWriter(target, config.normalise, size)
        self._filter = config.filter if config.filter and (config.filter.median or config.filter.gaussian) else None
        self._filtered = np.empty((*size, 3), np.uint8) if self._filter else None
        self._feeds = {target.name: self._writer.array}

    def feed(self, picture: Picture) -> Feeds:
        """Return the tensor of a picture of this size by the input's name."""
        if self._filter:
            picture = _filter(self._filter, picture, self._filtered)
        self._writer.write(picture)
        return self._feeds


class Plan:
    """Brings pictures of one size to the model's.

    :param canvas: Room for the resized picture and its padding; other plans write to it too.
    """

    def __init__(self, resize: Resize, placement: Placement, canvas: Picture, output: Output) -> None:
        self.geometry = placement.geometry
        self._canvas = canvas
        self._pad = (resize.pad,) * 3 if isinstance(resize.pad, int) else resize.pad[::-1]
        self._feed = output.feed
        self._interpolation = INTERPOLATIONS[resize.interpolation]
        self._frame(placement)

    def _frame(self, placement: Placement) -> None:
        height, width = placement.resized
        top, left, rows, columns = placement.region
        whole = (rows, columns) == placement.geometry.source
        self._region = None if whole else _window((top, left), (rows, columns))
        self._resized = (width, height)
        self._resized_into = self._canvas[_window(placement.inset, placement.resized)]
        self._kept = _window(placement.window, placement.size)
        self._ready = self._canvas[self._kept]
        padded = self._resized_into.shape != self._canvas.shape
        self._around = _around(self._canvas, placement) if padded else []
        self._as_it_is = placement.resized == (rows, columns) and not padded

    def enter(self) -> None:
        """Restore the padding, which the plan before has overwritten."""
        for strip in self._around:
            strip[:] = self._pad

    def run(self, picture: Picture) -> Feeds:
        """Return the tensor of a picture of this plan's size by the input's name."""
        if self._region:
            picture = picture[self._region]
        if self._as_it_is:
            return self._feed(picture[self._kept])
        cv2.resize(picture, self._resized, self._resized_into, 0, 0, self._interpolation)
        return self._feed(self._ready)

    def steps(self, picture: Picture) -> dict[str, int]:
        """Return the nanoseconds of resizing, and of converting type, scale and layout, for one picture."""
        begun = time.perf_counter_ns()
        if self._region:
            picture = picture[self._region]
        if self._as_it_is:
            ready = picture[self._kept]
        else:
            cv2.resize(picture, self._resized, self._resized_into, 0, 0, self._interpolation)
            ready = self._ready
        resized = time.perf_counter_ns()
        self._feed(ready)
        return {"resize": resized - begun, "layout, type and scale": time.perf_counter_ns() - resized}


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
    """Return the parts of a canvas above, below, left and right of the resized picture."""
    rows, columns = _window(placement.inset, placement.resized)
    return [canvas[: rows.start], canvas[rows.stop :], canvas[:, : columns.start], canvas[:, columns.stop :]]
