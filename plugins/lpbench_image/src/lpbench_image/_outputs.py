"""Shared by all postprocessors: choosing an output, and reading it in real numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import TensorInfo

WHERE = "postprocessing"
FEW = 200
"""Number of scores up to which a full sort takes less time than a partition."""


def choose(name: str, outputs: Sequence[TensorInfo], key: str = "output") -> TensorInfo:
    """Return the output with this name, or the only output if the name is empty.

    :param key: The config's key for the name, for errors.
    :raises ProcessorError: No output has this name, or the name is empty and there are several outputs.
    """
    matches = [output for output in outputs if name in {output.called, output.name}] if name else list(outputs)
    if len(matches) == 1:
        return matches[0]
    names = [output.called for output in outputs]
    if name:
        raise ProcessorError(f'the model has no output "{name}"', where=f"{WHERE}.{key}", hint=nearest(name, names))
    raise ProcessorError(
        f"the model has {len(outputs)} outputs: {', '.join(names)}",
        where=f"{WHERE}.{key}",
        hint=f'name the one to use: "{key}"',
    )


def real(values: npt.NDArray[Any], info: TensorInfo) -> npt.NDArray[np.float32]:
    """Return values as float32; quantised values are converted by their scale and zero point."""
    floats = np.asarray(values, np.float32)
    if info.scale is None or not np.issubdtype(values.dtype, np.integer):
        return floats
    steps = np.subtract(floats, np.float32(info.zero_point or 0))
    scaled: npt.NDArray[np.float32] = np.multiply(steps, np.float32(info.scale))
    return scaled


def best(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Return the indices of the highest scores, best first; among equal scores, the lower index first.

    With many scores, a partition finds the lowest score needed, and only the scores from there on are sorted.

    :param count: Largest number of indices.
    """
    if count == 1:
        return np.array([scores.argmax()])
    if count < scores.size and scores.size > FEW:
        threshold = np.partition(scores, scores.size - count)[scores.size - count]
        indices = np.flatnonzero(scores >= threshold)
        return indices[np.argsort(-scores[indices], kind="stable")[:count]]
    return np.argsort(-scores, kind="stable")[:count]
