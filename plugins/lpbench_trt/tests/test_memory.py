"""Device memory on the fake: what a session says that it holds, and what happens where there is too little."""

from __future__ import annotations

import ctypes
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

MB = 1 << 20
INT64 = onnx.TensorProto.INT64


def test_uses_add_up_to_the_total(models: Graphs, open_session: Opener) -> None:
    session = open_session(models.convolution((1, 3, 32, 32)))
    held = dict(session.memory() or {})
    assert held.pop("total") == sum(held.values())
    assert held["tensors"] == 4 * (3 * 32 * 32 + 8)
    assert held["weights"] == 4 * 8 * 3 * 3 * 3


def test_where_the_size_of_weights_is_not_told_the_total_is_what_opening_took(
    models: Graphs, fake_tensorrt: Fake
) -> None:
    """Versions before 10.16, here 8.6: free memory before and after."""
    code = f"""
import lpbench_trt, pathlib
from lpbench.testing.fixtures import Opener
opener = Opener(lpbench_trt, "tensorrt")
held = opener(pathlib.Path({str(models.convolution((1, 3, 32, 32)))!r}), plan_cache=False).memory()
assert "weights" not in held, held
assert held["total"] > held["tensors"] + held["activations"], held
opener.close()
"""
    fake_tensorrt.run(code, "8")


def test_too_little_memory_to_load_is_an_error_that_leaves_nothing(
    models: Graphs, open_session: Opener, fake_tensorrt: Fake
) -> None:
    """At each limit below what a session takes: an error that says so, and all memory is given back."""
    path = models.one("Relu", (1, 500_000))
    open_session(path).close()
    for limit in (MB, 3 * MB):
        fake_tensorrt.set(device_memory=limit)
        text = open_session.refused(path)
        assert "memory" in text
        assert fake_tensorrt.wrong() == []
    fake_tensorrt.set(device_memory=100 * MB)
    assert open_session(path).memory()


def test_a_failure_is_not_reported_again(models: Graphs, open_session: Opener, fake_tensorrt: Fake) -> None:
    """CUDA keeps the last error of a thread until it is asked for it; libraries with custom layers ask."""
    fake_tensorrt.set(fail_at="cudaMalloc:1")
    assert "cudaMalloc failed" in open_session.refused(models.one("Neg"))
    assert ctypes.CDLL("libcudart.so.12").cudaPeekAtLastError() == 0


def test_too_little_memory_at_a_run_leaves_the_session_usable(
    models: Graphs, open_session: Opener, fake_tensorrt: Fake
) -> None:
    path = models.one("Neg", ("N", 3))
    session = open_session(path, min_shapes={"x": (1, 3)}, max_shapes={"x": (1_000_000, 3)})
    assert session.run({"x": np.ones((2, 3), np.float32)})["y"].tolist() == [[-1] * 3] * 2
    fake_tensorrt.set(device_memory=1)
    with pytest.raises(EngineError, match=r"cudaMalloc failed: cudaErrorMemoryAllocation.*\n  free device memory"):
        session.run({"x": np.ones((1_000_000, 3), np.float32)})
    fake_tensorrt.set(device_memory=100 * MB)
    assert session.run({"x": np.ones((2, 3), np.float32)})["y"].tolist() == [[-1] * 3] * 2


def test_too_little_memory_for_an_output_that_data_decide(
    models: Graphs, open_session: Opener, fake_tensorrt: Fake
) -> None:
    """The allocator is called by TensorRT, and its error is the run's."""
    node = onnx.helper.make_node("NonZero", ["x"], ["y"], name="positions")
    session = open_session(models.save([node], [("x", FLOAT, (2, 50_000))], [("y", INT64, (2, "K"))]))
    session.run({"x": np.zeros((2, 50_000), np.float32)})
    fake_tensorrt.set(device_memory=1)
    with pytest.raises(EngineError, match="cudaMalloc failed"):
        session.run({"x": np.ones((2, 50_000), np.float32)})
    fake_tensorrt.set(device_memory=100 * MB)
    assert session.run({"x": np.ones((2, 50_000), np.float32)})["y"].shape == (2, 100_000)


def test_a_kept_plan_that_tensorrt_refuses_is_named_with_what_to_do(
    models: Graphs, open_session: Opener, fake_tensorrt: Fake
) -> None:
    path = models.one("Relu")
    open_session(path).close()
    fake_tensorrt.begin()
    fake_tensorrt.set(fail_at="Runtime.deserialize_cuda_engine:1")
    text = open_session.refused(path)
    assert "TensorRT cannot load the plan" in text
    assert f"delete {path.parent / 'cache'}" in text
