"""Reads arrays from .npy and .npz files, bounded in size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import ProcessorError
from lpbench.plugin.kit.npy_files import read_array
from lpbench.util.regular_files import open_regular
from lpbench.util.text import brief

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO

    import numpy as np

    Array = np.ndarray[Any, Any]

BYTE_LIMIT = 4 << 30
"""Most bytes of all arrays of an archive together."""
GROWTH, SMALL = 100, 256 << 20
"""An archive may expand to this many times its size, or to this many bytes: a few bytes can expand to any size."""
ARRAYS = 10_000
"""Most arrays of an archive; models have some inputs."""
ENDING = ".npy"


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Return the arrays of a file by name; the array of an .npy file gets the name of the only input.

    :param names: The model's inputs.
    :raises ProcessorError: The file cannot be read, is too large, or holds one array for several inputs.
    """
    with open_regular(path, error=ProcessorError) as file:
        try:
            if path.suffix.lower() != ".npz":
                return {_single(names, path): read_array(file, path.stat().st_size)}
            return _archived(file, path)
        except ProcessorError:
            raise
        except Exception as error:  # zipfile and its decompressors raise many kinds
            raise ProcessorError(
                f"cannot be read as {path.suffix}: {_reason(error)}",
                where=str(path),
                hint="write it with numpy.save or numpy.savez",
            ) from error


def _reason(error: Exception) -> str:
    return brief(str(error), 200).strip("'\"") if str(error) else "it does not fit into memory"


def _archived(file: BinaryIO, path: Path) -> dict[str, Array]:
    import zipfile

    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        _refuse_large(members, path, path.stat().st_size)
        return {member.filename.removesuffix(ENDING): _member(archive, member) for member in members}


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    with archive.open(member) as stream:
        return read_array(stream, member.file_size)  # type: ignore[arg-type] # it reads and tells as files do


def _refuse_large(members: Sequence[zipfile.ZipInfo], path: Path, size: int) -> None:
    total, most = sum(member.file_size for member in members), min(BYTE_LIMIT, max(SMALL, GROWTH * size))
    if total > most:
        hint = f"at most {most} are allowed in a file of {size}: save them with numpy.savez, which does not compress"
        raise ProcessorError(f"holds arrays of {total} bytes", where=str(path), hint=hint)
    if len(members) > ARRAYS:
        raise ProcessorError(f"holds {len(members)} arrays", where=str(path), hint=f"at most {ARRAYS} are allowed")


def _single(names: Sequence[str], path: Path) -> str:
    if len(names) != 1:
        raise ProcessorError(
            f"holds one array; the model has the inputs {', '.join(names)}",
            where=str(path),
            hint="save them together by name: numpy.savez(file, **arrays)",
        )
    return names[0]
