"""Settings of the image processors, as they stand in an app's config.

Sizes are one number for a square or ``[height, width]``, in pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

Size = int | tuple[int, int]
PerChannel = float | tuple[float, ...]

CHANNELS = {1, 3}


@dataclass(frozen=True)
class Resize:
    """How an image gets to the model's size.

    :param mode: ``stretch`` to the size; ``short-side`` to one number, keeping the proportions; ``letterbox`` into
        the size, keeping the proportions, on ``pad``; ``height`` to one number, keeping the proportions, with a width
        of its own; ``multiple``, stretching each side to the nearest whole multiple; ``none``.
    :param size: Default: the model's.
    :param interpolation: All but ``area`` look at neighbouring pixels only, however much smaller the image gets;
        ``area`` cannot turn a region.
    :param pad: Colour around an image and outside it, 0 to 255: grey, or red, green, blue.
    :param anchor: Where a letterboxed image lies.
    :param multiple: For ``multiple``, what each side is a multiple of; for ``height``, what the width is padded to.
    :param least: For ``multiple``, the short side is enlarged to this at least; for ``height``, the width is padded.
    :param most: For ``multiple``, the long side is shrunk to this at most, before rounding; for ``height``, the width
        is squeezed.
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
            _fail(f'mode "{self.mode}" takes no size')
        if self.mode == "short-side" and isinstance(self.size, tuple):
            _fail(f'mode "short-side" takes one number as size, found {list(self.size)}')
        pad = (self.pad,) if isinstance(self.pad, int) else self.pad
        if any(not 0 <= each <= 255 for each in pad):  # noqa: PLR2004 - range of a byte
            _fail(f"pad must be 0 to 255, found {self.pad!r}")
        if self.anchor != "centre" and self.mode != "letterbox":
            _fail(f'anchor goes with mode "letterbox", not with "{self.mode}"')
        self._check_limits()

    def _check_limits(self) -> None:
        limits = {"multiple": self.multiple, "least": self.least, "most": self.most}
        for name, value in limits.items():
            if value is not None and value < 1:
                _fail(f"{name} must be 1 or more, found {value}")
            if value not in {None, 1} and self.mode not in {"height", "multiple"}:
                _fail(f'{name} goes with the modes "height" and "multiple", not with "{self.mode}"')
        if self.least and self.most and self.least > self.most:
            _fail(f"least, {self.least}, exceeds most, {self.most}")


