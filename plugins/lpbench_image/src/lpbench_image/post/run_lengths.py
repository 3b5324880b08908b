"""Masks as run lengths, in COCO's uncompressed format.

The numbers are the lengths of alternating runs of pixels outside and inside the mask, column
by column, starting outside; the first number is 0 if the first pixel belongs to the mask.
Source: the COCO data format, cocodataset.org, and its mask API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt


def encode(mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Return ``{"size": [height, width], "counts": [...]}`` of a mask, ``(height, width)``."""
    flat = np.concatenate([[False], mask.T.reshape(-1)])  # the first run is outside
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(np.concatenate([[0], changes, [mask.size]]))
    return {"size": list(mask.shape), "counts": counts.tolist()}


def decode(encoded: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    """Return the mask, ``(height, width)``, of run lengths.

    :raises ValueError: The run lengths do not sum to the number of pixels, or one is negative.
    """
    height, width = encoded["size"]
    counts = np.asarray(encoded["counts"], np.int64)
    if counts.sum() != height * width or (counts < 0).any():
        raise ValueError(f"run lengths of {counts.sum()} pixels for a mask of {height} x {width}")
    inside = np.arange(counts.size) % 2 == 1
    mask: npt.NDArray[np.bool_] = np.repeat(inside, counts).reshape(width, height).T
    return mask
