"""The fake of TensorRT and CUDA does what the vendor documents, and catches who does not."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_trt.tests import bare
from plugins.lpbench_trt.tests.networks import PROFILE, SHAPES, X, network
from plugins.lpbench_trt.tests.vendor import misuse

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake


@pytest.fixture
def plan(fake_tensorrt: Fake, tmp_path: Path) -> bytes:
    return bare.plan(network(tmp_path), profile=PROFILE)


@pytest.fixture
def running(fake_tensorrt: Fake, plan: bytes) -> bare.Bare:
    return bare.Bare(plan, SHAPES)


def test_the_vendors_calls_in_the_vendors_order_leave_an_empty_ledger(fake_tensorrt: Fake, running: bare.Bare) -> None:
    computed = running.run({"x": X})["y"].copy()
    running.close()
    assert not fake_tensorrt.wrong()
    assert np.array_equal(computed, bare.expected(X))


@pytest.mark.parametrize("version", ["8", "10", "11"])
def test_every_version_runs_the_same_program(fake_tensorrt: Fake, tmp_path: Path, version: str) -> None:
    code = f"""
import bare, numpy, tensorrt
running = bare.Bare(bare.plan({network(tmp_path)!r}, profile={PROFILE!r}), {SHAPES!r})
x = numpy.ones((2, 3), numpy.float32)
assert numpy.array_equal(running.run({{"x": x}})["y"], bare.expected(x))
running.close()
assert "fake" in tensorrt.__version__
"""
    assert {each.what for each in fake_tensorrt.run(code, version)} == {"call"}


def test_results_are_stale_until_somebody_waits(running: bare.Bare) -> None:
    running.run({"x": X})
    before = running.outputs["y"][2].copy()
    np.copyto(running.inputs["x"][2], 2 * X)
    running.enqueue()
    assert np.array_equal(running.outputs["y"][2], before)
    running.cuda.cudaStreamSynchronize(running.stream)
    assert np.array_equal(running.outputs["y"][2], bare.expected(2 * X))


def test_a_host_buffer_changed_before_the_wait_changes_what_is_copied(running: bare.Bare) -> None:
    np.copyto(running.inputs["x"][2], X)
    running.enqueue()
    np.copyto(running.inputs["x"][2], 3 * X)
    running.cuda.cudaStreamSynchronize(running.stream)
    assert np.array_equal(running.outputs["y"][2], bare.expected(3 * X))


def _use_after_free(cuda: Any, stream: int) -> None:
    address = cuda.made("cudaMalloc", 64)
    cuda.library.cudaFree(address)
    cuda.cudaMemcpy(cuda.made("cudaMallocHost", 64), address, 64, bare.DEVICE_TO_HOST)


def _double_free(cuda: Any, stream: int) -> None:
    address = cuda.made("cudaMalloc", 64)
    cuda.library.cudaFree(address)
    cuda.cudaFree(address)


def _beyond(cuda: Any, stream: int) -> None:
    cuda.cudaMemcpy(cuda.made("cudaMalloc", 64), cuda.made("cudaMallocHost", 65), 65, bare.HOST_TO_DEVICE)


def _backwards(cuda: Any, stream: int) -> None:
    cuda.cudaMemcpy(cuda.made("cudaMallocHost", 64), cuda.made("cudaMalloc", 64), 64, bare.HOST_TO_DEVICE)


def _free_in_use(cuda: Any, stream: int) -> None:
    device, host = cuda.made("cudaMalloc", 64), cuda.made("cudaMallocHost", 64)
    cuda.cudaMemcpyAsync(device, host, 64, bare.HOST_TO_DEVICE, stream)
    cuda.cudaFree(device)


def _stream_in_use(cuda: Any, stream: int) -> None:
    device, host = cuda.made("cudaMalloc", 64), cuda.made("cudaMallocHost", 64)
    cuda.cudaMemcpyAsync(device, host, 64, bare.HOST_TO_DEVICE, stream)
    cuda.cudaStreamDestroy(stream)


def _dead_stream(cuda: Any, stream: int) -> None:
    cuda.library.cudaStreamDestroy(stream)
    cuda.cudaStreamSynchronize(stream)


def _dead_event(cuda: Any, stream: int) -> None:
    event = cuda.made("cudaEventCreateWithFlags", 0)
    cuda.library.cudaEventDestroy(event)
    cuda.cudaEventRecord(event, stream)


def _never_recorded(cuda: Any, stream: int) -> None:
    event = cuda.made("cudaEventCreateWithFlags", 0)
    cuda.cudaEventElapsedTime(ctypes.byref(ctypes.c_float()), event, event)


def _other_device(cuda: Any, stream: int) -> None:
    cuda.library.cudaSetDevice(1)
    try:
        cuda.cudaStreamSynchronize(stream)
    finally:
        cuda.library.cudaSetDevice(0)


MISUSES = {
    _use_after_free: "used after free",
    _double_free: "freed twice",
    _beyond: "go beyond an allocation",
    _backwards: "destination is not device memory",
    _free_in_use: "freed while work that uses it is pending",
    _stream_in_use: "destroyed while work on it is pending",
    _dead_stream: "stream used after destroy",
    _dead_event: "event used after destroy",
    _never_recorded: "never recorded",
    _other_device: "stream of device 0 used on device 1",
}


@pytest.mark.parametrize("wrong", MISUSES, ids=lambda each: each.__name__.lstrip("_"))
def test_misuse_of_cuda_is_an_error_and_a_line_in_the_ledger(fake_tensorrt: Fake, wrong: Any) -> None:
    fake_tensorrt.set(devices=2)
    cuda = bare.Cuda()
    with pytest.raises(RuntimeError, match="CUDA error"):
        wrong(cuda, cuda.made("cudaStreamCreate"))
    assert MISUSES[wrong] in misuse(fake_tensorrt)
    cuda.library.cudaDeviceSynchronize()
