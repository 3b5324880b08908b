"""Every tensor that a model computes, shown under the names of its file: against numpy, in the order of computing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_openvino.tests.conftest import Models

    from lpbench.plugin.engine import Session
    from lpbench.testing.fixtures import Opener

X = np.random.default_rng(2).standard_normal((1, 3, 6, 5)).astype(np.float32)
FLOAT = onnx.TensorProto.FLOAT


def judge(session: Session, models: Models) -> None:
    """Compare every tensor of the models' convolution with numpy."""
    assert [info.name for info in session.outputs] == ["c", "r", "y"]
    found = session.run({"x": X})
    for name, expected in models.convolved(X).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("shapes", [{}, {"x": X.shape}])
def test_every_tensor_is_shown_in_the_order_of_computing(
    models: Models, open_session: Opener, shapes: dict[str, Any], *, beside: bool
) -> None:
    with open_session.exposed(models.convolution(weights_beside=beside), shapes) as session:
        judge(session, models)
        assert session.describe()["makers"]["c"] == "Convolution conv"


def test_openvinos_own_format_keeps_the_names(models: Models, open_session: Opener) -> None:
    with open_session.exposed(models.ir()) as session:
        judge(session, models)


def test_a_tensor_that_openvino_has_once_is_shown_under_all_its_names(models: Models, open_session: Opener) -> None:
    nodes = [
        onnx.helper.make_node("Relu", ["x"], ["a"], name="relu"),
        onnx.helper.make_node("Identity", ["a"], ["b"], name="same"),
        onnx.helper.make_node("Neg", ["b"], ["y"], name="negate"),
    ]
    path = models.save(nodes, [("x", FLOAT, (1, 3))], [("y", FLOAT, (1, 3))])
    x = np.array([[-1, 0, 2]], np.float32)
    with open_session.exposed(path) as session:
        found = session.run({"x": x})
        assert {info.name for info in session.outputs} == {"a", "b", "y"}
    for name, expected in (("a", [[0, 0, 2]]), ("b", [[0, 0, 2]]), ("y", [[0, 0, -2]])):
        np.testing.assert_array_equal(found[name], expected)


def test_what_cannot_be_opened_is_said_as_ever(open_session: Opener, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"none\.onnx does not exist"):
        open_session.exposed(tmp_path / "none.onnx")
