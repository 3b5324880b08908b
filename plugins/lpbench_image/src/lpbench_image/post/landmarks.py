"""The postprocessors ``mesh`` and ``iris``: points of a face mesh and of an eye.

Models: MediaPipe's face mesh (Kartynnik et al., arXiv:1907.06724) and iris
(Ablavatski et al., arXiv:2006.11341).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image.found import Landmarks
from lpbench_image.post._reading import Reader, points_in_source, sigmoid
from lpbench_image.post.config import IrisConfig, MeshConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo

CONTOUR, IRIS = 71, 5
"""Number of points of the lids and brow, and of the iris."""
CORNERS = (0, 8)
"""Numbers of the contour's points in the corners of the eye: the outer one, the inner one."""


class Mesh(Postprocessor[MeshConfig]):
    """Reads x, y and depth of each point in pixels of the input, and the logit that the object is present."""

    def __init__(self, config: MeshConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self._points = Reader(config.points, outputs, "points", (-1, 3))
        self._flag = Reader(config.flag, outputs, "flag", (1,)) if config.flag else None

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Landmarks:
        """Return the points, ``(k, 3)``, in pixels of the source picture.

        :raises ProcessorError: A value is not finite.
        """
        points = points_in_source(self._points(outputs, sample), sample)
        return Landmarks(points, self._score(outputs, sample))

    def describe(self, prediction: Landmarks, /) -> Mapping[str, Any]:
        """Return ``{"score", "points": [[x, y], ...]}``."""
        return {"score": prediction.score, "points": prediction.points[:, :2].tolist()}

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return ``points``, ``(k, 3)``, in pixels of the input, and ``score``, ``(1,)``."""
        score = np.array([self._score(outputs, sample)], np.float32)
        return {"points": self._points(outputs, sample), "score": score}

    def _score(self, outputs: Outputs, sample: Sample) -> float:
        return sigmoid(self._flag(outputs, sample).item()) if self._flag else 1.0


class Iris(Postprocessor[IrisConfig]):
    """Reads the points of an eye's lids and brow and of its iris, in pixels of the input.

    Mirrored inputs need no special treatment: the geometry includes the mirroring.
    """

    def __init__(self, config: IrisConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self._contour = Reader(config.contour, outputs, "contour", (CONTOUR, 3))
        self._iris = Reader(config.iris, outputs, "iris", (IRIS, 3))

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Landmarks:
        """Return 76 points, ``(76, 3)``, in pixels of the source picture: 71 of lids and brow, 5 of the iris.

        :raises ProcessorError: A value is not finite.
        """
        points = np.concatenate([self._contour(outputs, sample), self._iris(outputs, sample)])
        return Landmarks(points_in_source(points, sample), 1.0)

    def describe(self, prediction: Landmarks, /) -> Mapping[str, Any]:
        """Return ``{"score", "points": [[x, y], ...], "iris": [x, y], "gaze": [across, down]}``.

        ``iris`` is the centre of the iris.  ``gaze`` is its offset from the midpoint between the corners of the eye,
        along the line through them and perpendicular to it, in widths of the eye; positive to the right and down.
        """
        points = prediction.points[:, :2]
        across, down = gaze(points)
        described = {"score": prediction.score, "points": points.tolist()}
        return {**described, "iris": points[CONTOUR].tolist(), "gaze": [across, down]}

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return ``contour``, ``(71, 3)``, and ``iris``, ``(5, 3)``, in pixels of the input."""
        return {"contour": self._contour(outputs, sample), "iris": self._iris(outputs, sample)}


def gaze(points: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Return the offset of the iris between the corners of the eye, as in ``Iris.describe``.

    :param points: ``(76, 2)``; if both corners coincide, the gaze is 0.
    """
    (ax, ay), (bx, by) = sorted(points[list(CORNERS)].tolist())  # from left to right in the picture
    x, y = points[CONTOUR].tolist()
    width, height = bx - ax, by - ay
    square = math.hypot(width, height) ** 2
    if not square:
        return 0.0, 0.0
    x, y = x - (ax + bx) / 2, y - (ay + by) / 2
    return (x * width + y * height) / square, (y * width - x * height) / square
