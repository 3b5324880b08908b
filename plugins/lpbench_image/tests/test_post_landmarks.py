"""Points of faces and eyes arrive in the picture, whatever part of it the model saw, turned and mirrored too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests.posts import (
    GEOMETRY,
    MIRRORED,
    TURNED,
    Array,
    build,
    geometries,
    infos,
    sample,
    through,
)

from lpbench.errors import ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench_image.geometry import Affine, Geometry

ROUNDS = settings(max_examples=40, deadline=None)
MESH = {"points": "points", "flag": "flag"}
EYE = {"contour": "contour", "iris": "iris"}


def face(seed: int = 0, flag: float = 2.0) -> dict[str, Array]:
    """Return a mesh as MediaPipe's model shapes it."""
    points = np.random.default_rng(seed).uniform(0, 64, (1, 1, 1, 1404)).astype(np.float32)
    return {"points": points, "flag": np.full((1, 1, 1, 1), flag, np.float32)}


def eye(seed: int = 0) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    return {
        name: random.uniform(0, 64, (1, size)).astype(np.float32) for name, size in (("contour", 213), ("iris", 15))
    }


@given(geometries(), st.integers(0, 9))
@ROUNDS
def test_a_mesh_lies_in_the_picture_as_each_of_its_points_does(geometry: Affine | Geometry, seed: int) -> None:
    """Depth is scaled as a square's side."""
    outputs = face(seed)
    found = build("mesh", MESH, infos(outputs))(outputs, sample(geometry)).points
    given = outputs["points"].reshape(468, 3)
    corners = through(geometry, [(0, 0), (1, 0), (0, 1)])
    side = abs(np.linalg.det(np.array([corners[1] - corners[0], corners[2] - corners[0]]))) ** 0.5
    assert found.dtype == np.float32
    assert found[:, :2] == pytest.approx(through(geometry, given[:, :2]), rel=1e-4, abs=1e-3)
    assert found[:, 2] == pytest.approx(given[:, 2] * side, rel=1e-4)


@pytest.mark.parametrize(("logit", "score"), [(0, 0.5), (2, 0.880797), (-2, 0.119203), (1e4, 1), (-1e4, 0)])
def test_the_flag_is_the_sigmoid_of_its_logit(logit: float, score: float) -> None:
    """At both ends too, where a plain exponential overflows."""
    outputs = face(flag=logit)
    described = build("mesh", MESH, infos(outputs)).describe(build("mesh", MESH, infos(outputs))(outputs, sample()))
    assert described["score"] == pytest.approx(score, abs=1e-6)
    assert np.shape(described["points"]) == (468, 2)


def test_a_mesh_without_a_flag_is_there() -> None:
    """Another model, with other points; its only output need not be named."""
    outputs = {"out": np.arange(204, dtype=np.float32).reshape(1, 204)}
    found = build("mesh", {}, infos(outputs))(outputs, sample())
    assert (found.points.shape, found.score) == ((68, 3), 1)


def test_quantised_points_count_in_real_numbers() -> None:
    """Scale and zero point before anything else."""
    outputs = {"out": np.array([[30, 50, 10, 20, 20, 0]], np.uint8)}
    found = build("mesh", {}, infos(outputs, scale=2.0, zero_point=10))(outputs, sample())
    assert found.points[:, :2].tolist() == through(GEOMETRY, [(40, 80), (20, 20)]).tolist()


def test_an_iris_comes_behind_its_contour() -> None:
    """All 76 points in the picture, the iris's centre once more by name."""
    outputs = eye()
    post = build("iris", EYE, infos(outputs))
    found = post(outputs, sample(TURNED))
    given = np.concatenate([outputs["contour"].reshape(71, 3), outputs["iris"].reshape(5, 3)])
    assert found.points[:, :2] == pytest.approx(through(TURNED, given[:, :2]), rel=1e-5)
    described = post.describe(found)
    assert described["iris"] == pytest.approx(through(TURNED, given[71, :2]).tolist(), rel=1e-5)
    assert described["points"][71] == described["iris"]


