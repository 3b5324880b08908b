"""Bodies are found, ordered and led back as a loop over them does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests.posts import GEOMETRY, Array, build, geometries, infos, sample, through

from lpbench.errors import ConfigError, ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.util import dataclass_config
from lpbench_image.post.config import KeypointsConfig

if TYPE_CHECKING:
    from lpbench_image.geometry import Affine, Geometry

ROUNDS = settings(max_examples=50, deadline=None)


def several(bodies: Array) -> Array:
    """Return bodies ``(n, k, 3)`` with the box and score that MultiPose puts behind each."""
    tail = np.full((len(bodies), 5), 0.9, np.float32)
    found: Array = np.concatenate([bodies.reshape(len(bodies), -1), tail], axis=1)[None]
    return found


@given(geometries(), st.integers(1, 6), st.integers(1, 20), st.floats(0, 1), st.integers(0, 99), st.booleans())
@ROUNDS
def test_bodies_are_those_of_a_loop(  # noqa: PLR0913, PLR0917 - what may vary
    geometry: Affine | Geometry,
    count: int,
    points: int,
    threshold: float,
    seed: int,
    boxed: bool,  # noqa: FBT001 - likewise
) -> None:
    """The mean of the points' scores decides, the best body comes first, y and x change places."""
    bodies = np.random.default_rng(seed).random((count, points, 3)).astype(np.float32)
    if boxed and points == 1:
        bodies = np.repeat(bodies, 2, axis=1)  # one point and a box would be eight numbers: fine, two are clearer
    outputs = {"out": several(bodies) if boxed else bodies[None]}
    found = build("keypoints", {"threshold": threshold}, infos(outputs))(outputs, sample(geometry))
    height, width = geometry.size
    wanted = [each for each in sorted(bodies, key=lambda body: -body[:, 2].mean()) if each[:, 2].mean() >= threshold]
    assert len(found) == len(wanted)
    for at, body in enumerate(wanted):
        places = [(x * width, y * height) for y, x, _ in body.tolist()]
        assert found.points[at] == pytest.approx(through(geometry, places), rel=1e-4, abs=1e-3)
        assert found.scores[at].tolist() == body[:, 2].tolist()


def test_a_description_has_a_body_under_items() -> None:
    """MoveNet Lightning: one body of seventeen points."""
    outputs = {"out": np.full((1, 1, 17, 3), 0.5, np.float32)}
    post = build("keypoints", {}, infos(outputs))
    (item,) = post.describe(post(outputs, sample()))["items"]
    assert item["score"] == 0.5
    assert item["points"] == [through(GEOMETRY, [(48, 32)])[0].tolist()] * 17
    assert item["scores"] == [0.5] * 17


def test_nobody_is_an_empty_list() -> None:
    """All scores below the threshold."""
    outputs = {"out": np.full((1, 6, 56), 0.1, np.float32)}
    post = build("keypoints", {}, infos(outputs))
    found = post(outputs, sample())
    assert (found.points.shape, found.scores.shape) == ((0, 17, 2), (0, 17))
    assert post.describe(found) == {"items": []}


def test_bodies_of_equal_score_keep_their_order() -> None:
    """The first stays first."""
    bodies = np.full((3, 2, 3), 0.5, np.float32)
    bodies[:, :, 1] = [[0.1], [0.2], [0.3]]
    outputs = {"out": bodies[None]}
    found = build("keypoints", {}, infos(outputs))(outputs, sample())
    assert np.diff(found.points[:, 0, 0]).min() > 0


def test_predictions_do_not_change_with_the_next_output() -> None:
    """An engine may write to the same array again."""
    outputs = {"out": np.full((1, 1, 17, 3), 0.5, np.float32)}
    found = build("keypoints", {}, infos(outputs))(outputs, sample())
    before = found.points.copy()
    outputs["out"][:] = 0
    assert found.scores.tolist() == [[0.5] * 17]
    assert found.points.tolist() == before.tolist()


def test_values_are_shares_of_the_input_for_every_body() -> None:
    """What is compared between engines; those below the threshold too."""
    outputs = {"out": several(np.tile(np.array([0.25, 0.75, 0.01], np.float32), (2, 3, 1)))}
    values = build("keypoints", {}, infos(outputs)).values(outputs, sample())
    assert values["points"].tolist() == [[[0.75, 0.25]] * 3] * 2
    assert values["scores"].shape == (2, 3)


@pytest.mark.parametrize("shape", [(1, 7), (1, 6, 57), (3,), (1, 0, 3), (), (1, 6, 5)])
def test_an_output_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    """When the app is opened, or where the model does not tell, when it comes."""
    error = r"neither \[..., points, 3\] nor \[..., bodies, points \* 3 \+ 5\]"
    with pytest.raises(ProcessorError, match=error):
        build("keypoints", {}, [TensorInfo("out", "float32", shape)])
    post = build("keypoints", {}, [TensorInfo("out", "float32", (None,))])
    with pytest.raises(ProcessorError, match=error):
        post({"out": np.zeros(shape, np.float32)}, sample())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_refused(bad: float) -> None:
    """One of 51."""
    outputs = {"out": np.zeros((1, 1, 17, 3), np.float32)}
    outputs["out"][0, 0, 9, 1] = bad
    with pytest.raises(ProcessorError, match=rf'cat\.jpg: output "out" holds {bad}'):
        build("keypoints", {}, infos(outputs))(outputs, sample())


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_a_threshold_is_a_share(value: Any) -> None:
    """Scores are from 0 to 1."""
    with pytest.raises(ConfigError, match="threshold must be 0 to 1"):
        dataclass_config.build(KeypointsConfig, {"threshold": value})
