"""The fake fails where it is told to, in the way that the call fails, and keeps account of it."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np
import pytest
from plugins.lpbench_trt.tests import bare
from plugins.lpbench_trt.tests.networks import PROFILE, SHAPES, X, network

from lpbench.testing.ledger import calls

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake

SCENARIO = """
import bare, numpy
running = bare.Bare(bare.plan({model!r}, profile={profile!r}), {shapes!r})
running.run({{"x": numpy.ones((2, 3), numpy.float32)}})
running.close()
"""


@pytest.fixture
def plan(fake_tensorrt: Fake, tmp_path: Path) -> bytes:
    return bare.plan(network(tmp_path), profile=PROFILE)


def scenario(folder: Path) -> str:
    return SCENARIO.format(model=network(folder), profile=PROFILE, shapes=SHAPES)


def test_the_ledger_lists_the_calls_in_order(fake_tensorrt: Fake, tmp_path: Path) -> None:
    names = calls(fake_tensorrt.run(scenario(tmp_path)))
    enqueued = names.index("cudaMemcpyAsync")
    order = ["cudaMemcpyAsync", "IExecutionContext.execute_async_v3", "cudaMemcpyAsync", "cudaStreamSynchronize"]
    assert names[0] == "Builder"
    assert names[enqueued : enqueued + 4] == order


def test_what_is_not_released_stands_in_the_ledger(fake_tensorrt: Fake, tmp_path: Path) -> None:
    lines = fake_tensorrt.run(scenario(tmp_path).replace("running.close()", ""))
    kept = [each.name for each in lines if each.what == "unreleased"]
    assert {"device memory", "pinned memory", "stream", "ICudaEngine", "IExecutionContext", "Runtime"} <= set(kept)


def test_every_call_can_fail(fake_tensorrt: Fake, tmp_path: Path) -> None:
    model = network(tmp_path)

    def program() -> None:
        running = bare.Bare(bare.plan(model, profile=PROFILE), SHAPES)
        running.run({"x": X})
        running.close()

    fake_tensorrt.begin()
    program()
    for number, name in enumerate(fake_tensorrt.calls(), 1):
        fake_tensorrt.fail_at(number)
        with pytest.raises((RuntimeError, TypeError, AttributeError)):
            program()
        assert fake_tensorrt.calls()[number - 1] == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cudaMalloc:2", "CUDA error 2"),
        ("cudaMemcpyAsync:1", "CUDA error 999"),
        ("cudaStreamSynchronize:1", "CUDA error 719"),
        ("IExecutionContext.execute_async_v3:1", "not executed"),
        ("Runtime.deserialize_cuda_engine:1", "not loaded"),
    ],
)
def test_a_call_fails_by_name(fake_tensorrt: Fake, plan: bytes, name: str, reason: str) -> None:
    fake_tensorrt.begin()
    fake_tensorrt.set(fail_at=name)
    with pytest.raises(RuntimeError, match=reason):
        bare.Bare(plan, SHAPES).run({"x": X})


def test_memory_released_by_a_failing_call_is_released(fake_tensorrt: Fake, plan: bytes) -> None:
    cuda = bare.Cuda()
    address = cuda.made("cudaMalloc", 64)
    fake_tensorrt.set(fail_at="cudaFree:1")
    with pytest.raises(RuntimeError, match="CUDA error 999"):
        cuda.cudaFree(address)
    assert not [each for each in fake_tensorrt.report() if each.detail.startswith(hex(address))]


def test_a_lost_device_stays_lost(fake_tensorrt: Fake, plan: bytes) -> None:
    running = bare.Bare(plan, SHAPES)
    running.run({"x": X})
    fake_tensorrt.set(lost_at=1)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="CUDA error 719"):
            running.run({"x": X})
    assert not running.context.execute_async_v3(running.stream)


def test_what_is_given_back_to_a_lost_device_is_no_misuse(fake_tensorrt: Fake, plan: bytes) -> None:
    running = bare.Bare(plan, SHAPES)
    running.enqueue()
    fake_tensorrt.set(lost_at=1)
    for device, host, _ in (*running.inputs.values(), *running.outputs.values()):
        assert running.cuda.library.cudaFree(device) == running.cuda.library.cudaFreeHost(host) == 719
    assert running.cuda.library.cudaStreamDestroy(running.stream) == 719
    del running.context, running.engine
    assert not [each for each in fake_tensorrt.report() if each.what == "misuse"]


@pytest.mark.parametrize("code", [35, 100])
def test_without_a_driver_nothing_begins(fake_tensorrt: Fake, code: int) -> None:
    fake_tensorrt.set(no_driver=code)
    trt = fake_tensorrt.module
    for each in (trt.Builder, trt.Runtime):
        with pytest.raises(TypeError, match="factory function returned nullptr"):
            each(trt.Logger(trt.Logger.ERROR))
    with pytest.raises(RuntimeError, match=f"CUDA error {code}"):
        bare.Cuda().made("cudaMalloc", 1)


def test_memory_can_be_too_small_for_a_build_a_load_or_a_run(fake_tensorrt: Fake, plan: bytes, tmp_path: Path) -> None:
    fake_tensorrt.set(device_memory=100)
    with pytest.raises(RuntimeError, match="not built"):
        bare.plan(network(tmp_path), profile=PROFILE)
    with pytest.raises(RuntimeError, match="not loaded"):
        bare.Bare(plan, SHAPES)
    with pytest.raises(RuntimeError, match="CUDA error 2"):
        bare.Cuda().made("cudaMalloc", 101)


class TestGraphs:
    def captured(self, running: bare.Bare) -> int:
        running.cuda.cudaStreamBeginCapture(running.stream, 1)
        running.enqueue()
        graph = self._ended(running)
        made = running.cuda.made("cudaGraphInstantiateWithFlags", graph, 0)
        running.cuda.cudaGraphDestroy(graph)
        return made

    def _ended(self, running: bare.Bare) -> int:
        graph = ctypes.c_void_p()
        running.cuda.cudaStreamEndCapture(running.stream, ctypes.byref(graph))
        return graph.value or 0

    def test_a_graph_computes_anew_at_each_launch(self, plan: bytes) -> None:
        running = bare.Bare(plan, SHAPES)
        running.run({"x": X})
        graph = self.captured(running)
        for factor in (2, 3):
            np.copyto(running.inputs["x"][2], factor * X)
            running.cuda.cudaGraphLaunch(graph, running.stream)
            running.cuda.cudaStreamSynchronize(running.stream)
            assert np.array_equal(running.outputs["y"][2], bare.expected(factor * X))
        running.cuda.cudaGraphExecDestroy(graph)

    def test_the_first_run_cannot_be_captured(self, plan: bytes) -> None:
        running = bare.Bare(plan, SHAPES)
        running.cuda.cudaStreamBeginCapture(running.stream, 1)
        assert not running.context.execute_async_v3(running.stream)
        with pytest.raises(RuntimeError, match="CUDA error 901"):
            self._ended(running)

    def test_waiting_spoils_a_capture(self, plan: bytes) -> None:
        running = bare.Bare(plan, SHAPES)
        running.cuda.cudaStreamBeginCapture(running.stream, 1)
        for wait in (lambda: running.cuda.cudaStreamSynchronize(running.stream), running.cuda.cudaDeviceSynchronize):
            with pytest.raises(RuntimeError, match="CUDA error 900"):
                wait()
        with pytest.raises(RuntimeError, match="CUDA error 901"):
            self._ended(running)


def test_events_tell_the_modelled_time(plan: bytes) -> None:
    running = bare.Bare(plan, SHAPES)
    times = []
    for _ in range(2):
        events = [running.cuda.made("cudaEventCreateWithFlags", 0) for _ in range(2)]
        running.cuda.cudaEventRecord(events[0], running.stream)
        running.enqueue()
        running.cuda.cudaEventRecord(events[1], running.stream)
        taken = ctypes.c_float()
        assert running.cuda.library.cudaEventElapsedTime(ctypes.byref(taken), *events) == 600
        running.cuda.cudaEventSynchronize(events[1])
        running.cuda.cudaEventElapsedTime(ctypes.byref(taken), *events)
        times.append(taken.value)
    assert times[0] == pytest.approx(times[1])
    assert 0.004 < times[0] < 0.1


def test_an_account_begins_anew_with_each_test(fake_tensorrt: Fake) -> None:
    bare.Cuda().made("cudaMalloc", 64)
    assert {each.what for each in fake_tensorrt.report()} == {"call", "unreleased"}
    fake_tensorrt.begin()
    assert fake_tensorrt.report() == []


def test_a_process_that_ends_without_notice_leaves_its_account(fake_tensorrt: Fake) -> None:
    lines = fake_tensorrt.run("import bare, os; bare.Cuda().made('cudaMalloc', 64); os._exit(0)")
    assert [(each.what, each.name) for each in lines if each.what == "unreleased"] == [("unreleased", "device memory")]
