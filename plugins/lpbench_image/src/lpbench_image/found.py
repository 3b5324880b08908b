"""What postprocessors of images find: plain arrays, owned by whoever gets them.

Coordinates are x to the right and y down, in pixels of the upright source picture,
float32, with (0, 0) at the outer corner of the first pixel, as in ``geometry``.
Scores are shares from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]


@dataclass(slots=True, eq=False)  # equality of arrays is no truth value
class Detections:
    """Things found in a picture, best first; none is ``n`` of 0.

    :param boxes: ``(n, 4)``: left, top, right, bottom.
    :param scores: ``(n,)``.
    :param classes: ``(n,)`` int64: index of the class, as in the app's labels.
    :param points: ``(n, k, 2)``: key points of each, x and y; k is 0 for models without.
    """

    boxes: Floats
    scores: Floats
    classes: npt.NDArray[np.int64]
    points: Floats

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(slots=True, eq=False)
class Landmarks:
    """Points of one thing, in the order in which the model numbers them.

    :param points: ``(k, 2)``: x and y; or ``(k, 3)``: with depth, in the same unit as x, away from the camera.
    :param score: That the thing is there at all.
    :param scores: ``(k,)``: of each point; None where the model tells none.
    """

    points: Floats
    score: float
    scores: Floats | None = None


@dataclass(slots=True, eq=False)
class Poses:
    """Bodies, each with the same key points.

    :param points: ``(n, k, 2)``: x and y.
    :param scores: ``(n, k)``: of each point.
    """

    points: Floats
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(slots=True, eq=False)
class Mask:
    """A class for each pixel.

    :param values: ``(h, w)`` uint8 of the source picture's size: index of the class.
    """

    values: npt.NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class Embedding:
    """A vector whose cosine with another says how alike two things are.

    :param vector: ``(d,)`` float32, of length 1.
    """

    vector: Floats
