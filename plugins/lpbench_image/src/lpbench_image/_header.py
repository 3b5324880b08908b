"""Reads format, size and completeness from an image file's bytes, before anything is decoded.

OpenCV 4 fills the missing part of a truncated JPEG with grey and only prints a warning,
and any decoder allocates the size that the header gives.  Both are therefore checked first.
Sources: ITU-T T.81 annex B, PNG (RFC 2083), TIFF 6.0, RFC 9649 (WebP),
Microsoft's BITMAPINFOHEADER.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench_image._netpbm import MAGICS, read_netpbm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORMATS = "JPEG, PNG, BMP, WebP, TIFF, PBM, PGM, PPM"


@dataclass(frozen=True)
class Header:
    """The header of an image file.

    :param format: Name of the format.
    :param width: In pixels, before any EXIF rotation.
    :param height: In pixels, before any EXIF rotation.
    :param complete: False if the file ends before its own end mark.
    """

    format: str
    width: int
    height: int
    complete: bool = True


def read_header(data: bytes) -> Header | None:
    """Return the header of an image file, or None if the bytes are in none of ``FORMATS``.

    :raises ValueError: The file ends inside its header, or the header contradicts the format.
    """
    for magics, read in _READERS:
        if data.startswith(magics):
            try:
                return read(data)
            except (struct.error, IndexError) as error:
                raise ValueError("it ends inside its header") from error
    return None


def _jpeg(data: bytes) -> Header:
    for marker, at in _jpeg_segments(data):
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 3)
            return Header("JPEG", width, height, _jpeg_ends(data))
    raise ValueError("it has no frame header")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield marker and start of each segment up to the first scan; embedded previews lie inside skipped segments."""
    at = 2
    while True:
        while data[at] == data[at + 1] == _MARK:  # fill bytes
            at += 1
        if data[at] != _MARK:
            raise ValueError(f"byte {at} should begin a JPEG marker")
        marker, at = data[at + 1], at + 2
        yield marker, at
        if marker == _START_OF_SCAN:
            return
        at += struct.unpack_from(">H", data, at)[0]


def _jpeg_ends(data: bytes) -> bool:
    """Return whether an end mark follows the first scan: inside a scan, 0xFF precedes only 0 or a restart mark."""
    start = next((at for marker, at in _jpeg_segments(data) if marker == _START_OF_SCAN), len(data))
    return data.find(b"\xff\xd9", start) >= 0


_MARK, _START_OF_SCAN = 0xFF, 0xDA
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers that begin a frame; the three excluded ones have other meanings."""


def _png(data: bytes) -> Header:
    width, height = struct.unpack_from(">II", data, 16)
    return Header("PNG", width, height, _png_ends(data))


def _png_ends(data: bytes) -> bool:
    """Return whether every chunk lies inside the file, up to the last: OpenCV 5 allocates what a chunk claims."""
    at = 8
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IEND":
            return True
        at += 12 + size
    return False


def _bmp(data: bytes) -> Header:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # noqa: PLR2004 - length of the oldest header
        return Header("BMP", *struct.unpack_from("<HH", data, 18))
    width, height = struct.unpack_from("<ii", data, 18)
    return Header("BMP", abs(width), abs(height))  # a negative height marks rows stored top to bottom


def _webp(data: bytes) -> Header | None:
    length, kind, chunk = struct.unpack_from("<I4s4s", data, 4)
    complete = len(data) >= length + 8
    if kind != b"WEBP":
        return None
    if chunk == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif chunk == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return Header("WebP", width, height, complete)


def _tiff(data: bytes) -> Header:
    order = "<" if data[:2] == b"II" else ">"
    directory = struct.unpack_from(f"{order}I", data, 4)[0]
    values: dict[int, int] = {}
    for at in range(struct.unpack_from(f"{order}H", data, directory)[0]):
        entry = directory + 2 + 12 * at
        tag, kind = struct.unpack_from(f"{order}HH", data, entry)
        short = kind == 3  # noqa: PLR2004 - TIFF's number for 16 bits
        values[tag] = struct.unpack_from(f"{order}{'H' if short else 'I'}", data, entry + 8)[0]
    if not {_TIFF_WIDTH, _TIFF_HEIGHT} <= values.keys():
        raise ValueError("it has no width and height")
    return Header("TIFF", values[_TIFF_WIDTH], values[_TIFF_HEIGHT])


_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257


def _netpbm(data: bytes) -> Header:
    header = read_netpbm(data)
    return Header(header.format, header.width, header.height, len(data) >= header.start + header.size)


_READERS: tuple[tuple[bytes | tuple[bytes, ...], Callable[[bytes], Header | None]], ...] = (
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"BM", _bmp),
    (b"RIFF", _webp),
    ((b"II*\0", b"MM\0*"), _tiff),
    (MAGICS, _netpbm),
)
