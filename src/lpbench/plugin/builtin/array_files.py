"""Reads arrays from .npy and .npz files, bounded in size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from lpbench.errors import ProcessorError
from lpbench.util.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    Array = np.ndarray[Any, Any]

BYTE_LIMIT = 4 << 30
"""Largest array, in bytes, that is read from an archive: a small compressed file can expand to any size."""


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Return the arrays of a file by name; the array of an .npy file gets the name of the only input.

    :param names: The model's inputs.
    :raises ProcessorError: The file cannot be read, is too large, or holds one array for several inputs.
    """
    import numpy as np

    try:
        if path.suffix.lower() != ".npz":
            with open_regular(path, error=ProcessorError) as file:
                return {_single(names, path): np.load(file, allow_pickle=False)}
        with open_regular(path, error=ProcessorError) as file:
            _refuse_large(file, path)
            file.seek(0)
            arrays = np.load(file, allow_pickle=False)
            return {name: arrays[name] for name in arrays.files}
    except ProcessorError:
        raise
    except Exception as error:  # numpy's header reader can raise what Python's tokenizer and parser raise
        raise ProcessorError(
            f"cannot be read as {path.suffix}: {error or 'it does not fit into memory'}",
            where=str(path),
            hint="write it with numpy.save or numpy.savez",
        ) from error


def _refuse_large(file: BinaryIO, path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(file) as archive:
        largest = max((member.file_size for member in archive.infolist()), default=0)
    if largest > BYTE_LIMIT:
        raise ProcessorError(
            f"holds an array of {largest} bytes", where=str(path), hint=f"at most {BYTE_LIMIT} are allowed"
        )


def _single(names: Sequence[str], path: Path) -> str:
    if len(names) != 1:
        raise ProcessorError(
            f"holds one array; the model has the inputs {', '.join(names)}",
            where=str(path),
            hint="save them together by name: numpy.savez(file, **arrays)",
        )
    return names[0]
