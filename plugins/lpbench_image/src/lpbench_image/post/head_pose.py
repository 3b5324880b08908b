"""The postprocessor ``head-pose``: yaw, pitch and roll from seven points of a face mesh.

Straight ahead is along the line of sight: a face that looks into the camera has
yaw and pitch 0, wherever it is in the picture.  The seven points do not move with
facial expressions.  The corners of the mouth and the chin do, and chins differ between
people: with these points, faces appear to look down by 15 degrees more, and by 30 if
straight ahead is taken to be the optical axis.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image.post._reading import Reader, geometry_of
from lpbench_image.post.config import HeadPoseConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo

POINTS = 468
FACE = {
    1: (0.0, -1.13, 7.48),  # tip of the nose
    6: (0.0, 2.47, 5.79),  # its bridge
    10: (0.0, 8.26, 4.48),  # forehead, at the hair
    33: (-4.45, 2.66, 3.17),  # outer corners of the eyes
    263: (4.45, 2.66, 3.17),
    127: (-7.74, 2.36, -2.01),  # in front of the ears
    356: (7.74, 2.36, -2.01),
}
"""Positions of mesh points on a canonical face, in cm: x to the right in the picture, y up, z to the viewer.

Source: MediaPipe, modules/face_geometry/data/canonical_face_model.obj, rounded to 0.1 mm.
"""
IDS = list(FACE)
MODEL = np.array(list(FACE.values())) * (1, -1, -1)
"""The same in the camera's axes: x to the right, y down, z away."""


class Angles(NamedTuple):
    """The pose of a head, in degrees.

    :param yaw: Rotation to the side: positive if the nose points to the right of the picture.
    :param pitch: Rotation up or down: positive if the nose points up.
    :param roll: Rotation in the plane of the picture: positive if clockwise.
    """

    yaw: float
    pitch: float
    roll: float


class HeadPose(Postprocessor[HeadPoseConfig]):
    """Reads the 468 points of MediaPipe's face mesh, x, y and depth in pixels of the input; depth is not used.

    The camera is modelled as a pinhole whose focal length equals the width of the picture.
    """

    def __init__(self, config: HeadPoseConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self._points = Reader(config.points, outputs, "points", (POINTS, 3))

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Angles:
        """Return the angles.

        :raises ProcessorError: A value is not finite, or no pose fits the points.
        """
        geometry = geometry_of(sample)
        points = geometry.to_source(self._points(outputs, sample)[IDS, :2])
        rotation = _rotation(points, geometry.source[1])
        if rotation is None:
            raise ProcessorError(
                f'no head pose fits the points of output "{self._points.info.called}"', where=sample.name
            )
        return angles(rotation)

    def describe(self, prediction: Angles, /) -> Mapping[str, Any]:
        """Return ``{"yaw", "pitch", "roll"}``."""
        return prediction._asdict()

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return ``points``, ``(468, 3)``, in pixels of the input."""
        return {"points": self._points(outputs, sample)}


def angles(rotation: npt.NDArray[np.float64]) -> Angles:
    """Return the angles of a rotation ``(3, 3)`` in the camera's axes.

    The head rotates first up or down, then to the side, then in the picture's plane: with right-handed rotations R
    about the axes, ``rotation = Rz(roll) @ Ry(-yaw) @ Rx(-pitch)``.
    """
    (xx, _, _), (yx, _, _), (zx, zy, zz) = rotation.tolist()
    yaw = math.asin(max(-1.0, min(1.0, zx)))
    return Angles(*map(math.degrees, (yaw, -math.atan2(zy, zz), math.atan2(yx, xx))))


def _rotation(points: npt.NDArray[np.float64], focal: float) -> npt.NDArray[np.float64] | None:
    """Return the rotation of the canonical face that projects to these points, or None if there is none.

    :param focal: Focal length in pixels.
    """
    x, y = points.mean(axis=0)
    camera = np.array([(focal, 0, x), (0, focal, y), (0, 0, 1)], np.float64)
    try:
        solved, vector, _ = cv2.solvePnP(MODEL, points, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:
        return None
    rotation = np.asarray(cv2.Rodrigues(vector)[0], np.float64)
    return rotation if solved and np.isfinite(rotation).all() else None
