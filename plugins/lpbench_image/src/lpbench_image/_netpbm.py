"""Decodes PBM, PGM and PPM files, plain (P1 to P3) and raw (P4 to P6), with any maximum from 1 to 65535.

OpenCV does not scale values by the maximum, so that white at 15 would be nearly black.
Source: netpbm's manual pages pbm(5), pgm(5) and ppm(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from lpbench_image._tensor import Picture

    Array = npt.NDArray[Any]

MAGICS = tuple(b"P%d" % kind for kind in range(1, 7))
NAMES = ("PBM", "PGM", "PPM")
PLAIN = 3
"""Kinds up to here are text."""
WIDEST = 65535
WHITE = 255
DIGITS = 10
"""Most digits of a number in a header."""
TOKEN = re.compile(rb"(?:[ \t\n\v\f\r]+|#[^\r\n]*(?:[\r\n]|\Z))*([^ \t\n\v\f\r#]*)")
"""A word, after white space and comments."""
COMMENT = re.compile(rb"#[^\r\n]*")


@dataclass(frozen=True)
class Netpbm:
    """The header of a file.

    :param kind: The number behind its P.
    :param maximum: The value of white.
    :param start: Position of the first value.
    """

    kind: int
    width: int
    height: int
    maximum: int
    start: int

    @property
    def format(self) -> str:
        """The format's name, ``PGM`` for example."""
        return NAMES[(self.kind - 1) % PLAIN]

    @property
    def channels(self) -> int:
        """Number of values of a pixel."""
        return 3 if self.format == "PPM" else 1

    @property
    def row(self) -> int:
        """Number of values in a row."""
        return self.width * self.channels

    @property
    def size(self) -> int:
        """Least number of bytes that the values take, after the header."""
        if self.format == "PBM":
            return self.height * (self.width if self.kind < PLAIN else (self.width + 7) // 8)
        if self.kind <= PLAIN:
            return max(2 * self.height * self.row - 1, 0)
        return self.height * self.row * (2 if self.maximum > WHITE else 1)


def read_netpbm(data: bytes) -> Netpbm:
    """Return a file's header.

    :raises ValueError: It is damaged; the message says where.
    """
    kind, at = int(data[1:2]), 2
    numbers: list[int] = []
    wanted = ("width", "height") if NAMES[(kind - 1) % PLAIN] == "PBM" else ("width", "height", "maximum")
    for name in wanted:
        word = TOKEN.match(data, at)
        if word is None or not word[1].isdigit() or len(word[1]) > DIGITS:
            found = word[1][:20].decode("latin-1") if word else ""
            raise ValueError(
                f'its header has "{found}" where the {name} should be' if found else f"it ends before its {name}"
            )
        numbers.append(int(word[1]))
        at = word.end()
    maximum = numbers[2] if len(numbers) > 2 else 1  # noqa: PLR2004 - bits have none
    if not 1 <= maximum <= WIDEST:
        raise ValueError(f"its header gives a maximum of {maximum}; 1 to {WIDEST} are possible")
    return Netpbm(kind, numbers[0], numbers[1], maximum, _after(data, at))


def _after(data: bytes, at: int) -> int:
    """Return where the values begin: one white space ends the header, and a comment up to its line's end does."""
    if data[at : at + 1] == b"#":
        comment = COMMENT.match(data, at)
        at = comment.end() if comment else at
    return at + 1


def decode_netpbm(data: bytes, header: Netpbm) -> Picture:
    """Decode a file's values, whose number its header states.

    :raises ValueError: Values are missing, are not numbers, or exceed the maximum.
    """
    if header.format == "PBM":
        levels = (1 - _bits(data, header).astype(np.uint8)) * np.uint8(WHITE)  # 1 is black
    else:
        levels = _levels(_values(data, header), header.maximum)
    pixels = levels.reshape(header.height, header.width, header.channels)
    return np.ascontiguousarray(np.broadcast_to(pixels[:, :, ::-1], (header.height, header.width, 3)))


def netpbm_values(data: bytes, header: Netpbm) -> Array:
    """Return the values of a grey file as they are written, height x width; of a PBM file its bits.

    :raises ValueError: It is not grey, or values are missing or are not numbers.
    """
    if header.channels > 1:
        raise ValueError("it has colours")
    values = _bits(data, header) if header.format == "PBM" else _values(data, header)
    return values.reshape(header.height, header.width)


def _bits(data: bytes, header: Netpbm) -> Array:
    count = header.width * header.height
    if header.kind <= PLAIN:
        text = b"".join(COMMENT.sub(b" ", data[header.start :]).split())[:count]
        bits = np.frombuffer(text, np.uint8) - ord("0")
        if bits.max(initial=0) > 1:
            raise ValueError("it has values other than 0 and 1")
        return _complete(bits, count, header)
    packed = np.frombuffer(data, np.uint8, header.size, header.start).reshape(header.height, -1)
    return np.unpackbits(packed, axis=1)[:, : header.width].reshape(-1)


def _values(data: bytes, header: Netpbm) -> Array:
    count = header.row * header.height
    if header.kind > PLAIN:
        return np.frombuffer(data, ">u2" if header.maximum > WHITE else "u1", count, header.start)
    words = COMMENT.sub(b" ", data[header.start :]).split(None, count)[:count]
    wrong = next((word for word in words if not word.isdigit() or len(word) > len(str(WIDEST))), None)
    if wrong is not None:
        raise ValueError(f'it has the value "{wrong[:20].decode("latin-1")}"; expected 0 to {header.maximum}')
    return _complete(np.array(words, np.int32) if words else np.zeros(0, np.int32), count, header)


def _complete(values: Array, count: int, header: Netpbm) -> Array:
    if len(values) < count:
        raise ValueError(f"the {header.format} data are truncated: {len(values)} of {count} values")
    return values


def _levels(values: Array, maximum: int) -> npt.NDArray[np.uint8]:
    """Return values as 8-bit levels: the nearest to their share of white, of 16 bits the upper 8."""
    if maximum < np.iinfo(values.dtype).max and values.max(initial=0) > maximum:
        raise ValueError(f"it has the value {values.max()}, which is more than its maximum, {maximum}")
    if maximum == WIDEST:
        return (values >> 8).astype(np.uint8)
    if maximum == WHITE:
        return values.astype(np.uint8)
    return ((values.astype(np.int64) * (2 * WHITE) + maximum) // (2 * maximum)).astype(np.uint8)
