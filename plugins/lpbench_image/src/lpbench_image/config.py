"""Settings of the image processors in an app's config.

Sizes are in pixels: one number for a square, or ``[height, width]``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

Size = int | tuple[int, int]
PerChannel = float | tuple[float, ...]

CHANNELS = {1, 3}
LEAST_SHARE = 0.01
"""Smaller shares would enlarge every image to more memory than there is."""


@dataclass(frozen=True)
class Resize:
    """How an image is resized to the model's size.

    :param mode: ``stretch`` to the size; ``short-side``: scale the short side to one number, keeping the proportions;
        ``letterbox``: fit into the size, keeping the proportions, and pad with ``pad``; ``height``: scale the height
        to one number, keeping the proportions, so that the width varies; ``multiple``: stretch each side to the
        nearest multiple of a number; ``none``.
    :param size: Default: the model's size.
    :param interpolation: All except ``area`` read neighbouring pixels only, even when an image is made much smaller;
        ``area`` cannot rotate a region.
    :param pad: Colour around an image and outside it, 0 to 255: grey, or red, green, blue.
    :param anchor: Position of a letterboxed image.
    :param multiple: For ``multiple``, each side becomes a multiple of this; for ``height``, the width is padded to one.
    :param least: For ``multiple``, the short side is enlarged to at least this; for ``height``, the width is padded
        to at least this.
    :param most: For ``multiple``, the long side is reduced to at most this, before rounding; for ``height``, the width
        is squeezed to at most this.
    """

    mode: Literal["stretch", "short-side", "letterbox", "height", "multiple", "none"] = "stretch"
    size: Size | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "area", "lanczos"] = "bilinear"
    pad: int | tuple[int, int, int] = 0
    anchor: Literal["centre", "top-left"] = "centre"
    multiple: int = 1
    least: int | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        _check_size("size", self.size)
        if self.mode in {"none", "multiple"} and self.size is not None:
            _fail(f'mode "{self.mode}" does not accept a size')
        if self.mode == "short-side" and isinstance(self.size, tuple):
            _fail(f'mode "short-side" takes one number as size, found {list(self.size)}')
        pad = (self.pad,) if isinstance(self.pad, int) else self.pad
        if any(not 0 <= level <= 255 for level in pad):  # noqa: PLR2004 - range of a byte
            _fail(f"pad must be 0 to 255, found {self.pad!r}")
        if self.anchor != "centre" and self.mode != "letterbox":
            _fail(f'anchor is valid only with mode "letterbox", not with "{self.mode}"')
        self._check_limits()

    def _check_limits(self) -> None:
        limits = {"multiple": self.multiple, "least": self.least, "most": self.most}
        for name, value in limits.items():
            if value is not None and value < 1:
                _fail(f"{name} must be 1 or more, found {value}")
            if value not in {None, 1} and self.mode not in {"height", "multiple"}:
                _fail(f'{name} is valid only with the modes "height" and "multiple", not with "{self.mode}"')
        if self.least and self.most and self.least > self.most:
            _fail(f"least, {self.least}, exceeds most, {self.most}")


@dataclass(frozen=True)
class Normalise:
    """The normalisation of pixel values: ``(value * scale - mean) / std``, with values from 0 to 255.

    Each parameter is one number, or one for each channel in the tensor's order.

    :param scale: Factor of the pixel value.
    :param mean: Subtracted from the product.
    :param std: Divisor of the difference.
    """

    scale: PerChannel = 1 / 255
    mean: PerChannel = 0.0
    std: PerChannel = 1.0

    def __post_init__(self) -> None:
        lengths = {len(values) for values in (self.scale, self.mean, self.std) if isinstance(values, tuple)}
        if len(lengths) > 1 or lengths - CHANNELS:
            _fail(f"scale, mean and std must be one number or one for each channel, found {sorted(lengths)} numbers")
        for name in ("scale", "mean", "std"):
            if not all(map(math.isfinite, channels(getattr(self, name)))):
                _fail(f"{name} must be finite, found {getattr(self, name)!r}")
        if any(deviation <= 0 for deviation in channels(self.std)):
            _fail(f"std must be above 0, found {self.std!r}")


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian blur.

    :param size: Width of the kernel in pixels, odd.
    :param sigma: Standard deviation in pixels; 0 stands for ``0.3 * ((size - 1) / 2 - 1) + 0.8``.
    """

    size: int
    sigma: float = 0.0

    def __post_init__(self) -> None:
        _check_odd("size", self.size)
        if not 0 <= self.sigma < math.inf:
            _fail(f"sigma must be 0 or more, found {self.sigma!r}")


