"""What every postprocessor needs: the right output, in real numbers."""

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
"""Scores that are sorted in full in less time than it takes to find the best ones first."""


def choose(name: str, outputs: Sequence[TensorInfo], key: str = "output") -> TensorInfo:
    """Return the output of this name, or the only one where the name is empty.

    :param key: Where the config names it, for errors.
    :raises ProcessorError: There is none, or there are several to choose from.
    """
    found = [each for each in outputs if name in {each.called, each.name}] if name else list(outputs)
    if len(found) == 1:
        return found[0]
    names = [each.called for each in outputs]
    if name:
        raise ProcessorError(f'the model has no output "{name}"', where=f"{WHERE}.{key}", hint=nearest(name, names))
    raise ProcessorError(
        f"the model has {len(outputs)} outputs: {', '.join(names)}",
        where=f"{WHERE}.{key}",
        hint=f'name the one to use: "{key}"',
    )


def real(values: npt.NDArray[Any], info: TensorInfo) -> npt.NDArray[np.float32]:
    """Return values as float32: quantised ones by their scale and zero point, others as they are."""
    floats = np.asarray(values, np.float32)
    if info.scale is None or not np.issubdtype(values.dtype, np.integer):
        return floats
    steps = np.subtract(floats, np.float32(info.zero_point or 0))
    scaled: npt.NDArray[np.float32] = np.multiply(steps, np.float32(info.scale))
    return scaled


def best(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Return the indices of the highest scores, best first; of equal ones, the lower index first.

    Of many, those above a threshold are found, and only they are sorted.

    :param count: How many at most.
    """
    if count == 1:
        return np.array([scores.argmax()])
    if count < scores.size and scores.size > FEW:
        threshold = np.partition(scores, scores.size - count)[scores.size - count]
        indices = np.flatnonzero(scores >= threshold)
        return indices[np.argsort(-scores[indices], kind="stable")[:count]]
    return np.argsort(-scores, kind="stable")[:count]
