"""Predictions of the image postprocessors: plain arrays, owned by the caller.

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


@dataclass(slots=True, eq=False)  # arrays have no single truth value when compared
class Detections:
    """Objects found in a picture, best first; ``n`` is 0 if there are none.

    :param boxes: ``(n, 4)``: left, top, right, bottom.
    :param scores: ``(n,)``.
    :param classes: ``(n,)`` int64: index of the class, as in the app's labels.
    :param points: ``(n, k, 2)``: x and y of each object's key points; k is 0 for models without key points.
    """

    boxes: Floats
    scores: Floats
    classes: npt.NDArray[np.int64]
    points: Floats

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(slots=True, eq=False)
class Landmarks:
    """Points of one object, in the model's order.

    :param points: ``(k, 2)``: x and y; or ``(k, 3)``: with depth, in the same unit as x, away from the camera.
    :param score: Score that the object is present.
    :param scores: ``(k,)``: score of each point; None if the model does not give them.
    """

    points: Floats
    score: float
    scores: Floats | None = None


@dataclass(slots=True, eq=False)
class Poses:
    """Bodies, each with the same key points.

    :param points: ``(n, k, 2)``: x and y.
    :param scores: ``(n, k)``: score of each point.
    """

    points: Floats
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(slots=True, eq=False)
class Mask:
    """A class for each pixel.

    :param values: ``(h, w)`` uint8, in the source picture's size: index of the class.
    """

    values: npt.NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class Embedding:
    """A vector whose cosine with another one measures the similarity of two objects.

    :param vector: ``(d,)`` float32, of length 1.
    """

    vector: Floats
