"""Decodes NumPy files as pictures: grey or RGB, with integer levels or floats from 0 to 1."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from lpbench_image._tensor import Picture

MAGIC = b"\x93NUMPY"
SHAPES = "[height, width], [height, width, 1] grey or [height, width, 3] red, green, blue"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""Header readers by format version; version 3 only adds Unicode column names, which pictures do not have."""


def decode_array(data: bytes, max_pixels: int) -> Picture:
    """Decode the bytes of an .npy file.

    :raises ValueError: The bytes are not a picture; the message says why.
    """
    stream = io.BytesIO(data)
    shape, by_column, dtype = _header(stream)
    channels = shape[2] if len(shape) == 3 else 1  # noqa: PLR2004 - with a third dimension
    if len(shape) not in {2, 3} or channels not in {1, 3} or 0 in shape:
        raise ValueError(f"an array {list(shape)} is not a picture: expected {SHAPES}")
    if shape[0] * shape[1] > max_pixels:
        raise ValueError(f"{shape[1]} x {shape[0]} pixels are more than max_pixels, {max_pixels}")
    if dtype.hasobject or len(data) - stream.tell() < math.prod(shape) * dtype.itemsize:
        raise ValueError(f"the array's data are truncated or not numeric: {list(shape)} of {dtype}")
    values = np.frombuffer(data, dtype, math.prod(shape), stream.tell())
    levels = _levels(values).reshape(shape, order="F" if by_column else "C").reshape(*shape[:2], channels)
    return np.ascontiguousarray(np.broadcast_to(levels[:, :, ::-1], (*shape[:2], 3)))


def _header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return the shape, whether the order is column-major, and the type."""
    try:
        header: tuple[tuple[int, ...], bool, np.dtype[Any]] = _HEADERS[np.lib.format.read_magic(stream)](stream)
    except Exception as error:  # numpy passes on whatever Python's tokenizer and parser raise
        raise ValueError(f"the array's header cannot be read: {error}") from error
    return header


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
