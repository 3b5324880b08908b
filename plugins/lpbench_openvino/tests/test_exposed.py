"""Every tensor that a model computes, shown under the names of its file: against numpy, in the order of computing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from lpbench.plugin.engine import EngineError, Model
from lpbench.util.dataclass_config import build
from lpbench_openvino._engine import OpenvinoEngine
from lpbench_openvino.config import OpenvinoConfig

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_openvino.tests.conftest import Models

    from lpbench.plugin.engine import Session

    Array = np.ndarray[Any, Any]

X = np.random.default_rng(2).standard_normal((1, 3, 6, 5)).astype(np.float32)
FLOAT = onnx.TensorProto.FLOAT


def exposed(path: Path, kind: str = "onnx", **shapes: tuple[int, ...]) -> Session:
    config = build(OpenvinoConfig, {"threads": 1}, where="options of openvino")
    return OpenvinoEngine().open_exposed(Model(kind, path), config, shapes=shapes)


def convolved(x: Array, weights: Array) -> Array:
    """Return a 3x3 convolution with a border of one zero, by a loop over the output's places."""
    padded = np.pad(x[0].astype("f8"), ((0, 0), (1, 1), (1, 1)))
    rows, columns = x.shape[2:]
    found = np.empty((1, len(weights), rows, columns))
    for row in range(rows):
        for column in range(columns):
            window = padded[:, row : row + 3, column : column + 3]
            found[0, :, row, column] = [(window * each).sum() for each in weights]
    return found


def judge(session: Session) -> None:
    """Compare every tensor of the models' convolution with numpy."""
    assert [info.name for info in session.outputs] == ["c", "r", "y"]
    weights = np.random.default_rng(7).standard_normal((8, 3, 3, 3)).astype(np.float32)
    c = convolved(X, weights)
    r = np.maximum(c, 0)
    found = session.run({"x": X})
    for name, expected in (("c", c), ("r", r), ("y", r.mean(axis=(2, 3), keepdims=True))):
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("shapes", [{}, {"x": X.shape}])
def test_every_tensor_is_shown_in_the_order_of_computing(
    models: Models, shapes: dict[str, Any], *, beside: bool
) -> None:
    with exposed(models.convolution(weights_beside=beside), **shapes) as session:
        judge(session)
        assert session.describe()["makers"]["c"] == "Convolution conv"


def test_openvinos_own_format_keeps_the_names(models: Models) -> None:
    with exposed(models.ir(), "openvino") as session:
        judge(session)


def test_a_tensor_that_openvino_has_once_is_shown_under_all_its_names(models: Models) -> None:
    nodes = [
        onnx.helper.make_node("Relu", ["x"], ["a"], name="relu"),
        onnx.helper.make_node("Identity", ["a"], ["b"], name="same"),
        onnx.helper.make_node("Neg", ["b"], ["y"], name="negate"),
    ]
    path = models.save(nodes, [("x", FLOAT, (1, 3))], [("y", FLOAT, (1, 3))])
    x = np.array([[-1, 0, 2]], np.float32)
    with exposed(path) as session:
        found = session.run({"x": x})
        assert {info.name for info in session.outputs} == {"a", "b", "y"}
    for name, expected in (("a", [[0, 0, 2]]), ("b", [[0, 0, 2]]), ("y", [[0, 0, -2]])):
        np.testing.assert_array_equal(found[name], expected)


def test_what_cannot_be_opened_is_said_as_ever(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"none\.onnx does not exist"):
        exposed(tmp_path / "none.onnx")
