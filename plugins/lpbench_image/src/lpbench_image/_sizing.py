"""How an image of a given size is resized, cropped or padded to the model's size."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import ProcessorError
from lpbench_image.config import pair
from lpbench_image.geometry import Extent, Geometry

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench_image.config import ImageConfig, Resize, Size

OpenExtent = tuple[int | None, int | None]
"""Height and width; None for an open side."""
OPEN: OpenExtent = (None, None)
PARTS = 64
"""Fractions of a pixel to which the sides of regions are rounded if only their proportions matter."""
ANY_SIZE = 'resize modes "letterbox" and "stretch" accept every image'


@dataclass(frozen=True)
class Placement:
    """How an image of one size becomes the input.

    :param region: Top, left, height, width of the part of the image that is resized.
    :param resized: Height and width that the region is resized to.
    :param window: Top and left of the input in the resized region.
    :param inset: Top and left of the resized region in the input, where it is padded.
    :param size: Height and width of the input.
    :param geometry: Maps between image and input.
    """

    region: tuple[int, int, int, int]
    resized: Extent
    window: Extent
    inset: Extent
    size: Extent
    geometry: Geometry


@dataclass(frozen=True)
class Sizing:
    """The sizes of a config, completed from the model's input.

    :param resize: How an image is resized.
    :param size: Target size; for ``short-side`` the image is resized to cover it; for ``height`` the width may be open.
    :param crop: Height and width of the centre crop.
    :param wanted: Height and width of the model's input.
    """

    resize: Resize
    size: OpenExtent
    crop: Extent | None
    wanted: OpenExtent

    @property
    def fixed(self) -> Extent | None:
        """The size of every input, or None if it depends on the image."""
        depends = self.resize.mode in {"short-side", "multiple", "none"}
        return self.crop or (None if depends else _closed(self.size))

    def resized(self, height: float, width: float) -> Extent:
        """Return the size that an image, or a rotated region, is resized to."""
        rule, parts = self._rule
        return rule(self, (max(1, round(height * parts)), max(1, round(width * parts))))

    def place(self, source: Extent, *, resized: Extent | None = None, local: bool = False) -> Placement:
        """Return how an image of this height and width becomes the input.

        :param resized: The size that it is resized to, if already known.
        :param local: Each pixel of the result depends only on adjacent pixels of the image.  The part outside the
            crop then need not be resized, provided that the crop begins and ends on whole pixels of the image and is
            not enlarged.
        :raises ProcessorError: The result is too small for the crop, or not of the model's size.
        """
        resized = resized or _RESIZED[self.resize.mode](self, source)
        size = self._padded(resized)
        self._check(source, resized, size)
        if self.resize.mode in {"letterbox", "height"}:
            return _inset(source, resized, size, centred=self.resize.mode == "letterbox" and self._centred)
        return _cropped(source, resized, size, local=local)

    @functools.cached_property
    def _rule(self) -> tuple[Callable[[Sizing, Extent], Extent], int]:
        """The function from an image's size to the resized one, and the parts of a pixel in which it counts sides."""
        return _RESIZED[self.resize.mode], 1 if self.resize.mode in {"multiple", "none"} else PARTS

    @property
    def _centred(self) -> bool:
        return self.resize.anchor == "centre"

    def _padded(self, resized: Extent) -> Extent:
        """Return the input's size for a resized image, after cropping or padding."""
        if self.resize.mode == "height" and self.size[1] is None:
            width = max(resized[1], self.resize.least or 1)
            return resized[0], -(-width // self.resize.multiple) * self.resize.multiple
        return self.fixed or resized

    def _check(self, source: Extent, resized: Extent, size: Extent) -> None:
        if self.crop and (resized[0] < size[0] or resized[1] < size[1]):
            raise ProcessorError(
                f"{_words(source)} image is {_words(resized)} when resized, smaller than the crop {_words(size)}",
                hint=ANY_SIZE,
            )
        if not fits(size, self.wanted):
            raise ProcessorError(
                f"{_words(source)} image yields {_words(size)}, but the model expects {_words(self.wanted)}",
                hint=ANY_SIZE,
            )


def sizing(config: ImageConfig, wanted: OpenExtent, name: str) -> Sizing:
    """Return the sizes of a config for a model's input.

    :param wanted: Height and width of the model's input.
    :param name: The input's name, for errors.
    :raises ProcessorError: The config yields another size than the model expects, or the size cannot be determined.
    """
    mode, given = config.resize.mode, config.resize.size
    crop = pair(config.crop) if config.crop is not None else None
    if mode == "short-side":
        crop = crop or _closed(wanted)
        size = pair(given) if given is not None else _around(crop, config.crop_share or 1) if crop else OPEN
    elif mode == "height":
        size = _height(given, wanted)
    else:
        size = pair(given) if given is not None else wanted if _closed(wanted) else OPEN
    _refuse(mode, size, wanted, name)
    settled = Sizing(config.resize, size, crop, wanted)
    if settled.fixed and not fits(settled.fixed, wanted):
        raise ProcessorError(
            f'the config yields {_words(settled.fixed)}, but the model\'s input "{name}" expects {_words(wanted)}',
            where="preprocessing",
            hint="omit the sizes to use the model's",
        )
    return settled


def fits(size: Extent, wanted: OpenExtent) -> bool:
    """Return whether a size equals the expected one in all sides that are not open."""
    return all(expected in {None, actual} for actual, expected in zip(size, wanted, strict=True))


def _height(given: Size | None, wanted: OpenExtent) -> OpenExtent:
    """Return the size for the mode ``height``: a single number keeps the model's width."""
    if isinstance(given, tuple):
        return given
    return given or wanted[0], wanted[1]


def _refuse(mode: str, size: OpenExtent, wanted: OpenExtent, name: str) -> None:
    """Refuse a mode whose required size is missing, and ``multiple`` for a model of fixed size."""
    if mode == "multiple" and _closed(wanted):
        raise ProcessorError(
            f'mode "multiple" gives each image its own size, but input "{name}" expects {_words(wanted)}',
            where="preprocessing.resize",
            hint=ANY_SIZE,
        )
    needed = {"height": 1, "multiple": 0, "none": 0}.get(mode, 2)
    if None in size[:needed]:
        raise ProcessorError(
            f'input "{name}" has no fixed size ({_words(wanted)})',
            where="preprocessing.resize",
            hint='set "crop"' if mode == "short-side" else 'set "size": [height, width], or "mode": "none"',
        )


def _closed(size: OpenExtent) -> Extent | None:
    """Return the size, or None if a side is open."""
    height, width = size
    return None if height is None or width is None else (height, width)


def _around(crop: Extent, share: float) -> Extent:
    """Return the height and width of which a crop takes this share."""
    return round(crop[0] / share), round(crop[1] / share)


def _stretched(sizing: Sizing, _: Extent) -> Extent:
    return _known(sizing)


def _covering(sizing: Sizing, source: Extent) -> Extent:
    """Return the smallest size in the image's proportions that covers the target size; of a square, the short side."""
    height, width = _known(sizing)
    new, old = (height, source[0]) if height * source[1] >= width * source[0] else (width, source[1])
    return max(height, source[0] * new // old), max(width, source[1] * new // old)


def _boxed(sizing: Sizing, source: Extent) -> Extent:
    height, width = _known(sizing)
    if height * source[1] <= width * source[0]:
        return height, max(1, _nearest(source[1] * height, source[0]))
    return max(1, _nearest(source[0] * width, source[1])), width


def _of_height(sizing: Sizing, source: Extent) -> Extent:
    height, limit = sizing.size[0] or 1, sizing.size[1] or sizing.resize.most
    width = max(1, _nearest(source[1] * height, source[0]))
    return height, min(width, limit) if limit else width


def _multiple(sizing: Sizing, source: Extent) -> Extent:
    resize = sizing.resize
    short, long = min(source), max(source)
    # the scale is kept as a fraction, so that rounding is exact
    numerator, denominator = max((1, 1), (resize.least or 1, short), key=lambda scale: scale[0] / scale[1])
    if resize.most and long * numerator > resize.most * denominator:
        numerator, denominator = resize.most, long
    divisor = denominator * resize.multiple
    height, width = (max(1, _nearest(side * numerator, divisor)) * resize.multiple for side in source)
    return height, width


def _nearest(numerator: int, denominator: int) -> int:
    """Return a fraction rounded like ``round``: halves go to the even number."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def _unchanged(_: Sizing, source: Extent) -> Extent:
    return source


_RESIZED: dict[str, Callable[[Sizing, Extent], Extent]] = {
    "stretch": _stretched,
    "short-side": _covering,
    "letterbox": _boxed,
    "height": _of_height,
    "multiple": _multiple,
    "none": _unchanged,
}


def _known(sizing: Sizing) -> Extent:
    """Return the target size, which ``sizing`` has checked to be closed."""
    height, width = sizing.size
    return height or 1, width or 1


def _inset(source: Extent, resized: Extent, size: Extent, *, centred: bool) -> Placement:
    top, left = ((size[0] - resized[0]) // 2, (size[1] - resized[1]) // 2) if centred else (0, 0)
    geometry = Geometry(resized[1] / source[1], resized[0] / source[0], float(left), float(top), source, size)
    return Placement((0, 0, *source), resized, (0, 0), (top, left), size, geometry)


def _cropped(source: Extent, resized: Extent, size: Extent, *, local: bool) -> Placement:
    top, left = (resized[0] - size[0]) // 2, (resized[1] - size[1]) // 2
    geometry = Geometry(resized[1] / source[1], resized[0] / source[0], float(-left), float(-top), source, size)
    rows = _span(source[0], resized[0], top, size[0])
    columns = _span(source[1], resized[1], left, size[1])
    if local and rows and columns:
        return Placement((rows[0], columns[0], rows[1], columns[1]), size, (0, 0), (0, 0), size, geometry)
    return Placement((0, 0, *source), resized, (top, left), (0, 0), size, geometry)


def _span(source: int, resized: int, start: int, length: int) -> Extent | None:
    """Return start and length, in the image, of a span of the resized image; None if they are not whole pixels."""
    if source < resized or start * source % resized or length * source % resized:
        return None
    return start * source // resized, length * source // resized


def _words(size: OpenExtent) -> str:
    return "x".join("?" if side is None else str(side) for side in size)
