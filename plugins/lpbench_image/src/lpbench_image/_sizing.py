"""What is done to an image of one size so that it gets the model's: resized to, cropped or padded where."""

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
"""Height and width; None is open."""
OPEN: OpenExtent = (None, None)
PARTS = 64
"""Of a pixel, in which the sides of regions are counted where only their proportion matters."""
ANY_SIZE = 'resize mode "letterbox" or "stretch" takes every image'


@dataclass(frozen=True)
class Placement:
    """What is done to an image of one size.

    :param region: Top, left, height, width of the part of the image that is resized.
    :param resized: What the region is resized to.
    :param window: Top and left of the input in the resized region.
    :param inset: Top and left of the resized region in the input, where it is padded.
    :param size: Of the input.
    :param geometry: The way back.
    """

    region: tuple[int, int, int, int]
    resized: Extent
    window: Extent
    inset: Extent
    size: Extent
    geometry: Geometry


@dataclass(frozen=True)
class Sizing:
    """The sizes of a config once the model's input is known.

    :param resize: How an image is resized.
    :param size: What to; for ``short-side`` its first number; for ``height`` the width may be open.
    :param crop: Centre that is kept.
    :param wanted: Height and width of the model's input.
    """

    resize: Resize
    size: OpenExtent
    crop: Extent | None
    wanted: OpenExtent

    @property
    def fixed(self) -> Extent | None:
        """The size that every image ends up with, or None where it depends on the image."""
        depends = self.resize.mode in {"short-side", "multiple", "none"}
        return self.crop or (None if depends else _closed(self.size))

    def resized(self, height: float, width: float) -> Extent:
        """Return what an image, or a turned region, is resized to."""
        rule, parts = self._rule
        return rule(self, (max(1, round(height * parts)), max(1, round(width * parts))))

    def place(self, source: Extent, *, resized: Extent | None = None, local: bool = False) -> Placement:
        """Return what is done to an image of this height and width.

        :param resized: What it is resized to, where that is known.
        :param local: A pixel of the result depends on the pixels next to it only, so what the crop leaves out need
            not be resized, where the rest begins and ends on whole pixels of the image and is not enlarged.
        :raises ProcessorError: The result would be too small for the crop, or not of the model's size.
        """
        resized = resized or _RESIZED[self.resize.mode](self, source)
        size = self._padded(resized)
        self._check(source, resized, size)
        if self.resize.mode in {"letterbox", "height"}:
            return _inset(source, resized, size, centred=self.resize.mode == "letterbox" and self._centred)
        return _cropped(source, resized, size, local=local)

    @functools.cached_property
    def _rule(self) -> tuple[Callable[[Sizing, Extent], Extent], int]:
        """How sizes follow from an image's, and in how many parts of a pixel a region's sides are counted."""
        return _RESIZED[self.resize.mode], 1 if self.resize.mode in {"multiple", "none"} else PARTS

    @property
    def _centred(self) -> bool:
        return self.resize.anchor == "centre"

    def _padded(self, resized: Extent) -> Extent:
        """Return the input's size for a resized image: what a crop leaves of it, or what padding makes of it."""
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
                f"{_words(source)} image yields {_words(size)}, but the model wants {_words(self.wanted)}",
                hint=ANY_SIZE,
            )


def sizing(config: ImageConfig, wanted: OpenExtent, name: str) -> Sizing:
    """Return the sizes that a config stands for.

    :param wanted: Height and width of the model's input.
    :param name: The input's name, for errors.
    :raises ProcessorError: The config yields another size, or none can be found out.
    """
    mode, given = config.resize.mode, config.resize.size
    crop = pair(config.crop) if config.crop is not None else None
    if mode == "short-side":
        crop = crop or _closed(wanted)
        size = pair(given) if given is not None else (min(crop), None) if crop else OPEN
    elif mode == "height":
        size = _height(given, wanted)
    else:
        size = pair(given) if given is not None else wanted if _closed(wanted) else OPEN
    _refuse(mode, size, wanted, name)
    found = Sizing(config.resize, size, crop, wanted)
    if found.fixed and not fits(found.fixed, wanted):
        raise ProcessorError(
            f'the config yields {_words(found.fixed)}, but the model\'s input "{name}" wants {_words(wanted)}',
            where="preprocessing",
            hint="leave the sizes out to get the model's",
        )
    return found


def fits(size: Extent, wanted: OpenExtent) -> bool:
    """Say whether a size is the wanted one, where that is not open."""
    return all(want in {None, have} for have, want in zip(size, wanted, strict=True))


def _height(given: Size | None, wanted: OpenExtent) -> OpenExtent:
    """Return the size of the mode ``height``: one number leaves the model's width."""
    if isinstance(given, tuple):
        return given
    return given or wanted[0], wanted[1]


def _refuse(mode: str, size: OpenExtent, wanted: OpenExtent, name: str) -> None:
    """Refuse a mode without the size that it needs, and one that gives sizes to a model that has its own."""
    if mode == "multiple" and _closed(wanted):
        raise ProcessorError(
            f'mode "multiple" gives each image a size of its own, but input "{name}" wants {_words(wanted)}',
            where="preprocessing.resize",
            hint=ANY_SIZE,
        )
    needed = {"short-side": 1, "height": 1, "multiple": 0, "none": 0}.get(mode, 2)
    if None in size[:needed]:
        raise ProcessorError(
            f'input "{name}" has no fixed size ({_words(wanted)})',
            where="preprocessing.resize",
            hint='say "size": [height, width], or "mode": "none"',
        )


def _closed(size: OpenExtent) -> Extent | None:
    """Return a size, or None if a side is open."""
    height, width = size
    return None if height is None or width is None else (height, width)


def _stretched(sizing: Sizing, _: Extent) -> Extent:
    return _known(sizing)


def _short_side(sizing: Sizing, source: Extent) -> Extent:
    short, low = sizing.size[0] or 1, min(source)
    return max(short, source[0] * short // low), max(short, source[1] * short // low)


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
    wanted, given = max((1, 1), (resize.least or 1, short), key=lambda share: share[0] / share[1])
    if resize.most and long * wanted > resize.most * given:
        wanted, given = resize.most, long
    height, width = (max(1, _nearest(side * wanted, given * resize.multiple)) * resize.multiple for side in source)
    return height, width


def _nearest(numerator: int, denominator: int) -> int:
    """Return a fraction rounded as ``round`` does: halves to the even number."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def _unchanged(_: Sizing, source: Extent) -> Extent:
    return source


_RESIZED: dict[str, Callable[[Sizing, Extent], Extent]] = {
    "stretch": _stretched,
    "short-side": _short_side,
    "letterbox": _boxed,
    "height": _of_height,
    "multiple": _multiple,
    "none": _unchanged,
}


def _known(sizing: Sizing) -> Extent:
    """Return a size that ``sizing`` made sure of."""
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
    """Return start and length in the image of a span of the resized image, if they are whole pixels of it."""
    if source < resized or start * source % resized or length * source % resized:
        return None
    return start * source // resized, length * source // resized


def _words(size: OpenExtent) -> str:
    return "x".join("?" if each is None else str(each) for each in size)
