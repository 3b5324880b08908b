"""CUDA graphs on the fake: captured after a run, replayed, captured anew for other shapes, refused with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from lpbench.plugin.engine import EngineError
from lpbench.testing.onnx_models import FLOAT

if TYPE_CHECKING:
    from plugins.lpbench_trt.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

X = np.random.default_rng(2).standard_normal((1, 3, 8, 8)).astype(np.float32)
INT64 = onnx.TensorProto.INT64


def test_a_graph_computes_the_same_in_one_call(models: Graphs, open_session: Opener, fake_tensorrt: Fake) -> None:
    path = models.convolution(X.shape)
    expected = np.array(open_session(path).run({"x": X})["y"])
    session = open_session(path, graph=True)
    assert np.array_equal(session.run({"x": X})["y"], expected)
    fake_tensorrt.begin()
    assert np.array_equal(session.run({"x": 2 * X})["y"], 2 * expected)
    assert "cudaGraphLaunch" in fake_tensorrt.calls()
    assert "IExecutionContext.execute_async_v3" not in fake_tensorrt.calls()


def test_other_shapes_are_captured_anew(models: Graphs, open_session: Opener, fake_tensorrt: Fake) -> None:
    path = models.one("Neg", ("N", 3))
    session = open_session(path, graph=True, min_shapes={"x": (1, 3)}, max_shapes={"x": (9, 3)})
    for count in (1, 1, 9, 9, 2, 2, 1, 1):
        x = np.full((count, 3), count, np.float32)
        assert np.array_equal(session.run({"x": x})["y"], -x)
    session.close()
    assert fake_tensorrt.wrong() == []


def test_with_a_profile_the_graph_is_timed(models: Graphs, open_session: Opener) -> None:
    session = open_session(models.convolution(X.shape), graph=True, profile=True)
    for _ in range(3):
        session.run({"x": X})
    assert (session.device_spans() or {})["compute"] > 0
    assert session.profile()


def test_shapes_that_depend_on_data_are_refused(models: Graphs, open_session: Opener) -> None:
    """When the model is opened, not in the middle of a measurement."""
    node = onnx.helper.make_node("NonZero", ["x"], ["y"], name="positions")
    path = models.save([node], [("x", FLOAT, (2, 3))], [("y", INT64, (2, "K"))])
    text = open_session.refused(path, graph=True)
    assert 'the shape of output "y" depends on the data' in text
    assert "leave the option graph out" in text


def test_shapes_that_depend_on_values_are_refused(models: Graphs, open_session: Opener) -> None:
    node = onnx.helper.make_node("Reshape", ["x", "to"], ["y"], name="reshape")
    path = models.save([node], [("x", FLOAT, (2, 6)), ("to", INT64, (2,))], [("y", FLOAT, (None, None))])
    text = open_session.refused(path, graph=True, min_shapes={"to": (1, 1)}, max_shapes={"to": (12, 12)})
    assert 'shapes depend on the values of input "to"' in text


@pytest.mark.parametrize("call", ["cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiate"])
def test_a_capture_that_fails_names_the_call(
    models: Graphs, open_session: Opener, fake_tensorrt: Fake, call: str
) -> None:
    """The session goes on: the next run captures again."""
    session = open_session(models.one("Neg"), graph=True)
    fake_tensorrt.begin()
    fake_tensorrt.set(fail_at=f"{call}:1")
    with pytest.raises(EngineError, match=call):
        session.run({"x": np.ones((1, 3), np.float32)})
    assert session.run({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[-1] * 3]
