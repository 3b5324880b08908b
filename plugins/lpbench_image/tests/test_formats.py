"""Kinds of image files that are easily read wrong, against what Pillow reads; and NumPy's files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.errors import ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench_image._decode import decode, read_picture
from lpbench_image._pre import ImagePreprocessor
from lpbench_image.config import ImageConfig

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

Image = pytest.importorskip("PIL.Image", reason="needs pillow, to compare with")
LIMIT = 10**6


def colours(height: int = 48, width: int = 64) -> Array:
    """Return a smooth picture, red, green, blue."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 256], axis=-1).astype(np.uint8)


def saved(image: Any, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def pillows(data: bytes) -> Array:
    """Return what Pillow reads: red, green, blue."""
    found: Array = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    return found


def ours(data: bytes) -> Array:
    """Return what lpbench reads: red, green, blue."""
    found: Array = decode(data, LIMIT)[:, :, ::-1]
    return found


def differ(one: Array, other: Array) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@pytest.mark.parametrize(("form", "levels"), [("JPEG", 3), ("TIFF", 0)])
def test_inks_become_colours(form: str, levels: int) -> None:
    """CMYK, as printers' photos are: the colours that Pillow shows, within rounding."""
    data = saved(Image.fromarray(colours()).convert("CMYK"), form, **({"quality": 100} if form == "JPEG" else {}))
    assert differ(ours(data), pillows(data)) <= levels


@pytest.mark.parametrize("options", [{"quality": 90}, {"quality": 90, "progressive": True}, {"quality": 60}])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_photos_are_read_as_by_pillow(mode: str, options: dict[str, Any]) -> None:
    """JPEG, coloured and grey, by lines and progressive; decoders may round differently."""
    data = saved(Image.fromarray(colours()).convert(mode), "JPEG", **options)
    assert differ(ours(data), pillows(data)) <= 3


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_transparency_is_dropped_and_hidden_colours_show(form: str) -> None:
    """Alpha from nothing to all: the colours beneath."""
    alpha = np.broadcast_to(np.arange(64, dtype=np.uint8) * 4, (48, 64))
    image = Image.fromarray(np.dstack([colours(), alpha]))
    data = saved(image, form, **({"lossless": True, "exact": True} if form == "WEBP" else {}))
    assert np.array_equal(ours(data), colours())


def test_transparent_tiff_lies_on_black() -> None:
    """TIFF's own library multiplies the colours by their opacity."""
    alpha = np.broadcast_to(np.arange(64, dtype=np.uint8) * 4, (48, 64))
    data = saved(Image.fromarray(np.dstack([colours(), alpha])), "TIFF")
    assert differ(ours(data), np.rint(colours() * (alpha[:, :, None] / 255))) <= 1


def test_grey_with_transparency_is_grey() -> None:
    """A PNG of two channels."""
    grey = Image.fromarray(colours()).convert("L")
    data = saved(Image.merge("LA", [grey, Image.fromarray(colours()[:, :, 1])]), "PNG")
    assert np.array_equal(ours(data), np.asarray(grey.convert("RGB")))


@pytest.mark.parametrize("mode", ["P", "1", "L"])
@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP"])
def test_palettes_and_few_bits_are_read(mode: str, form: str) -> None:
    """Indexed colours, one bit, grey."""
    image = Image.fromarray(colours())
    data = saved(image.quantize(32) if mode == "P" else image.convert(mode), form)
    assert np.array_equal(ours(data), pillows(data))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_grey_of_16_bits_keeps_the_upper_8(form: str) -> None:
    """Values whose lower half is noise."""
    grey = colours()[:, :, 0]
    noise = np.random.default_rng(0).integers(0, 256, grey.shape, np.uint16)
    data = saved(Image.fromarray(grey.astype(np.uint16) * 256 + noise), form)
    assert np.array_equal(ours(data), np.repeat(grey[:, :, None], 3, axis=2))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_upright_as_by_pillow(orientation: int) -> None:
    """The eight orientations of EXIF."""
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x112] = orientation
    data = saved(Image.fromarray(colours()), "JPEG", exif=exif, quality=95)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    assert differ(ours(data), upright) <= 3


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "BMP", "PPM"])
def test_twenty_thousand_pixels_beside_each_other_are_a_picture(form: str) -> None:
    """Two rows of 20,000, through the preprocessor."""
    data = saved(Image.fromarray(np.repeat(colours(2, 64), 313, axis=1)[:, :20000]), form)
    assert differ(ours(data), pillows(data)) <= 3
    pre = ImagePreprocessor(ImageConfig(), [TensorInfo("x", "float32", (1, 3, 16, 16))])
    assert pre(Sample("wide", decode(data, LIMIT)))["x"].shape == (1, 3, 16, 16)


