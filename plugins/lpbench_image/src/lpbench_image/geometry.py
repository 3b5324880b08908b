"""Where the pixels of a model's input come from in the image, and the way back.

Coordinates are x to the right and y down, in pixels, with (0, 0) at the outer
corner of the first pixel, whose centre is (0.5, 0.5).  The image is the upright
one: after the rotation that its EXIF data ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpbench.errors import ProcessorError
from lpbench_image.config import pair

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from lpbench_image.config import ImageConfig

Extent = tuple[int, int]
"""Height and width in pixels."""
OpenExtent = tuple[int | None, int | None]
"""Height and width; None is open."""


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

    def to_source(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return points of the input, ``(..., 2)`` x and y in pixels, as points of the image; float64.

        Boxes are two points: reshape ``(n, 4)`` to ``(n, 2, 2)``.
        """
        return (_points(points) - (self.offset_x, self.offset_y)) / (self.scale_x, self.scale_y)

    def to_input(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return points of the image, ``(..., 2)`` x and y in pixels, as points of the input; float64."""
        return _points(points) * (self.scale_x, self.scale_y) + (self.offset_x, self.offset_y)


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

    :param mode: As in ``Resize``.
    :param size: What an image is resized to; for ``short-side`` its first number; None for ``none``.
    :param crop: Centre that is kept.
    :param wanted: Height and width of the model's input.
    """

    mode: str
    size: Extent | None
    crop: Extent | None
    wanted: OpenExtent

    @property
    def fixed(self) -> Extent | None:
        """The size that every image ends up with, or None where it depends on the image."""
        return self.crop or (self.size if self.mode in {"stretch", "letterbox"} else None)

    def place(self, source: Extent, *, local: bool = False) -> Placement:
        """Return what is done to an image of this height and width.

        :param local: A pixel of the result depends on the pixels next to it only, so what the crop leaves out need
            not be resized, where the rest begins and ends on whole pixels of the image and is not enlarged.
        :raises ProcessorError: The result would be too small for the crop, or not of the model's size.
        """
        resized = self._resized(source)
        boxed = self.mode == "letterbox" and self.size
        size = self.crop or boxed or resized
        self._check(source, resized, size)
        if boxed:
            return _letterboxed(source, resized, size)
        return _cropped(source, resized, size, local=local)

    def _check(self, source: Extent, resized: Extent, size: Extent) -> None:
        if self.crop and (resized[0] < size[0] or resized[1] < size[1]):
            what = f"{_words(source)} image is {_words(resized)} when resized, smaller than the crop {_words(size)}"
            raise ProcessorError(what, hint='resize mode "letterbox" or "stretch" takes every image')
        if not fits(size, self.wanted):
            what = f"{_words(source)} image yields {_words(size)}, but the model wants {_words(self.wanted)}"
            raise ProcessorError(what, hint='resize mode "letterbox" or "stretch" takes every image')

    def _resized(self, source: Extent) -> Extent:
        if self.size is None:
            return source
        if self.mode == "stretch":
            return self.size
        if self.mode == "short-side":
            short = self.size[0]
            return tuple(max(short, each * short // min(source)) for each in source)  # type: ignore[return-value] # two
        scale = min(Fraction(self.size[0], source[0]), Fraction(self.size[1], source[1]))
        return max(1, round(source[0] * scale)), max(1, round(source[1] * scale))


def sizing(config: ImageConfig, wanted: OpenExtent, name: str) -> Sizing:
    """Return the sizes that a config stands for.

    :param wanted: Height and width of the model's input.
    :param name: The input's name, for errors.
    :raises ProcessorError: The config yields another size, or none can be found out.
    """
    mode, crop = config.resize.mode, pair(config.crop) if config.crop is not None else None
    model = (wanted[0], wanted[1]) if wanted[0] is not None and wanted[1] is not None else None
    size = pair(config.resize.size) if config.resize.size is not None else None
    if mode == "short-side":
        crop = crop or model
        size = size or _square(crop)
    elif mode != "none":
        size = size or model
    if mode != "none" and size is None:
        what = f'input "{name}" has no fixed size ({_words(wanted)})'
        raise ProcessorError(what, where="preprocessing.resize", hint='say "size": [height, width], or "mode": "none"')
    found = Sizing(mode, size, crop, wanted)
    if found.fixed and not fits(found.fixed, wanted):
        what = f'the config yields {_words(found.fixed)}, but the model\'s input "{name}" wants {_words(wanted)}'
        raise ProcessorError(what, where="preprocessing", hint="leave the sizes out to get the model's")
    return found


def fits(size: Extent, wanted: OpenExtent) -> bool:
    """Say whether a size is the wanted one, where that is not open."""
    return all(want in {None, have} for have, want in zip(size, wanted, strict=True))


def _letterboxed(source: Extent, resized: Extent, size: Extent) -> Placement:
    top, left = (size[0] - resized[0]) // 2, (size[1] - resized[1]) // 2
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


def _square(size: Extent | None) -> Extent | None:
    return None if size is None else (min(size), min(size))


def _span(source: int, resized: int, start: int, length: int) -> Extent | None:
    """Return start and length in the image of a span of the resized image, if they are whole pixels of it."""
    if source < resized or start * source % resized or length * source % resized:
        return None
    return start * source // resized, length * source // resized


def _points(points: npt.ArrayLike) -> npt.NDArray[Any]:
    import numpy as np  # geometry is also used where nothing else needs numpy yet

    return np.asarray(points, dtype=np.float64)


def _words(size: OpenExtent) -> str:
    return "x".join("?" if each is None else str(each) for each in size)
