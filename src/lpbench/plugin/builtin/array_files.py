"""Reads arrays from .npy and .npz files, bounded in size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import ProcessorError
from lpbench.plugin.kit.npy_files import read_archive, read_array
from lpbench.util.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    Array = np.ndarray[Any, Any]


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Return the arrays of a file by name; the array of an .npy file gets the name of the only input.

    :param names: The model's inputs.
    :raises ProcessorError: The file cannot be read, is too large, or holds one array for several inputs.
    """
    with open_regular(path, error=ProcessorError) as file:
        try:
            if path.suffix.lower() != ".npz":
                return {_single(names, path): read_array(file, path.stat().st_size)}
            return read_archive(file, path.stat().st_size)
        except (MemoryError, OSError, ValueError) as error:
            raise ProcessorError(
                f"cannot be read as {path.suffix}: {error or 'it does not fit into memory'}",
                where=str(path),
                hint="write it with numpy.save or numpy.savez",
            ) from error


def _single(names: Sequence[str], path: Path) -> str:
    if len(names) != 1:
        raise ProcessorError(
            f"holds one array; the model has the inputs {', '.join(names)}",
            where=str(path),
            hint="save them together by name: numpy.savez(file, **arrays)",
        )
    return names[0]
