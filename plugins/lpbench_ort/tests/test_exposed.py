"""Every tensor that a model computes, shown: against numpy, with weights beside the file, in the order of computing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from lpbench.plugin.engine import EngineError, Model
from lpbench.util.dataclass_config import build
from lpbench_ort._engine import OrtEngine
from lpbench_ort.config import OrtConfig

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_ort.tests.conftest import Models

    from lpbench.plugin.engine import Session

    Array = np.ndarray[Any, Any]

X = np.random.default_rng(2).standard_normal((1, 3, 6, 5)).astype(np.float32)
FLOAT = onnx.TensorProto.FLOAT


def exposed(path: Path, level: str = "disabled", **shapes: tuple[int, ...]) -> Session:
    config = build(OrtConfig, {"threads": 1, "graph_optimization": level}, where="options of onnxruntime")
    return OrtEngine().open_exposed(Model("onnx", path), config, shapes=shapes)


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


@pytest.mark.parametrize("level", ["disabled", "all"])
@pytest.mark.parametrize("beside", [False, True])
def test_every_tensor_is_shown_in_order(models: Models, level: str, *, beside: bool) -> None:
    path = models.convolution(weights_beside=beside)
    weights = np.random.default_rng(7).standard_normal((8, 3, 3, 3)).astype(np.float32)
    with exposed(path, level, x=X.shape) as session:
        assert [info.name for info in session.outputs] == ["c", "r", "y"]
        assert session.describe()["makers"] == {
            "c": "Conv conv",
            "r": "Relu relu",
            "y": "GlobalAveragePool pool",
        }
        found = session.run({"x": X})
    c = convolved(X, weights)
    r = np.maximum(c, 0)
    for name, expected in (("c", c), ("r", r), ("y", r.mean(axis=(2, 3), keepdims=True))):
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5)


def test_the_model_itself_is_left_alone(models: Models) -> None:
    path = models.convolution()
    before = path.read_bytes(), sorted(path.parent.iterdir())
    with exposed(path, x=X.shape) as session:
        session.run({"x": X})
    assert before == (path.read_bytes(), sorted(path.parent.iterdir()))


def test_constants_sequences_and_outputs_that_nobody_wants_are_left_out(models: Models) -> None:
    nodes = [
        onnx.helper.make_node("Constant", [], ["one"], value_float=1.0),
        onnx.helper.make_node("Add", ["x", "one"], ["a"], name="add"),
        onnx.helper.make_node("SplitToSequence", ["a"], ["s"], name="split", axis=0),
        onnx.helper.make_node("ConcatFromSequence", ["s"], ["b"], name="join", axis=0),
        onnx.helper.make_node("MaxPool", ["b"], ["y", ""], name="best", kernel_shape=[3]),
    ]
    path = models.save(nodes, [("x", FLOAT, [2, 1, 3])], [("y", FLOAT, [2, 1, 1])])
    x = np.array([[[1, 5, 2]], [[7, 0, 3]]], np.float32)
    with exposed(path) as session:
        found = session.run({"x": x})
    assert list(found) == ["a", "b", "y"]
    np.testing.assert_array_equal(found["a"], x + 1)
    np.testing.assert_array_equal(found["y"], [[[6]], [[8]]])


def test_what_cannot_be_taken_apart_is_said(models: Models, tmp_path: Path) -> None:
    ready = tmp_path / "model.ort"
    ready.write_bytes(b"any")
    with pytest.raises(EngineError, match="ORT format do not expose intermediate tensors"):
        exposed(ready)
    cut = models.convolution()
    cut.write_bytes(cut.read_bytes()[:300])
    with pytest.raises(EngineError, match="it is truncated"):
        exposed(cut)
    with pytest.raises(EngineError, match=r"none\.onnx does not exist"):
        exposed(tmp_path / "none.onnx")
