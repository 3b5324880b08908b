"""The cases by which ``lpbench check tensors`` checks the processors of raw tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import TensorInfo
from lpbench.testing.cases import PostprocessorCase, PreprocessorCase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TENSOR = TensorInfo("x", "float32", (2, 3))


def preprocessor(folder: Path, options: Mapping[str, Any]) -> PreprocessorCase:  # noqa: ARG001 - the kit's signature
    """Return two files of arrays."""
    import numpy as np

    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3) + start for start in (0, 1)]
    files = tuple(folder / f"{start}.npy" for start in (0, 1))
    for file, array in zip(files, arrays, strict=True):
        np.save(file, array)
    return PreprocessorCase(inputs=(TENSOR,), samples=files, expected={"x": arrays[0]}, tolerance=0)


def postprocessor(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:  # noqa: ARG001 - likewise
    """Return two arrays of different ranges."""
    import numpy as np

    given, other = (np.full((2, 3), value, np.float32) for value in (0, 1))
    return PostprocessorCase(outputs=(TENSOR,), given={"x": given}, other={"x": other})