def written(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_arrays_are_red_green_blue(tmp_path: Path) -> None:
    """An .npy file in the order of Pillow and scikit-image; saved by rows or by columns."""
    path = tmp_path / "patch.npy"
    for array in (colours(), np.asfortranarray(colours())):
        path.write_bytes(written(array))
        found = ImagePreprocessor(ImageConfig(), [TensorInfo("x", "float32", (1, 3, 8, 8))]).load(path)
        assert found.name == "patch.npy"
        assert np.array_equal(found.data[:, :, ::-1], colours())


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<f8", "<f4", ">f4", "<f2"])
def test_grey_arrays_of_any_precision_are_pictures(dtype: str) -> None:
    """25 x 25 patches, whole levels or shares of white, with and without a dimension for the one channel."""
    levels = np.random.default_rng(0).integers(0, 256, (25, 25)).astype(np.uint8)
    values = {"u1": levels, "u2": levels.astype(np.uint16) * 256 + 99}.get(dtype[-2:], levels / 255)
    for shape in ((25, 25), (25, 25, 1)):
        data = written(np.asarray(values).astype(dtype).reshape(shape))
        assert np.array_equal(ours(data), np.repeat(levels[:, :, None], 3, axis=2))


def test_a_grey_array_before_a_grey_model_keeps_its_levels() -> None:
    """Repeating grey three times and weighing the three colours changes nothing."""
    pre = ImagePreprocessor(ImageConfig(), [TensorInfo("x", "uint8", (1, 16, 16, 1))])
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(pre(Sample("patch", decode(written(levels), LIMIT)))["x"][0, :, :, 0], levels)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (written(np.zeros((2, 3, 4, 5), np.uint8)), r"\[2, 3, 4, 5\] is not a picture: expected \[height, width\]"),
        (written(np.zeros((2, 3, 2), np.uint8)), r"\[2, 3, 2\] is not a picture"),
        (written(np.zeros((0, 3), np.uint8)), r"\[0, 3\] is not a picture"),
        (written(np.zeros((4, 4), np.int64)), "its values are of type int64"),
        (written(np.full((4, 4), 1.5)), r"its values are 1.5 to 1.5; floats must be from 0 to 1"),
        (written(np.full((4, 4), np.nan)), "nan to nan"),
        (written(np.array([[None]])), "Python objects"),
        (written(np.zeros((2000, 2000), np.uint8)), "2000 x 2000 pixels are more than max_pixels"),
        (written(np.zeros((40, 40), np.uint8))[:-1], "truncated"),
        (written(np.zeros((40, 40), np.uint8))[:40], "header cannot be read"),
        (b"\x93NUMPY\x09\x00", "header cannot be read"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused_by_name(tmp_path: Path, data: bytes, reason: str) -> None:
    """Shapes, types and ranges, cut files, and headers that claim more than there is."""
    path = tmp_path / "odd.npy"
    path.write_bytes(data)
    with pytest.raises(ProcessorError, match=reason) as caught:
        read_picture(path, LIMIT)
    assert caught.value.where == str(path)


@given(
    st.sampled_from([b"\x93NUMPY\x01\x00", b"\x93NUMPY\x01\x00\x76\x00{'descr': '|u1', 'fortran_order': "]),
    st.binary(max_size=120),
)
@settings(max_examples=100, deadline=None)
def test_no_bytes_break_the_reading_of_arrays(start: bytes, rest: bytes) -> None:
    """Junk behind the beginning of an .npy file is a picture or a ValueError."""
    try:
        decode(start + rest, LIMIT)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - a picture is right as well
