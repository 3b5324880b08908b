"""A face that is projected as a camera does it has the angles that it was turned by."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import scipy.spatial.transform
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests.posts import Array, build, infos, sample

from lpbench.errors import ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench_image.geometry import Affine, Geometry
from lpbench_image.post.head_pose import IDS, MODEL, Angles

ROUNDS = settings(max_examples=60, deadline=None)
HEIGHT, WIDTH = 300, 400
PLAIN = Geometry(1, 1, 0, 0, (HEIGHT, WIDTH), (HEIGHT, WIDTH))
TURN = st.floats(-70, 70)


def turned(yaw: float, pitch: float, roll: float) -> Array:
    """Return a rotation by its meaning: the nose to the right, up, and the head clockwise, one after the other."""
    found: Array = scipy.spatial.transform.Rotation.from_euler("xyz", [-pitch, -yaw, roll], degrees=True).as_matrix()
    return found


def seen(rotation: Array, x: float = WIDTH / 2, y: float = HEIGHT / 2, size: float = 60) -> Array:
    """Return where a pinhole camera whose axis meets the face's middle sees the points, ``(k, 2)``.

    :param x: Where the mean of the points is seen; the face is moved there as a whole.
    :param size: How far away it is, in cm.
    """
    points = MODEL @ rotation.T + (0, 0, size)
    for _ in range(20):  # until the mean of the points is on the axis
        projected = points[:, :2] / points[:, 2:] * WIDTH
        points[:, :2] -= projected.mean(axis=0) * size / WIDTH
    found: Array = points[:, :2] / points[:, 2:] * WIDTH + (x, y)
    return found


def pose(points: Array, geometry: Affine | Geometry = PLAIN) -> Angles:
    outputs = {"out": np.zeros((1, 1404), np.float32)}
    mesh = outputs["out"].reshape(468, 3)
    mesh[IDS, :2] = geometry.to_input(points)
    found: Angles = build("head-pose", {}, infos(outputs))(outputs, sample(geometry))
    return found


@given(TURN, TURN, TURN, st.floats(40, 300))
@ROUNDS
def test_a_projected_face_has_the_angles_that_it_was_turned_by(
    yaw: float, pitch: float, roll: float, size: float
) -> None:
    """All three at once, near and far."""
    assert pose(seen(turned(yaw, pitch, roll), size=size)) == pytest.approx((yaw, pitch, roll), abs=0.5)


@pytest.mark.parametrize(("x", "y"), [(200, 150), (40, 20), (380, 290)])
def test_a_face_that_looks_into_the_camera_has_no_angles_wherever_it_is(x: float, y: float) -> None:
    """Faces are in the upper half of most pictures, and do not look down for that."""
    assert pose(seen(np.eye(3), x, y)) == pytest.approx((0, 0, 0), abs=0.1)


def test_the_signs_are_those_of_the_words() -> None:
    """The nose to the right, up; the left eye of the picture higher than the right one."""
    right, up, clockwise = (seen(turned(*each)) for each in ((30, 0, 0), (0, 30, 0), (0, 0, 30)))
    nose, left, eye = IDS.index(1), IDS.index(33), IDS.index(263)
    assert right[nose, 0] > right[[left, eye], 0].mean()
    assert pose(right).yaw == pytest.approx(30, abs=0.5)
    assert up[nose, 1] < seen(np.eye(3))[nose, 1]
    assert pose(up).pitch == pytest.approx(30, abs=0.5)
    assert clockwise[left, 1] < clockwise[eye, 1]
    assert pose(clockwise).roll == pytest.approx(30, abs=0.5)


@given(TURN, TURN, TURN)
@ROUNDS
def test_a_mirrored_picture_has_the_opposite_yaw_and_roll(yaw: float, pitch: float, roll: float) -> None:
    """Left and right of the face change places, the pitch stays."""
    points = seen(turned(yaw, pitch, roll))
    partner = {33: 263, 263: 33, 127: 356, 356: 127}
    flipped = points[[IDS.index(partner.get(each, each)) for each in IDS]] * (-1, 1) + (WIDTH, 0)
    assert pose(flipped) == pytest.approx((-yaw, pitch, -roll), abs=0.5)


@pytest.mark.parametrize("degrees", [20, -20, 75])
def test_a_turned_picture_has_as_much_more_roll(degrees: float) -> None:
    """OpenCV's angle is against the clock."""
    points = seen(turned(25, -10, 5))
    matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), -degrees, 1)
    found = pose(points @ matrix[:, :2].T + matrix[:, 2])
    assert found == pytest.approx((25, -10, 5 + degrees), abs=0.5)


def test_what_the_model_saw_of_the_picture_does_not_matter() -> None:
    """A turned, scaled region of it has the pose of the whole."""
    points = seen(turned(-20, 15, 30))
    region = Affine(((0.6, -0.5, 120), (0.5, 0.6, 20)), (HEIGHT, WIDTH), (192, 192))
    assert pose(points, region) == pytest.approx((-20, 15, 30), abs=0.5)


def test_a_description_has_degrees() -> None:
    """Three numbers by name."""
    outputs = {"out": np.zeros((1, 468, 3), np.float32)}
    assert build("head-pose", {}, infos(outputs)).describe(Angles(1, 2, 3)) == {"yaw": 1, "pitch": 2, "roll": 3}


def test_points_that_no_head_has_are_refused() -> None:
    """All in one place; and NaN."""
    outputs = {"out": np.zeros((1, 468, 3), np.float32)}
    post = build("head-pose", {}, infos(outputs))
    with pytest.raises(ProcessorError, match=r'cat\.jpg: no head pose fits the points of output "out"'):
        post(outputs, sample(PLAIN))
    outputs["out"][0, 7] = np.nan
    with pytest.raises(ProcessorError, match="holds nan"):
        post(outputs, sample(PLAIN))


def test_a_mesh_of_another_model_is_refused() -> None:
    """Its points would have other numbers."""
    with pytest.raises(ProcessorError, match=r"\[1, 204\] does not hold 468 x 3 numbers"):
        build("head-pose", {}, [TensorInfo("out", "float32", (1, 204))])
