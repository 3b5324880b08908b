"""Settings of the image processors, as they stand in an app's config.

Sizes are one number for a square or ``[height, width]``, in pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

Size = int | tuple[int, int]
PerChannel = float | tuple[float, ...]

CHANNELS = {1, 3}


@dataclass(frozen=True)
class Resize:
    """How an image gets to the model's size.

    :param mode: ``stretch`` to the size; ``short-side`` to one number, keeping the proportions; ``letterbox`` into
        the size, keeping the proportions, centred on ``pad``; ``none``.
    :param size: Default: the model's.
    :param interpolation: All but ``area`` look at neighbouring pixels only, however much smaller the image gets.
    :param pad: Colour around a letterboxed image, 0 to 255: grey, or red, green, blue.
    """

    mode: Literal["stretch", "short-side", "letterbox", "none"] = "stretch"
    size: Size | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "area", "lanczos"] = "bilinear"
    pad: int | tuple[int, int, int] = 0

    def __post_init__(self) -> None:
        _check_size("size", self.size)
        if self.mode == "none" and self.size is not None:
            _fail('mode "none" takes no size')
        if self.mode == "short-side" and isinstance(self.size, tuple):
            _fail(f'mode "short-side" takes one number as size, found {list(self.size)}')
        pad = (self.pad,) if isinstance(self.pad, int) else self.pad
        if any(not 0 <= each <= 255 for each in pad):  # noqa: PLR2004 - range of a byte
            _fail(f"pad must be 0 to 255, found {self.pad!r}")


@dataclass(frozen=True)
class Normalise:
    """What a pixel value becomes: ``(value * scale - mean) / std``, with values from 0 to 255.

    Each is one number, or one for each channel in the tensor's order.
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

    :param median: Width of the window in pixels, odd.
    """

    gaussian: Gaussian | None = None
    median: int | None = None

    def __post_init__(self) -> None:
        if self.median is not None:
            _check_odd("median", self.median)


@dataclass(frozen=True)
class ImageConfig:
    """How an image file becomes the model's input.

    What is ``auto`` or left out is taken from the model's input.

    :param crop: Centre of the resized image that is kept.
    :param color: Order of the channels.
    :param normalise: Left out, values are 0 to 1, and 0 to 255 for integers without a scale.
    :param layout: Order of the dimensions.
    :param dtype: Type of the values.
    :param threads: Threads of OpenCV, in the whole process.
    :param max_pixels: Larger images are refused before they are decoded.
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

    def __post_init__(self) -> None:
        _check_size("crop", self.crop)
        for name in ("threads", "max_pixels"):
            if getattr(self, name) < 1:
                _fail(f"{name} must be 1 or more, found {getattr(self, name)}")
        if self.crop is None:
            return
        if self.resize.mode == "letterbox":
            _fail('crop and resize mode "letterbox" exclude each other: a letterboxed image has the size asked for')
        wanted, given = pair(self.crop), self.resize.size
        if given is not None and self.resize.mode == "stretch" and _exceeds(wanted, pair(given)):
            _fail(f"crop {list(wanted)} exceeds the resized image {list(pair(given))}")


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
