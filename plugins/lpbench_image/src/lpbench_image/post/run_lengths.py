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

MAX_PIXELS = 100_000_000
"""Larger masks are refused before memory is taken for them: a few run lengths describe any number of pixels."""


def encode(mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Return ``{"size": [height, width], "counts": [...]}`` of a mask, ``(height, width)``."""
    flat = np.concatenate([[False], mask.T.reshape(-1)])  # the first run is outside
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(np.concatenate([[0], changes, [mask.size]]))
    return {"size": list(mask.shape), "counts": counts.tolist()}


def decode(encoded: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    """Return the mask, ``(height, width)``, of run lengths.

    :raises ValueError: The run lengths do not sum to the number of pixels, one is negative, or there are too many
        pixels.
    """
    height, width = encoded["size"]
    if not all(isinstance(side, int) and 0 <= side <= MAX_PIXELS for side in (height, width)):
        raise ValueError(f"the size {encoded['size']!r:.60}, which is not height and width in pixels")
    pixels = height * width
    if pixels > MAX_PIXELS:
        raise ValueError(f"a mask of {height} x {width} pixels; at most {MAX_PIXELS} are allowed")
    try:
        counts = np.asarray(encoded["counts"], np.int64).reshape(-1)
    except OverflowError as error:
        raise ValueError("a run length of more than 64 bits") from error
    if counts.size and not 0 <= counts.min() <= counts.max() <= pixels:  # the sum of others might overflow
        raise ValueError(f"run lengths from {counts.min()} to {counts.max()} for a mask of {height} x {width}")
    if counts.sum() != pixels:
        raise ValueError(f"run lengths of {counts.sum()} pixels for a mask of {height} x {width}")
    inside = np.arange(counts.size) % 2 == 1
    mask: npt.NDArray[np.bool_] = np.repeat(inside, counts).reshape(width, height).T
    return mask
