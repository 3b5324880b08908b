"""Contexts of the fake are strict: shapes, addresses, streams, the order of release."""

from __future__ import annotations

import ctypes
import gc
import importlib
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto
from plugins.lpbench_trt.tests import bare
from plugins.lpbench_trt.tests.networks import PROFILE, SHAPES, X, counted, doubled, network, reshaped
from plugins.lpbench_trt.tests.vendor import logger, misuse

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from plugins.lpbench_trt.tests.fake_site import Fake


@pytest.fixture
def trt(fake_tensorrt: Fake) -> Any:
    return fake_tensorrt.module


@pytest.fixture
def plan(fake_tensorrt: Fake, tmp_path: Path) -> bytes:
    return bare.plan(network(tmp_path), profile=PROFILE)


@pytest.mark.parametrize("shape", [(5, 3), (0, 3), (2, 4), (2,)])
def test_a_shape_outside_the_profile_is_refused(plan: bytes, shape: tuple[int, ...]) -> None:
    assert not bare.Bare(plan, SHAPES).context.set_input_shape("x", shape)


def test_layers_are_timed_after_the_run(trt: Any, plan: bytes) -> None:
    class Profiler(trt.IProfiler):  # type: ignore[misc]  # the module is imported at run time
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self.times: dict[str, float] = {}

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.times[layer_name] = ms

    running = bare.Bare(plan, SHAPES)
    profiler = Profiler()
    running.context.profiler = profiler
    running.context.enqueue_emits_profile = False
    assert not running.context.report_to_profiler()
    running.run({"x": X})
    assert profiler.times == {}
    assert running.context.report_to_profiler()
    assert list(profiler.times) == ["multiply", "cut"]


class TestShapesFromValues:
    def run(self, fake: Fake, folder: Path, address: Any) -> Any:
        trt = fake.module
        log, _ = logger(trt)
        builder = trt.Builder(log)
        net, config = builder.create_network(1), builder.create_builder_config()
        assert trt.OnnxParser(net, log).parse_from_file(reshaped(folder))
        profile = builder.create_optimization_profile()
        profile.set_shape_input("shape", [1, 1], [3, 2], [6, 6])
        config.add_optimization_profile(profile)
        running = bare.Bare.__new__(bare.Bare)
        running.runtime = trt.Runtime(log)
        running.engine = running.runtime.deserialize_cuda_engine(builder.build_serialized_network(net, config))
        assert running.engine.is_shape_inference_io("shape")
        running.context = running.engine.create_execution_context()
        assert running.context.infer_shapes() == ["shape"]
        running.context.set_tensor_address("shape", address)
        return running

    def test_they_are_read_from_host_memory(self, fake_tensorrt: Fake, tmp_path: Path) -> None:
        wanted = np.array([3, 2], np.int64)
        running = self.run(fake_tensorrt, tmp_path, wanted.ctypes.data)
        assert running.context.infer_shapes() == []
        assert tuple(running.context.get_tensor_shape("y")) == (3, 2)

    def test_a_device_address_is_misuse(self, fake_tensorrt: Fake, tmp_path: Path) -> None:
        running = self.run(fake_tensorrt, tmp_path, bare.Cuda().made("cudaMalloc", 16))
        with pytest.raises(RuntimeError, match="host address"):
            running.context.infer_shapes()
        assert "host address" in misuse(fake_tensorrt)


class TestOutputsThatDependOnData:
    def running(self, fake: Fake, folder: Path) -> Any:
        running = bare.Bare.__new__(bare.Bare)
        running.trt, running.cuda = fake.module, bare.Cuda()
        log, _ = logger(running.trt)
        running.runtime = running.trt.Runtime(log)
        running.engine = running.runtime.deserialize_cuda_engine(bare.plan(counted(folder)))
        running.context = running.engine.create_execution_context()
        running.stream = running.cuda.made("cudaStreamCreate")
        running.inputs, running.outputs = {}, {}
        running._tensor("x")
        return running

    def test_they_need_an_allocator(self, fake_tensorrt: Fake, tmp_path: Path) -> None:
        running = self.running(fake_tensorrt, tmp_path)
        assert tuple(running.context.get_tensor_shape("y")) == (2, -1)
        with pytest.raises(RuntimeError, match="not executed"):
            running.run({"x": X})

    def test_the_allocator_is_told_the_size_and_the_shape(self, fake_tensorrt: Fake, tmp_path: Path) -> None:
        running = self.running(fake_tensorrt, tmp_path)
        trt: Any = fake_tensorrt.module
        told: dict[str, Any] = {}

        class Allocator(trt.IOutputAllocator):  # type: ignore[misc]  # the module is imported at run time
            def reallocate_output_async(self, name: str, memory: int, size: int, alignment: int, stream: int) -> int:
                told["address"] = running.cuda.made("cudaMalloc", max(size, 1))
                told["size"] = size
                return int(told["address"])

            def notify_shape(self, name: str, shape: Any) -> None:
                told["shape"] = tuple(shape)

        allocator = Allocator()
        running.context.set_output_allocator("y", allocator)
        x = np.array([[0, 1, 0], [2, 0, 3]], np.float32)
        running.run({"x": x})
        assert (told["size"], told["shape"]) == (48, (2, 3))
        host = running.cuda.made("cudaMallocHost", 48)
        running.cuda.cudaMemcpy(host, told["address"], 48, bare.DEVICE_TO_HOST)
        found = np.frombuffer(memoryview((ctypes.c_char * 48).from_address(host)), np.int64).reshape(2, 3)
        assert np.array_equal(found, np.nonzero(x))


