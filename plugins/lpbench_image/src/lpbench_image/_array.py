"""Decodes NumPy files as pictures: grey or RGB, with integer levels or floats from 0 to 1."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.kit.npy_files import MAGIC, read_header

if TYPE_CHECKING:
    import numpy.typing as npt

    from lpbench_image._tensor import Picture

__all__ = ["MAGIC", "decode_array"]

SHAPES = "[height, width], [height, width, 1] grey or [height, width, 3] red, green, blue"


def decode_array(data: bytes, max_pixels: int) -> Picture:
    """Decode the bytes of an .npy file.

    :raises ValueError: The bytes are not a picture; the message says why.
    """
    stream = io.BytesIO(data)
    shape, by_column, dtype, _ = read_header(stream, len(data))
    channels = shape[2] if len(shape) == 3 else 1  # noqa: PLR2004 - with a third dimension
    if len(shape) not in {2, 3} or channels not in {1, 3} or 0 in shape:
        raise ValueError(f"an array {list(shape)} is not a picture: expected {SHAPES}")
    if shape[0] * shape[1] > max_pixels:
        raise ValueError(f"{shape[1]} x {shape[0]} pixels are more than max_pixels, {max_pixels}")
    values = np.frombuffer(data, dtype, math.prod(shape), stream.tell())
    levels = _levels(values).reshape(shape, order="F" if by_column else "C").reshape(*shape[:2], channels)
    return np.ascontiguousarray(np.broadcast_to(levels[:, :, ::-1], (*shape[:2], 3)))


def _levels(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return values as 8-bit levels: the upper 8 of 16 bits, and floats from 0 to 1 multiplied by 255."""
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:  # noqa: PLR2004 - in either byte order
        return (values >> 8).astype(np.uint8)
    if values.dtype.kind != "f":
        raise ValueError(f"its values are of type {values.dtype}; save it as uint8, uint16 or floats from 0 to 1")
    if not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(f"its values are {values.min():g} to {values.max():g}; floats must be from 0 to 1")
    return np.rint(values * 255.0).astype(np.uint8)