@dataclass(frozen=True)
class Filter:
    """Filters at the model's resolution; the median is applied first.

    :param gaussian: A Gaussian blur.
    :param median: Width of the median's window in pixels, odd.
    """

    gaussian: Gaussian | None = None
    median: int | None = None

    def __post_init__(self) -> None:
        if self.median is not None:
            _check_odd("median", self.median)


@dataclass(frozen=True)
class RegionConfig:
    """How an object found by one component of a chain becomes the region that the next one processes.

    :param points: Numbers of the object's points; the region starts as the smallest rectangle around them.  Default:
        the object's box, or the rectangle around all points if it has no box.
    :param rotate: Numbers of two points: the line from the first to the second becomes horizontal, to the right.
    :param shift: Right and down along the rotated sides, as shares of the rectangle's width and height.
    :param square: Extend the shorter side to the length of the longer one.
    :param scale: Factor of both sides, or the factors of width and height.
    :param mirror: Swap left and right.
    :param template: Positions in the model's input, in pixels, of the chosen points, or else of the object's first
        ones.  The region is rotated, scaled and moved so that the sum of the squared distances is minimal.  Can be
        combined with ``points`` only.
    """

    points: tuple[int, ...] = ()
    rotate: tuple[int, int] | None = None
    shift: tuple[float, float] = (0.0, 0.0)
    square: bool = False
    scale: float | tuple[float, float] = 1.0
    mirror: bool = False
    template: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if any(number < 0 for number in (*self.points, *(self.rotate or ()))):
            _fail("points are numbered from 0")
        if self.rotate and self.rotate[0] == self.rotate[1]:
            _fail(f"rotate names one point twice: {self.rotate[0]}")
        if not all(map(math.isfinite, self.shift)):
            _fail(f"shift must be finite, found {list(self.shift)}")
        if not all(0 < factor < math.inf for factor in self.scales):
            _fail(f"scale must be above 0, found {self.scale!r}")
        if self.template:
            self._check_template()

    @property
    def scales(self) -> tuple[float, float]:
        """The factors of width and height."""
        return self.scale if isinstance(self.scale, tuple) else (self.scale, self.scale)

    @property
    def turns(self) -> bool:
        """Whether a region may be rotated or mirrored."""
        return bool(self.rotate or self.mirror or self.template)

    def _check_template(self) -> None:
        if len(self.template) < 2 or not all(math.isfinite(value) for point in self.template for value in point):  # noqa: PLR2004 - a rotation and a scale need two
            _fail(f"template must be two or more points, found {self.template!r}")
        if self.points and len(self.points) != len(self.template):
            _fail(f"points has {len(self.points)} numbers, but template has {len(self.template)} points")
        if RegionConfig(points=self.points, template=()) != replace(self, template=()):
            _fail("template determines the whole region: omit rotate, shift, square, scale and mirror")


