"""Decodes image files into pictures: height x width x 3, uint8, blue, green, red, upright.

Grey is repeated in all three channels, transparency is dropped, 16 bits are reduced to
the upper 8, other maxima of white become 255, and the rotation given by EXIF data is applied.
NumPy files are also supported.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.kit.untrusted import read_regular
from lpbench_image._array import MAGIC, decode_array
from lpbench_image._header import FORMATS, Header, read_header
from lpbench_image._netpbm import MAGICS as NETPBM
from lpbench_image._netpbm import decode_netpbm, netpbm_values, read_netpbm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from lpbench_image._tensor import Picture

FILE_BYTES = 1 << 30
"""Largest file that is read; a hundred million pixels of 16 bits take 600 MB uncompressed."""
LOGGING: Any = getattr(cv2.utils, "logging", cv2)
"""The module with OpenCV's log level; its place differs between OpenCV versions."""


def read_picture(path: Path, max_pixels: int) -> Picture:
    """Read and decode one file.

    :param max_pixels: Larger images are refused before memory is allocated for them.
    :raises ProcessorError: The file cannot be used; the message says why.
    """
    data = read_regular(path, limit=FILE_BYTES, error=ProcessorError)
    try:
        return decode(data, max_pixels)
    except ValueError as error:
        raise ProcessorError(f"cannot be used as an image: {error}", where=str(path)) from error
    except MemoryError as error:
        raise ProcessorError("does not fit into memory when it is decoded", where=str(path)) from error


def decode(data: bytes, max_pixels: int) -> Picture:
    """Decode the bytes of an image file.

    :raises ValueError: The bytes cannot be decoded; the message says why.
    """
    if data.startswith(MAGIC):
        return decode_array(data, max_pixels)
    header = _header(data, max_pixels)
    if data.startswith(NETPBM):
        return decode_netpbm(data, read_netpbm(data))
    picture = _opencv(data, header)
    if picture.dtype == np.uint16:  # OpenCV's own conversion rounds in some formats
        return (picture >> 8).astype(np.uint8)
    return picture


def decode_values(data: bytes, max_pixels: int) -> npt.NDArray[np.integer[Any]]:
    """Return the values of a grey image as the file has them, height x width: those of 16 bits whole.

    :raises ValueError: The bytes cannot be decoded, or the image has colours.
    """
    header = _header(data, max_pixels)
    if data.startswith(NETPBM):
        return netpbm_values(data, read_netpbm(data))
    picture = _opencv(data, header)
    grey: npt.NDArray[np.integer[Any]] = picture[:, :, 0]
    if (picture != grey[:, :, np.newaxis]).any():
        raise ValueError("it has colours")
    return grey


def _header(data: bytes, max_pixels: int) -> Header:
    if not data:
        raise ValueError("the file is empty")
    header = read_header(data)
    if header is None:
        raise ValueError(f"its first bytes, {data[:8]!r}, match no supported format: {FORMATS}, .npy")
    if header.width < 1 or header.height < 1:
        raise ValueError(f"its header gives a size of {header.width} x {header.height} pixels")
    if header.width * header.height > max_pixels:
        raise ValueError(
            f"{header.width} x {header.height} pixels are more than max_pixels, {max_pixels}; "
            "raise preprocessing.max_pixels if this file is trusted"
        )
    if not header.complete:
        raise ValueError(f"the {header.format} data are truncated")
    return header


def _opencv(data: bytes, header: Header) -> Any:
    """Return what OpenCV makes of an image: height x width x 3, uint8 or uint16."""
    picture: Any = None
    with _quiet(), contextlib.suppress(cv2.error):
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if picture is None:
        raise ValueError(
            f"the {header.format} data are truncated, damaged or of a variant that OpenCV {cv2.__version__} cannot read"
        )
    if picture.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        raise ValueError(f"its values are {picture.dtype}, whose range is unknown; save it with 8 or 16 bits per value")
    return picture


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence OpenCV's messages on standard error; lpbench reports the error itself."""
    level = LOGGING.getLogLevel()
    LOGGING.setLogLevel(0)
    try:
        yield
    finally:
        LOGGING.setLogLevel(level)
