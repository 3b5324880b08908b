"""The tensor that a model expects, determined from its input and the app's config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import ProcessorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import TensorInfo
    from lpbench_image._sizing import OpenExtent
    from lpbench_image.config import ImageConfig
    from lpbench_image.geometry import Extent

DTYPES = ("float32", "float16", "uint8", "int8", "int32")
CHANNELS = {"RGB": 3, "BGR": 3, "GREY": 1}
WHERE = "preprocessing"


@dataclass(frozen=True)
class Target:
    """One image as a tensor.

    :param name: Name of the model's input.
    :param dtype: One of ``DTYPES``.
    :param layout: ``NCHW`` or ``NHWC``.
    :param color: ``RGB``, ``BGR`` or ``GREY``.
    :param batched: Whether the tensor has a batch dimension.
    :param size: Height and width; None for an open side.
    :param scale: Real value of one step of a quantised tensor, else None.
    :param zero_point: Quantised value that stands for zero.
    """

    name: str
    dtype: str
    layout: str
    color: str
    batched: bool
    size: OpenExtent
    scale: float | None
    zero_point: int

    @property
    def channels(self) -> int:
        """Number of channels."""
        return CHANNELS[self.color]

    def shape(self, size: Extent) -> tuple[int, ...]:
        """Return the tensor's shape for an image of this height and width."""
        image = (self.channels, *size) if self.layout == "NCHW" else (*size, self.channels)
        return (1, *image) if self.batched else image


def settle(config: ImageConfig, inputs: Sequence[TensorInfo]) -> Target:
    """Return the tensor that the model expects.

    :raises ProcessorError: The model's input is not an image, or the config contradicts it.
    """
    info = _only(inputs)
    batched, dimensions = _image_dimensions(info)
    layout = _layout(config, info, dimensions)
    size, channels = (dimensions[1:], dimensions[0]) if layout == "NCHW" else (dimensions[:2], dimensions[2])
    return Target(
        name=info.name,
        dtype=_dtype(config, info),
        layout=layout,
        color=_color(config, info, channels),
        batched=batched,
        size=(size[0], size[1]),
        scale=info.scale,
        zero_point=info.zero_point or 0,
    )


def _only(inputs: Sequence[TensorInfo]) -> TensorInfo:
    if len(inputs) != 1:
        names = ", ".join(f'"{info.name}"' for info in inputs)
        raise ProcessorError(f"the model has {len(inputs)} inputs ({names}); an image model must have one", where=WHERE)
    return inputs[0]


def _image_dimensions(info: TensorInfo) -> tuple[bool, tuple[int | None, ...]]:
    """Return whether there is a batch dimension, and the other three dimensions, open ones as None."""
    dimensions = tuple(size if isinstance(size, int) else None for size in info.shape)
    if len(dimensions) not in {3, 4}:
        raise ProcessorError(
            f"{_words(info)} is not an image: expected 3 dimensions, or 4 with the batch, found {len(dimensions)}",
            where=WHERE,
        )
    batched = len(dimensions) == 4  # noqa: PLR2004 - see above
    if batched and dimensions[0] not in {None, 1}:
        raise ProcessorError(
            f"{_words(info)} expects {dimensions[0]} images at once, but a sample is one image",
            where=WHERE,
            hint="use a model with a batch of 1 or an open batch",
        )
    return batched, dimensions[-3:]


def _layout(config: ImageConfig, info: TensorInfo, dimensions: tuple[int | None, ...]) -> str:
    stated = info.layout if info.layout.startswith("N") or not info.layout else f"N{info.layout}"
    if stated and config.layout not in {"auto", stated}:
        raise ProcessorError(
            f"the config says {config.layout}, but {_words(info)} is {stated}", where=f"{WHERE}.layout"
        )
    known = stated or (config.layout if config.layout != "auto" else _guess(info, dimensions))
    if known not in {"NCHW", "NHWC"}:
        raise ProcessorError(f"{_words(info)} has layout {known!r}; an image must be NCHW or NHWC", where=WHERE)
    return known


def _guess(info: TensorInfo, dimensions: tuple[int | None, ...]) -> str:
    first, last = (dimensions[at] in CHANNELS.values() for at in (0, -1))
    if first == last:
        raise ProcessorError(
            f"cannot determine the layout of {_words(info)}", where=WHERE, hint='set "layout": "NCHW" or "NHWC"'
        )
    return "NCHW" if first else "NHWC"


def _dtype(config: ImageConfig, info: TensorInfo) -> str:
    if config.dtype not in {"auto", info.dtype}:
        raise ProcessorError(
            f"the config says {config.dtype}, but {_words(info)} is {info.dtype}", where=f"{WHERE}.dtype"
        )
    if info.dtype not in DTYPES:
        raise ProcessorError(
            f"{_words(info)} is {info.dtype}; an image must be one of {', '.join(DTYPES)}", where=WHERE
        )
    return info.dtype


def _color(config: ImageConfig, info: TensorInfo, channels: int | None) -> str:
    color = config.color
    if color == "auto":
        color = "GREY" if channels == 1 else "RGB"
    if channels not in {None, CHANNELS[color]}:
        raise ProcessorError(
            f"{color} has {CHANNELS[color]} channels, but {_words(info)} expects {channels}",
            where=f"{WHERE}.color",
            hint="GREY has 1, RGB and BGR have 3",
        )
    return color


def _words(info: TensorInfo) -> str:
    shape = ", ".join("?" if size is None else str(size) for size in info.shape)
    return f'input "{info.name}" [{shape}]'
