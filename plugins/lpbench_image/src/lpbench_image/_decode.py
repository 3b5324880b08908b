"""An image file becomes a picture: height x width x 3, uint8, blue, green, red, upright.

Grey is repeated, transparency dropped, 16 bits are cut to the upper 8, and the
rotation that EXIF data ask for is made.  NumPy's files are taken too.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lpbench.errors import ProcessorError
from lpbench_image._array import MAGIC, decode_array
from lpbench_image._header import FORMATS, Header, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lpbench_image._tensor import Picture

LOGGING: Any = getattr(cv2.utils, "logging", cv2)
"""Where the level of OpenCV's log is set: it has moved between versions."""


def read_picture(path: Path, max_pixels: int) -> Picture:
    """Read and decode one file.

    :param max_pixels: More are refused before anything is allocated for them.
    :raises ProcessorError: Naming the file and why it is of no use.
    """
    try:
        return decode(path.read_bytes(), max_pixels)
    except OSError as error:
        raise ProcessorError(error.strerror or str(error), where=str(path)) from error
    except ValueError as error:
        raise ProcessorError(f"cannot be used as an image: {error}", where=str(path)) from error


def decode(data: bytes, max_pixels: int) -> Picture:
    """Decode an image file's bytes.

    :raises ValueError: Saying what is wrong with them.
    """
    if data.startswith(MAGIC):
        return decode_array(data, max_pixels)
    header = _header(data)
    if header.width * header.height > max_pixels:
        raise ValueError(
            f"{header.width} x {header.height} pixels are more than max_pixels, {max_pixels}; "
            "raise preprocessing.max_pixels if this file is trusted"
        )
    if not header.complete:
        raise ValueError(f"the {header.format} data are truncated")
    picture = _decode(data)
    if picture is None:
        raise ValueError(
            f"the {header.format} data are truncated or damaged, or of a kind that OpenCV {cv2.__version__} lacks"
        )
    return picture


def _header(data: bytes) -> Header:
    if not data:
        raise ValueError("the file is empty")
    header = read_header(data)
    if header is None:
        raise ValueError(f"it begins with {data[:8]!r}, which is none of {FORMATS}, .npy")
    if header.width < 1 or header.height < 1:
        raise ValueError(f"its header says {header.width} x {header.height} pixels")
    return header


def _decode(data: bytes) -> Any:
    with _quiet(), contextlib.suppress(cv2.error):
        picture: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        if picture is None or picture.dtype == np.uint8:
            return picture
        if picture.dtype == np.uint16:  # not left to OpenCV, which rounds in some formats
            return (picture >> 8).astype(np.uint8)
        raise ValueError(f"its values are {picture.dtype}, whose range is unknown; save it with 8 or 16 bits")
    return None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep OpenCV from writing to standard error what is said better by us."""
    level = LOGGING.getLogLevel()
    LOGGING.setLogLevel(0)
    try:
        yield
    finally:
        LOGGING.setLogLevel(level)
