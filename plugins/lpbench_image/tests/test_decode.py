"""Image files become pictures, upright and in one form, or are refused by name and reason."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.errors import ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench_image._decode import LOGGING, decode, read_picture
from lpbench_image._header import read_header
from lpbench_image._pre import ImagePreprocessor
from lpbench_image.config import ImageConfig

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

LIMIT = 10**6
SUFFIXES = (".jpg", ".png", ".bmp", ".webp", ".tif", ".ppm", ".pgm")
LOSSLESS = (".png", ".bmp", ".tif", ".ppm")


def photo(height: int = 48, width: int = 64) -> Array:
    """Return a smooth picture, which lossy formats keep well."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 256], axis=-1).astype(np.uint8)


def encoded(suffix: str, picture: Array, *options: int) -> bytes:
    kept = picture[:, :, 0] if suffix == ".pgm" and picture.ndim == 3 else picture
    return bytes(cv2.imencode(suffix, kept, options)[1].tobytes())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_is_read(tmp_path: Path, suffix: str) -> None:
    """One file of each: its name, size and form; the colours where the format keeps them."""
    path = tmp_path / f"photo{suffix}"
    path.write_bytes(encoded(suffix, photo()))
    sample = ImagePreprocessor(ImageConfig(), [TensorInfo("x", "float32", (1, 3, 8, 8))]).load(path)
    assert sample.name == path.name
    assert sample.data.shape == (48, 64, 3)
    assert sample.data.dtype == np.uint8
    if suffix in LOSSLESS:
        assert np.array_equal(sample.data, photo())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_headers_tell_width_and_height(suffix: str) -> None:
    """A wide picture of each format, and a WebP without loss."""
    for options in [(), (cv2.IMWRITE_WEBP_QUALITY, 101)] if suffix == ".webp" else [()]:
        header = read_header(encoded(suffix, photo(10, 300), *options))
        assert header is not None
        assert (header.width, header.height, header.complete) == (300, 10, True)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, suffix: str, share: float) -> None:
    """Cut at several places; a truncated JPEG is no picture with a grey lower half."""
    path = tmp_path / f"cut{suffix}"
    data = encoded(suffix, photo())
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ProcessorError, match=r"truncated|ends inside") as caught:
        read_picture(path, LIMIT)
    assert str(path) in str(caught.value)


def test_a_preview_inside_a_jpeg_does_not_hide_that_it_is_truncated() -> None:
    """A whole small JPEG in the metadata of one that was cut."""
    small, large = encoded(".jpg", photo(16, 16)), encoded(".jpg", photo())
    preview = b"\xff\xe1" + struct.pack(">H", len(small) + 2) + small
    whole = large[:2] + preview + large[2:]
    assert decode(whole, LIMIT).shape == (48, 64, 3)
    with pytest.raises(ValueError, match="truncated"):
        decode(whole[: len(whole) * 3 // 4], LIMIT)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello, world", "no supported format: JPEG, PNG"),
        (b"%PDF-1.7 and more", "no supported format: JPEG, PNG"),
        (b"\xff\xd8\xff", "ends inside its header"),
        (b"\x89PNG\r\n\x1a\n", "ends inside its header"),
        (b"RIFF\x10\0\0\0WAVEfmt \0\0\0\0", "no supported format: JPEG, PNG"),
        (b"P6\nno numbers\n", '"no" where the width should be'),
        (b"\xff\xd8\xff\xe0" + b"\0\2" + b"junkjunkjunk", "should begin a JPEG marker"),
    ],
)
def test_what_is_no_image_is_refused_with_its_name_and_the_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    """Empty, text, other formats, headers cut short."""
    path = tmp_path / "odd.png"
    path.write_bytes(data)
    with pytest.raises(ProcessorError, match=reason) as caught:
        read_picture(path, LIMIT)
    assert caught.value.where == str(path)