@pytest.mark.parametrize("geometry", [GEOMETRY, Affine(((1.0, 0, 5), (0, 1, 9)), (90, 90), (64, 64))])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_gaze_is_told_in_the_pictures_directions(geometry: Affine | Geometry, mirrored: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """An eye 40 wide whose iris is 10 to the right and 4 below the middle; mirrored, the corners change places."""
    outputs = {"contour": np.zeros((71, 3), np.float32), "iris": np.zeros((5, 3), np.float32)}
    corners = geometry.to_input([(60, 40), (20, 40)] if mirrored else [(20, 40), (60, 40)])
    outputs["contour"][[0, 8], :2] = corners
    outputs["iris"][0, :2] = geometry.to_input([50, 44])
    post = build("iris", EYE, infos(outputs))
    assert post.describe(post(outputs, sample(geometry)))["gaze"] == pytest.approx([0.25, 0.1], abs=1e-5)


def test_a_mirrored_crop_of_a_mirrored_eye_is_the_eye_mirrored() -> None:
    """What the iris model needs of one of the two eyes: the crop is mirrored, and its points come back so."""
    outputs = eye(3)
    post = build("iris", EYE, infos(outputs))
    (across, shear, left), below = MIRRORED.rows
    straight = MIRRORED._replace(rows=((-across, shear, left), below))
    one, other = (post(outputs, sample(each)).points for each in (MIRRORED, straight))
    assert one[:, 0] - 90 == pytest.approx(90 - other[:, 0], abs=1e-3)
    assert one[:, 1:] == pytest.approx(other[:, 1:], rel=1e-6)


def test_an_eye_without_width_looks_straight_ahead() -> None:
    """A model that says nothing."""
    outputs = {name: np.zeros_like(each) for name, each in eye().items()}
    post = build("iris", EYE, infos(outputs))
    assert post.describe(post(outputs, sample()))["gaze"] == [0, 0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("output", ["points", "flag"])
def test_what_is_no_number_is_refused_by_sample_and_output(bad: float, output: str) -> None:
    """Anywhere, as half precision yields it."""
    outputs = face()
    outputs[output][..., -1] = bad
    with pytest.raises(ProcessorError, match=rf'cat\.jpg: output "{output}" holds {bad}'):
        build("mesh", MESH, infos(outputs))(outputs, sample())


@pytest.mark.parametrize(
    ("name", "values", "shapes", "error"),
    [
        (
            "mesh",
            MESH,
            {"points": (1, 1403), "flag": (1, 1)},
            r'points: output "points" \[1, 1403\] does not hold n x 3 numbers',
        ),
        ("mesh", MESH, {"points": (1, 9), "flag": (1, 2)}, r'flag: output "flag" \[1, 2\] does not hold 1 numbers'),
        ("mesh", MESH, {"point": (1, 9), "flag": (1, 1)}, 'postprocessing.points: the model has no output "points"'),
        ("mesh", {}, {"a": (1, 9), "b": (1, 1)}, 'name the one to use: "points"'),
        (
            "iris",
            EYE,
            {"contour": (1, 213), "iris": (1, 18)},
            r'iris: output "iris" \[1, 18\] does not hold 5 x 3 numbers',
        ),
    ],
)
def test_a_model_with_other_outputs_is_refused(name: str, values: Any, shapes: Any, error: str) -> None:
    """When the app is opened, with the setting's place."""
    with pytest.raises(ProcessorError, match=error):
        build(name, values, [TensorInfo(each, "float32", shape) for each, shape in shapes.items()])


def test_an_open_output_is_looked_at_when_it_comes() -> None:
    """The model does not tell its size."""
    post = build("mesh", {}, [TensorInfo("out", "float32", (1, "n"))])
    assert post({"out": np.zeros((1, 6), np.float32)}, sample()).points.shape == (2, 3)
    with pytest.raises(ProcessorError, match=r"cat\.jpg: output .* \[1, 7\] does not hold n x 3 numbers"):
        post({"out": np.zeros((1, 7), np.float32)}, sample())


def test_without_a_geometry_there_is_no_way_back() -> None:
    """A preprocessor of somebody else's."""
    outputs = face()
    with pytest.raises(ProcessorError, match="does not report where the input lies"):
        build("mesh", MESH, infos(outputs))(outputs, Sample("cat.jpg", None))


def test_values_are_those_of_the_model_in_one_shape() -> None:
    """What two engines are compared by: pixels of the input, whatever shape each engine gives them."""
    outputs = face()
    flat = {"points": outputs["points"].reshape(468, 3), "flag": outputs["flag"].reshape(1)}
    one, other = (build("mesh", MESH, infos(each)).values(each, sample()) for each in (outputs, flat))
    assert one["points"].tolist() == other["points"].tolist() == flat["points"].tolist()
    assert one["score"].tolist() == pytest.approx([0.880797])
    outputs = eye()
    assert build("iris", EYE, infos(outputs)).values(outputs, sample())["iris"].shape == (5, 3)
