"""Reads .npy and .npz files that others made: no pickles, and never more memory than the file has bytes.

numpy allocates what a header claims before it reads; its header reader raises whatever Python's tokenizer and parser
raise.  Format: numpy.lib.format.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from lpbench.util.bounds import is_shape
from lpbench.util.text import brief

if TYPE_CHECKING:
    import zipfile

    import numpy as np

    Array = np.ndarray[Any, Any]

MAGIC = b"\x93NUMPY"
DIMENSIONS = 32
"""Largest number of dimensions of an array in numpy before 2.0."""
BYTE_LIMIT = 4 << 30
"""Most bytes of all arrays of an archive together."""
GROWTH, SMALL = 100, 256 << 20
"""An archive may expand to this many times its size, or to this many bytes: a few bytes can expand to any size."""
ARRAYS = 100_000
"""Most arrays of an archive."""
ENDING = ".npy"
PIECE = 1 << 20
"""Bytes that are read at a time."""
LAST_CHARACTER, SURROGATES = 0x10FFFF, (0xD800, 0xE000)


class Header(NamedTuple):
    """What a file says of its array.

    :param by_column: Whether the first dimension is the fastest.
    :param size: Bytes of the values.
    """

    shape: tuple[int, ...]
    by_column: bool
    dtype: np.dtype[Any]
    size: int


def read_header(stream: BinaryIO, length: int) -> Header:
    """Return the header of an array, and leave the stream where its values begin.

    :param length: Bytes of the whole stream.
    :raises ValueError: It is damaged, holds Python objects, or claims more values than there are bytes.
    """
    shape, by_column, dtype = _claimed(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not read: save numbers or texts")
    if len(shape) > DIMENSIONS or not is_shape(shape):
        raise ValueError(f"its header gives the shape {brief(shape)}")
    count, left = math.prod(shape), length - stream.tell()
    if count * max(dtype.itemsize, 1) > left:
        raise ValueError(f"its data are truncated: {left} bytes for the shape {brief(shape)} of {brief(dtype.str)}")
    return Header(shape, by_column, dtype, count * dtype.itemsize)


def read_array(stream: BinaryIO, length: int) -> Array:
    """Return the array in a stream.

    :param length: Bytes of the whole stream.
    :raises ValueError: As ``read_header``, or texts hold what is not a character.
    """
    import numpy as np

    header = read_header(stream, length)
    data = _filled(stream, header.size)
    flat = np.frombuffer(data, header.dtype) if data else np.zeros(0, header.dtype)
    _refuse_characters(flat)
    return flat.reshape(header.shape[::-1]).T if header.by_column else flat.reshape(header.shape)


def read_archive(file: BinaryIO, length: int) -> dict[str, Array]:
    """Return the arrays of an .npz file by name.

    :param length: Bytes of the file.
    :raises ValueError: It is damaged, holds something else, or expands to much more than it is.
    """
    import zipfile

    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _refuse_large(sum(member.file_size for member in members), len(members), length)
            return {member.filename.removesuffix(ENDING): _member(archive, member) for member in members}
    except (MemoryError, ValueError):
        raise
    except Exception as error:  # zipfile and its decompressors raise many kinds
        raise ValueError(brief(str(error), 200).strip("'\"")) from error


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    with archive.open(member) as stream:
        return read_array(stream, member.file_size)  # type: ignore[arg-type] # it reads and tells as files do


def _refuse_large(total: int, count: int, length: int) -> None:
    most = min(BYTE_LIMIT, max(SMALL, GROWTH * length))
    if total > most:
        raise ValueError(f"it holds arrays of {total} bytes; at most {most} are allowed in a file of {length}")
    if count > ARRAYS:
        raise ValueError(f"it holds {count} arrays; at most {ARRAYS} are allowed")


def _filled(stream: BinaryIO, size: int) -> bytearray:
    """Return the next bytes, in memory that can be written to, piece by piece: archives decompress into a copy."""
    data, done = bytearray(size), 0
    view = memoryview(data)
    while done < size:
        count = stream.readinto(view[done : done + PIECE])  # type: ignore[attr-defined] # every file has it
        if not count:
            raise ValueError(f"its data are truncated: {done} of {size} bytes")
        done += count
    return data


def _claimed(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, order and type as a header states them."""
    from numpy.lib import format as npy

    # version 3 differs from 2 only in names of columns beyond Latin-1
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0, (3, 0): npy.read_array_header_2_0}
    try:
        claimed: tuple[tuple[int, ...], bool, np.dtype[Any]] = readers[npy.read_magic(stream)](stream)
    except Exception as error:
        raise ValueError(f"its header cannot be read: {brief(str(error))}") from error
    return claimed


def _refuse_characters(flat: Array) -> None:
    """Refuse texts with numbers that are no characters: Python raises SystemError for them."""
    import numpy as np

    if flat.dtype.kind != "U" or not flat.size or not flat.dtype.itemsize:
        return
    codes = flat.view(np.dtype(np.uint32).newbyteorder(flat.dtype.byteorder))
    first, end = SURROGATES
    if codes.max() > LAST_CHARACTER or ((codes >= first) & (codes < end)).any():
        raise ValueError("its texts hold numbers that are not characters")