def test_missing_files_and_folders_are_refused_with_their_names(tmp_path: Path) -> None:
    """What the operating system says, and of which path."""
    for path, reason in ((tmp_path / "gone.jpg", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(ProcessorError, match=reason) as caught:
            read_picture(path, LIMIT)
        assert caught.value.where == str(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_large_images_are_refused_before_they_are_decoded(suffix: str) -> None:
    """One pixel more than allowed, in each format."""
    data = encoded(suffix, photo(10, 10))
    assert decode(data, 100).shape == (10, 10, 3)
    with pytest.raises(ValueError, match="10 x 10 pixels are more than max_pixels, 99"):
        decode(data, 99)


def test_a_decompression_bomb_costs_nothing() -> None:
    """A PNG of a few hundred bytes that claims 60000 x 60000 pixels."""
    data = bytearray(encoded(".png", photo(4, 4)))
    data[16:24] = struct.pack(">II", 60000, 60000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(ValueError, match="60000 x 60000 pixels"):
        decode(bytes(data), ImageConfig().max_pixels)


def test_a_part_of_a_png_that_claims_gigabytes_is_refused_before_they_are_taken() -> None:
    """OpenCV 5 allocates what a chunk claims, before it looks whether the file has it."""
    data = bytearray(encoded(".png", photo(4, 4)))
    at = data.index(b"IDAT") - 4
    data[at : at + 4] = struct.pack(">I", 0x70000000)
    with pytest.raises(ValueError, match="the PNG data are truncated"):
        decode(bytes(data), LIMIT)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "data",
    [
        b"P5 " + b"9" * 100_000 + b" 1 255\n",
        b"P5" + b" \n" * 500_000,
        b"P2" + b"#\n" * 500_000,
        b"P3 1 1 " + b"0" * 9999,
    ],
    ids=["digits", "spaces", "comments", "maximum"],
)
def test_a_header_without_end_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"header|before its|maximum"):
        decode(data, LIMIT)


def test_damage_inside_is_an_error_or_a_picture_never_a_crash() -> None:
    """A PNG with a byte flipped fails its checksum."""
    data = bytearray(encoded(".png", photo()))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(ValueError, match="truncated, damaged or of a variant"):
        decode(bytes(data), LIMIT)


@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF", b"II*\0", b"MM\0*", b"P6"]),
    st.binary(max_size=80),
)
@settings(max_examples=150, deadline=None)
def test_no_bytes_break_the_reading_of_headers(magic: bytes, rest: bytes) -> None:
    """Junk behind the beginning of each format is an answer or a ValueError."""
    try:
        read_header(magic + rest)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - an answer is right as well


ORIENTED = {
    1: lambda picture: picture,
    2: lambda picture: picture[:, ::-1],
    3: lambda picture: picture[::-1, ::-1],
    4: lambda picture: picture[::-1],
    5: lambda picture: picture.transpose(1, 0, 2),
    6: lambda picture: np.rot90(picture, -1),
    7: lambda picture: np.rot90(picture, 2).transpose(1, 0, 2),
    8: lambda picture: np.rot90(picture, 1),
}


@pytest.mark.parametrize("orientation", ORIENTED)
def test_photos_are_turned_upright(orientation: int) -> None:
    """Each of the eight orientations of EXIF, against the turn that it asks for."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)
    segment = b"Exif\0\0" + tiff
    data = encoded(".jpg", photo(), cv2.IMWRITE_JPEG_QUALITY, 100)
    plain = decode(data, LIMIT)
    turned = decode(data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:], LIMIT)
    assert np.array_equal(turned, ORIENTED[orientation](plain))


def test_grey_is_repeated() -> None:
    """A PNG of one channel."""
    grey = photo()[:, :, 1]
    assert np.array_equal(decode(encoded(".png", grey), LIMIT), np.repeat(grey[:, :, None], 3, axis=2))


def test_transparency_is_dropped() -> None:
    """The colours of an RGBA PNG stay, where it is transparent too."""
    alpha = np.zeros((48, 64, 1), np.uint8)
    assert np.array_equal(decode(encoded(".png", np.concatenate([photo(), alpha], axis=2)), LIMIT), photo())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".ppm"])
def test_16_bits_are_cut_to_the_upper_8(suffix: str) -> None:
    """Values of 16 bits whose lower half is noise."""
    wide = photo().astype(np.uint16) * 256 + np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint16)
    assert np.array_equal(decode(encoded(suffix, wide), LIMIT), photo())


def test_floating_values_are_refused() -> None:
    """A TIFF of floats, whose range nobody knows."""
    with pytest.raises(ValueError, match=r"float32, whose range|damaged or of a variant"):
        decode(encoded(".tif", photo().astype(np.float32)), LIMIT)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_pixel_is_an_image(suffix: str) -> None:
    """1 x 1 in each format."""
    assert decode(encoded(suffix, photo(1, 1)), LIMIT).shape == (1, 1, 3)


def test_opencv_says_nothing_and_logs_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    """A damaged PNG: our error is the only word, and the level of OpenCV's log is the caller's."""
    level = LOGGING.getLogLevel()
    data = bytearray(encoded(".webp", photo()))
    data[40:] = bytes(len(data) - 40)
    with pytest.raises(ValueError, match="damaged"):
        decode(bytes(data), LIMIT)
    assert "global" not in capfd.readouterr().err
    assert LOGGING.getLogLevel() == level