def test_arguments_of_another_class_are_refused(trt: Any, plan: bytes) -> None:
    context = bare.Bare(plan, SHAPES).context
    with pytest.raises(TypeError, match="incompatible function arguments"):
        context.set_tensor_address("x", None)
    with pytest.raises(TypeError, match="incompatible function arguments"):
        context.execute_async_v3("stream")


class TestOrder:
    def test_an_engine_must_not_go_before_its_context(self, fake_tensorrt: Fake, plan: bytes) -> None:
        running = bare.Bare(plan, SHAPES)
        del running.engine
        gc.collect()
        assert "deleted before its IExecutionContext" in misuse(fake_tensorrt)

    def test_a_context_must_not_go_before_its_work(self, fake_tensorrt: Fake, plan: bytes) -> None:
        running = bare.Bare(plan, SHAPES)
        running.enqueue()
        del running.context
        gc.collect()
        assert "deleted while its work is pending" in misuse(fake_tensorrt)

    def test_one_context_serves_one_stream_at_a_time(self, fake_tensorrt: Fake, plan: bytes) -> None:
        running = bare.Bare(plan, SHAPES)
        running.enqueue()
        assert not running.context.execute_async_v3(running.cuda.made("cudaStreamCreate"))
        assert "two streams" in misuse(fake_tensorrt)
        running.cuda.cudaStreamSynchronize(running.stream)


class TestAddresses:
    @pytest.mark.parametrize("name", ["x", "y"])
    def test_every_tensor_needs_one(self, plan: bytes, name: str) -> None:
        running = bare.Bare(plan, SHAPES)
        running.context.set_tensor_address(name, 0)
        assert not running.context.execute_async_v3(running.stream)

    def test_it_must_have_room(self, fake_tensorrt: Fake, plan: bytes) -> None:
        running = bare.Bare(plan, SHAPES)
        running.context.set_tensor_address("y", running.cuda.made("cudaMalloc", 31))
        assert not running.context.execute_async_v3(running.stream)
        assert "32 bytes go beyond an allocation of 31" in misuse(fake_tensorrt)


class TestTypes:
    def sum_of(self, folder: Path, kind: int, x: NDArray[Any]) -> tuple[str, NDArray[Any]]:
        """Return the engine's type of the output and what it computes, from bytes to bytes."""
        trt: Any = importlib.import_module("tensorrt")
        cuda, (log, _) = bare.Cuda(), logger(trt)
        runtime = trt.Runtime(log)
        engine = runtime.deserialize_cuda_engine(bare.plan(doubled(folder, kind, x.shape)))
        context = engine.create_execution_context()
        stream, host = cuda.made("cudaStreamCreate"), cuda.made("cudaMallocHost", max(x.nbytes, 1))
        device = {name: cuda.made("cudaMalloc", max(x.nbytes, 1)) for name in ("x", "y")}
        for name, address in device.items():
            assert context.set_tensor_address(name, address)
        found = np.frombuffer(memoryview((ctypes.c_char * x.nbytes).from_address(host)), x.dtype).reshape(x.shape)
        np.copyto(found, x)
        cuda.cudaMemcpyAsync(device["x"], host, x.nbytes, bare.HOST_TO_DEVICE, stream)
        assert context.execute_async_v3(stream)
        cuda.cudaMemcpyAsync(host, device["y"], x.nbytes, bare.DEVICE_TO_HOST, stream)
        cuda.cudaStreamSynchronize(stream)
        return engine.get_tensor_dtype("y").name, found

    @pytest.mark.parametrize(
        "typed",
        [
            (TensorProto.FLOAT, np.float32, "FLOAT"),
            (TensorProto.FLOAT16, np.float16, "HALF"),
            (TensorProto.BFLOAT16, ml_dtypes.bfloat16, "BF16"),
            (TensorProto.INT8, np.int8, "INT8"),
            (TensorProto.INT32, np.int32, "INT32"),
            (TensorProto.INT64, np.int64, "INT64"),
            (TensorProto.UINT8, np.uint8, "UINT8"),
        ],
    )
    @pytest.mark.parametrize("shape", [(2, 2), (), (0, 3)])
    def test_each_is_computed_in_any_shape(
        self, fake_tensorrt: Fake, tmp_path: Path, typed: tuple[int, Any, str], shape: tuple[int, ...]
    ) -> None:
        kind, dtype, name = typed
        x = np.full(shape, 3, dtype)
        found, computed = self.sum_of(tmp_path, kind, x)
        assert found == name
        assert np.array_equal(computed, x + x)

    def test_64_bits_become_32_in_version_8(self, fake_tensorrt: Fake, tmp_path: Path) -> None:
        model = doubled(tmp_path, TensorProto.INT64, (2,))
        code = f"""
import bare, numpy
running = bare.Bare(bare.plan({model!r}))
assert running.run({{"x": numpy.array([1, 2], numpy.int32)}})["y"].dtype == numpy.int32
running.close()
"""
        assert {each.what for each in fake_tensorrt.run(code, "8")} == {"call"}
