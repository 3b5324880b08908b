"""PBM, PGM and PPM files with any maximum: white is white, comments are skipped, damage is named."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench_image._decode import decode
from lpbench_image._header import read_header

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = 10**6
SPACES = st.sampled_from([b" ", b"\n", b"\t", b"\r\n", b"  ", b" # a comment: 12 # 7\n", b"#\n", b" #x\r", b"\v\f"])


def reference(value: int, maximum: int) -> int:
    """Return a value's level: of 16 bits the upper 8, else the nearest, halves up, in exact arithmetic."""
    if maximum == 65535:
        return value // 256
    return int(Fraction(value * 255, maximum) + Fraction(1, 2))


def written(kind: int, size: tuple[int, int], maximum: int, values: Sequence[int], spaces: Sequence[bytes]) -> bytes:
    """Return a file as netpbm's manual pages describe it, value by value."""
    width, height = size
    words = [b"%d" % number for number in (width, height, *([] if kind in {1, 4} else [maximum]))]
    head = b"P%d" % kind + b"".join(space + word for space, word in zip(spaces, words, strict=False)) + b"\n"
    if kind in {2, 3}:
        return head + b"".join(b"%d\n" % value if at % 7 == 6 else b"%d " % value for at, value in enumerate(values))
    if kind == 1:
        return head + b"".join(b"%d" % value + b" \n"[at % 3 : at % 3 + 1] for at, value in enumerate(values))
    if kind == 4:
        rows = [values[row * width : (row + 1) * width] for row in range(height)]
        texts = ["".join(map(str, row)).ljust((width + 7) // 8 * 8, "1") for row in rows]
        return head + b"".join(int(text, 2).to_bytes(len(text) // 8, "big") for text in texts)
    return head + b"".join(value.to_bytes(1 if maximum < 256 else 2, "big") for value in values)


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, Any]:
    """Return a file and its picture: blue, green and red of each pixel."""
    kind = draw(st.integers(1, 6))
    bits, channels = kind in {1, 4}, 3 if kind in {3, 6} else 1
    maximum = (
        1
        if bits
        else draw(st.one_of(st.sampled_from([1, 15, 254, 255, 256, 1023, 65534, 65535]), st.integers(1, 65535)))
    )
    width, height = draw(st.integers(1, 20)), draw(st.integers(1, 5))
    count = width * height * channels
    values = draw(st.lists(st.integers(0, maximum), min_size=count, max_size=count))
    data = written(kind, (width, height), maximum, values, [draw(SPACES) for _ in range(3)])
    levels = [255 * (1 - value) if bits else reference(value, maximum) for value in values]
    pixels = [levels[at : at + channels] * (3 // channels) for at in range(0, count, channels)]
    return data, [[pixels[row * width + column][::-1] for column in range(width)] for row in range(height)]


@given(file=files(), rest=st.sampled_from([b"", b"\n", b"P5 1 1 255\n\0"]))
@settings(max_examples=300)
def test_every_file_is_the_picture_that_it_describes(file: tuple[bytes, Any], rest: bytes) -> None:
    """All six kinds against a reference of our own; what follows the picture is ignored, another one for example."""
    data, picture = file
    found = decode(data + rest, LIMIT)
    assert (found.dtype, found.flags.c_contiguous) == (np.uint8, True)
    assert found.tolist() == picture


@pytest.mark.parametrize("maximum", [1, 15, 254, 255, 256, 4095, 65534, 65535])
@pytest.mark.parametrize("kind", [2, 3, 5, 6])
def test_white_is_white(kind: int, maximum: int) -> None:
    """OpenCV makes 15 of 255 of white at a maximum of 15."""
    count = 2 * (3 if kind in {3, 6} else 1)
    data = written(kind, (2, 1), maximum, [maximum] * (count // 2) + [0] * (count // 2), [b" "] * 3)
    assert decode(data, LIMIT).tolist() == [[[255] * 3, [0] * 3]]


@pytest.mark.parametrize("suffix", [".ppm", ".pgm", ".pbm"])
@pytest.mark.parametrize("raw", [0, 1])
def test_files_that_opencv_writes_are_read_as_by_opencv(suffix: str, raw: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 21, 3)).astype(np.uint8)
    kept = picture if suffix == ".ppm" else picture[:, :, 0]
    data = cv2.imencode(suffix, kept, [cv2.IMWRITE_PXM_BINARY, raw])[1]
    theirs: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert np.array_equal(decode(data.tobytes(), LIMIT), theirs)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"P5 2 1 15\n\x0f", "PGM data are truncated"),
        (b"P5 2 1 300\n\0\0\0", "PGM data are truncated"),
        (b"P4 9 1\n\0", "PBM data are truncated"),
        (b"P3 2 1 15\n1 2 3 15 15", "PPM data are truncated"),
        (b"P2 2 1 255\n100 # 200", "PGM data are truncated: 1 of 2 values"),
        (b"P1 2 2\n01 1", "PBM data are truncated"),
        (b"P5 2 1 15\n\x0f\x10", "the value 16, which is more than its maximum, 15"),
        (b"P2 2 1 15\n 15 16", "the value 16, which is more than its maximum, 15"),
        (b"P2 2 1 65535\n 15 65536", "the value 65536, which is more than its maximum, 65535"),
        (b"P2 2 1 15\n 15 -1", 'the value "-1"; expected 0 to 15'),
        (b"P2 1 1 65535\n 99999999999999999999", 'the value "99999999999999999999"'),
        (b"P1 2 1\n0 2", "values other than 0 and 1"),
        (b"P5 2 1 0\n\0\0", "a maximum of 0; 1 to 65535 are possible"),
        (b"P5 2 1 65536\n\0\0\0\0", "a maximum of 65536"),
        (b"P5 -2 1 255\n\0\0", 'its header has "-2" where the width should be'),
        (b"P5 2", "it ends before its height"),
        (b"P5 0 3 255\n", "a size of 0 x 3 pixels"),
    ],
)
def test_damage_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode(data, LIMIT)


def test_a_long_comment_does_not_hide_the_size() -> None:
    header = read_header(b"P5\n# " + b"x" * 10_000 + b"\n3 2\n255\n" + bytes(6))
    assert header is not None
    assert (header.format, header.width, header.height, header.complete) == ("PGM", 3, 2, True)


def test_a_comment_may_end_the_header() -> None:
    """The number is then followed by the comment, and the values by the end of its line."""
    assert decode(b"P5 1 1 255# made by hand\n\x07", LIMIT).tolist() == [[[7] * 3]]
    assert decode(b"P5 1 1 255 #", LIMIT).tolist() == [[[ord("#")] * 3]], "a white space ends it too"