@dataclass(frozen=True)
class Normalise:
    """What a pixel value becomes: ``(value * scale - mean) / std``, with values from 0 to 255.

    Each is one number, or one for each channel in the tensor's order.

    :param scale: What a value is multiplied by.
    :param mean: What is then subtracted.
    :param std: What is then divided by.
    """

    scale: PerChannel = 1 / 255
    mean: PerChannel = 0.0
    std: PerChannel = 1.0

    def __post_init__(self) -> None:
        lengths = {len(each) for each in (self.scale, self.mean, self.std) if isinstance(each, tuple)}
        if len(lengths) > 1 or lengths - CHANNELS:
            _fail(f"scale, mean and std must be one number or one for each channel, found {sorted(lengths)} numbers")
        for name in ("scale", "mean", "std"):
            if not all(map(math.isfinite, channels(getattr(self, name)))):
                _fail(f"{name} must be finite, found {getattr(self, name)!r}")
        if any(each <= 0 for each in channels(self.std)):
            _fail(f"std must be above 0, found {self.std!r}")


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian blur.

    :param size: Width of the kernel in pixels, odd.
    :param sigma: Standard deviation in pixels; 0 takes ``0.3 * ((size - 1) / 2 - 1) + 0.8``.
    """

    size: int
    sigma: float = 0.0

    def __post_init__(self) -> None:
        _check_odd("size", self.size)
        if not 0 <= self.sigma < math.inf:
            _fail(f"sigma must be 0 or more, found {self.sigma!r}")


@dataclass(frozen=True)
class Filter:
    """Filters at the model's resolution, the median first.

    :param gaussian: A blur.
    :param median: Width of the window in pixels, odd.
    """

    gaussian: Gaussian | None = None
    median: int | None = None

    def __post_init__(self) -> None:
        if self.median is not None:
            _check_odd("median", self.median)


@dataclass(frozen=True)
class RegionConfig:
    """How a thing that one component of a chain found becomes the part of the picture that the next one looks at.

    :param points: Numbers of the thing's points that the smallest rectangle is laid around; left out, it is the
        thing's box, or lies around all points of a thing without one.
    :param rotate: Numbers of two points: the line from the first to the second becomes horizontal, to the right.
    :param shift: Right and down along the turned sides, as shares of the rectangle's width and height.
    :param square: Both sides become as long as the longer one.
    :param scale: What both sides are multiplied by, or width and height each.
    :param mirror: Left and right change places.
    :param template: Where the chosen points, or the thing's first ones, are to lie in the model's input, in pixels:
        turned, scaled and moved so that the squared distances are least.  Goes with ``points`` only.
    """

    points: tuple[int, ...] = ()
    rotate: tuple[int, int] | None = None
    shift: tuple[float, float] = (0.0, 0.0)
    square: bool = False
    scale: float | tuple[float, float] = 1.0
    mirror: bool = False
    template: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if any(each < 0 for each in (*self.points, *(self.rotate or ()))):
            _fail("points are numbered from 0")
        if self.rotate and self.rotate[0] == self.rotate[1]:
            _fail(f"rotate names one point twice: {self.rotate[0]}")
        if not all(math.isfinite(each) for each in self.shift):
            _fail(f"shift must be finite, found {list(self.shift)}")
        if not all(0 < each < math.inf for each in self.scales):
            _fail(f"scale must be above 0, found {self.scale!r}")
        if self.template:
            self._check_template()

    @property
    def scales(self) -> tuple[float, float]:
        """What width and height are multiplied by."""
        return self.scale if isinstance(self.scale, tuple) else (self.scale, self.scale)

    @property
    def turns(self) -> bool:
        """Whether a region may be turned or mirrored."""
        return bool(self.rotate or self.mirror or self.template)

    def _check_template(self) -> None:
        if len(self.template) < 2 or not all(math.isfinite(each) for point in self.template for each in point):  # noqa: PLR2004 - a direction and a length need two
            _fail(f"template must be two or more points, found {self.template!r}")
        if self.points and len(self.points) != len(self.template):
            _fail(f"{len(self.points)} points for the {len(self.template)} of template")
        if RegionConfig(points=self.points, template=()) != replace(self, template=()):
            _fail("template says all: leave rotate, shift, square, scale and mirror out")


@dataclass(frozen=True)
class ImageConfig:
    """How an image file becomes the model's input.

    What is ``auto`` or left out is taken from the model's input.

    :param resize: How it gets to the model's size.
    :param crop: Centre of the resized image that is kept.
    :param color: Order of the channels.
    :param normalise: Left out, values are 0 to 1, and 0 to 255 for integers without a scale.
    :param filter: Filters at the model's resolution.
    :param layout: Order of the dimensions.
    :param dtype: Type of the values.
    :param threads: Threads of OpenCV, in the whole process.
    :param max_pixels: Larger images are refused before they are decoded, larger regions before they are cut out.
    :param region: In a chain, how what the component before found becomes a part of the picture; several give as many
        items for each thing.  Left out, this component looks at what the one before looked at.
    :param pick: In a chain, which of the things found: all, the one of the highest score, or so many of the largest.
    """

    resize: Resize = field(default_factory=Resize)
    crop: Size | None = None
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
        if self.crop is None:
            return
        if self.resize.mode in {"letterbox", "height", "multiple"}:
            _fail(f'crop and resize mode "{self.resize.mode}" exclude each other: there is nothing to cut off')
        wanted, given = pair(self.crop), self.resize.size
        if given is not None and self.resize.mode == "stretch" and _exceeds(wanted, pair(given)):
            _fail(f"crop {list(wanted)} exceeds the resized image {list(pair(given))}")

    @property
    def regions(self) -> tuple[RegionConfig, ...]:
        """The regions as a tuple."""
        return (self.region,) if isinstance(self.region, RegionConfig) else self.region or ()

    def _check_regions(self) -> None:
        if any(each.turns for each in self.regions) and self.resize.interpolation == "area":
            _fail('interpolation "area" cannot turn a region: take "bilinear"')
        if any(each.template for each in self.regions) and (self.resize.mode != "stretch" or self.crop is not None):
            _fail('template says where points lie in the input: it goes with resize mode "stretch", and without crop')


@dataclass(frozen=True)
class ClassificationConfig:
    """How class scores become a prediction.

    :param output: Name of the output with one score for each class; may be left out where there is one output.
    :param activation: What turns the model's numbers into scores.
    :param top_k: Classes in a prediction, best first; fewer where the model has fewer.
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
    """Return one number, or one for each channel, as a tuple."""
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