@dataclass(frozen=True)
class ImageConfig:
    """How an image file becomes the model's input.

    Settings that are ``auto`` or omitted are taken from the model's input.

    :param resize: How the image is resized to the model's size.
    :param crop: Size of the centre of the resized image that is kept.
    :param crop_share: For ``short-side``, the share of the resized image's height and width that the crop takes; the
        image is resized to ``round(side / crop_share)``.  0.875 stands for 256 pixels around a crop of 224.
    :param color: Order of the channels.
    :param normalise: Default: values become 0 to 1, or stay 0 to 255 for integers without a scale.
    :param filter: Filters at the model's resolution.
    :param layout: Order of the dimensions.
    :param dtype: Type of the values.
    :param threads: OpenCV's threads in the whole process.
    :param max_pixels: Larger images are refused before they are decoded, larger windows before they are cut out.
    :param region: In a chain, how each object found by the previous component becomes a region of the picture; several
        regions make as many items of each object.  Default: the component processes the same picture or region as the
        previous one.
    :param pick: In a chain, which of the objects found: all, the one with the highest score, or this number of the
        largest ones.
    """

    resize: Resize = field(default_factory=Resize)
    crop: Size | None = None
    crop_share: float | None = None
    color: Literal["auto", "RGB", "BGR", "GREY"] = "auto"
    normalise: Normalise | None = None
    filter: Filter | None = None
    layout: Literal["auto", "NCHW", "NHWC"] = "auto"
    dtype: Literal["auto", "float32", "float16", "uint8", "int8", "int32"] = "auto"
    threads: int = 1
    max_pixels: int = 100_000_000
    region: RegionConfig | tuple[RegionConfig, ...] | None = None
    pick: Literal["all", "best"] | int = "all"

    def __post_init__(self) -> None:
        _check_size("crop", self.crop)
        for name in ("threads", "max_pixels"):
            if getattr(self, name) < 1:
                _fail(f"{name} must be 1 or more, found {getattr(self, name)}")
        if isinstance(self.pick, int) and self.pick < 1:
            _fail(f"pick must be 1 or more, found {self.pick}")
        self._check_regions()
        self._check_crop_share()
        if self.crop is None:
            return
        if self.resize.mode in {"letterbox", "height", "multiple"}:
            _fail(f'crop cannot be combined with resize mode "{self.resize.mode}"')
        crop, resized = pair(self.crop), self.resize.size
        if resized is not None and self.resize.mode == "stretch" and _exceeds(crop, pair(resized)):
            _fail(f"crop {list(crop)} exceeds the resized image {list(pair(resized))}")

    @property
    def regions(self) -> tuple[RegionConfig, ...]:
        """The regions as a tuple."""
        return (self.region,) if isinstance(self.region, RegionConfig) else self.region or ()

    def _check_crop_share(self) -> None:
        if self.crop_share is None:
            return
        if not LEAST_SHARE <= self.crop_share <= 1:
            _fail(f"crop_share must be {LEAST_SHARE} to 1, found {self.crop_share!r}")
        if self.resize.mode != "short-side":
            _fail(f'crop_share is valid only with resize mode "short-side", not with "{self.resize.mode}"')
        if self.resize.size is not None:
            _fail("crop_share determines the size of the resized image: omit resize.size")

    def _check_regions(self) -> None:
        if any(region.turns for region in self.regions) and self.resize.interpolation == "area":
            _fail('interpolation "area" cannot rotate a region: use "bilinear"')
        if any(region.template for region in self.regions) and (self.resize.mode != "stretch" or self.crop is not None):
            _fail('template fixes where points lie in the input: it needs resize mode "stretch" and no crop')


@dataclass(frozen=True)
class ClassificationConfig:
    """How class scores become a prediction.

    :param output: Name of the output with one score for each class; may be omitted if there is only one output.
    :param activation: The function that turns the model's values into scores.
    :param top_k: Largest number of classes in a prediction, best first.
    """

    output: str = ""
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    top_k: int = 5

    def __post_init__(self) -> None:
        if self.top_k < 1:
            _fail(f"top_k must be 1 or more, found {self.top_k}")


def pair(size: Size) -> tuple[int, int]:
    """Return a size as height and width."""
    return (size, size) if isinstance(size, int) else size


def channels(values: PerChannel) -> tuple[float, ...]:
    """Return a setting as a tuple of one number, or of one for each channel."""
    return values if isinstance(values, tuple) else (values,)


def _exceeds(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return inner[0] > outer[0] or inner[1] > outer[1]


def _check_size(name: str, size: Size | None) -> None:
    if size is not None and min(pair(size)) < 1:
        _fail(f"{name} must be 1 or more, found {size!r}")


def _check_odd(name: str, value: int) -> None:
    if value < 1 or value % 2 == 0:
        _fail(f"{name} must be odd and 1 or more, found {value}")


def _fail(what: str) -> None:
    raise ValueError(what)
