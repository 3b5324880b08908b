"""Every tensor that a model computes, shown: against numpy, with weights beside the file, in the order of computing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_ort.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

X = np.random.default_rng(2).standard_normal((1, 3, 6, 5)).astype(np.float32)
FLOAT = onnx.TensorProto.FLOAT
AS_WRITTEN: dict[str, Any] = {"graph_optimization": "disabled"}


@pytest.mark.parametrize("level", ["disabled", "all"])
@pytest.mark.parametrize("beside", [False, True])
def test_every_tensor_is_shown_in_order(models: Models, open_session: Opener, level: str, *, beside: bool) -> None:
    path = models.convolution(weights_beside=beside)
    with open_session.exposed(path, {"x": X.shape}, graph_optimization=level) as session:
        assert [info.name for info in session.outputs] == ["c", "r", "y"]
        assert session.describe()["makers"] == {
            "c": "Conv conv",
            "r": "Relu relu",
            "y": "GlobalAveragePool pool",
        }
        found = session.run({"x": X})
    for name, expected in models.convolved(X).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5)


def test_the_model_itself_is_left_alone(models: Models, open_session: Opener) -> None:
    path = models.convolution()
    before = path.read_bytes(), sorted(path.parent.iterdir())
    with open_session.exposed(path, {"x": X.shape}, **AS_WRITTEN) as session:
        session.run({"x": X})
    assert before == (path.read_bytes(), sorted(path.parent.iterdir()))


def test_constants_sequences_and_outputs_that_nobody_wants_are_left_out(models: Models, open_session: Opener) -> None:
    nodes = [
        onnx.helper.make_node("Constant", [], ["one"], value_float=1.0),
        onnx.helper.make_node("Add", ["x", "one"], ["a"], name="add"),
        onnx.helper.make_node("SplitToSequence", ["a"], ["s"], name="split", axis=0),
        onnx.helper.make_node("ConcatFromSequence", ["s"], ["b"], name="join", axis=0),
        onnx.helper.make_node("MaxPool", ["b"], ["y", ""], name="best", kernel_shape=[3]),
    ]
    path = models.save(nodes, [("x", FLOAT, [2, 1, 3])], [("y", FLOAT, [2, 1, 1])])
    x = np.array([[[1, 5, 2]], [[7, 0, 3]]], np.float32)
    with open_session.exposed(path, **AS_WRITTEN) as session:
        found = session.run({"x": x})
    assert list(found) == ["a", "b", "y"]
    np.testing.assert_array_equal(found["a"], x + 1)
    np.testing.assert_array_equal(found["y"], [[[6]], [[8]]])


def test_what_cannot_be_taken_apart_is_said(models: Models, open_session: Opener, tmp_path: Path) -> None:
    ready = tmp_path / "model.ort"
    ready.write_bytes(b"any")
    with pytest.raises(EngineError, match="ORT format do not expose intermediate tensors"):
        open_session.exposed(ready, **AS_WRITTEN)
    cut = models.convolution()
    cut.write_bytes(cut.read_bytes()[:300])
    with pytest.raises(EngineError, match="it is truncated"):
        open_session.exposed(cut, **AS_WRITTEN)
    with pytest.raises(EngineError, match=r"none\.onnx does not exist"):
        open_session.exposed(tmp_path / "none.onnx", **AS_WRITTEN)
