"""TensorRT without lpbench: the vendor's calls in the vendor's order, and nothing else.

The tests of the fake run it, and the benchmark of lpbench's own cost is measured against it.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

HOST_TO_DEVICE, DEVICE_TO_HOST = 1, 2
WEIGHTS = np.random.default_rng(7).normal(size=(3, 4)).astype(np.float32)
"""Of the tests' network."""
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cudaMalloc": (ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t),
    "cudaFree": (ctypes.c_void_p,),
    "cudaMallocHost": (ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t),
    "cudaFreeHost": (ctypes.c_void_p,),
    "cudaMemcpy": (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int),
    "cudaMemcpyAsync": (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p),
    "cudaStreamCreate": (ctypes.POINTER(ctypes.c_void_p),),
    "cudaStreamDestroy": (ctypes.c_void_p,),
    "cudaStreamSynchronize": (ctypes.c_void_p,),
    "cudaStreamQuery": (ctypes.c_void_p,),
    "cudaStreamBeginCapture": (ctypes.c_void_p, ctypes.c_int),
    "cudaStreamEndCapture": (ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)),
    "cudaGraphInstantiateWithFlags": (ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, ctypes.c_ulonglong),
    "cudaGraphLaunch": (ctypes.c_void_p, ctypes.c_void_p),
    "cudaGraphDestroy": (ctypes.c_void_p,),
    "cudaGraphExecDestroy": (ctypes.c_void_p,),
    "cudaEventCreateWithFlags": (ctypes.POINTER(ctypes.c_void_p), ctypes.c_uint),
    "cudaEventRecord": (ctypes.c_void_p, ctypes.c_void_p),
    "cudaEventSynchronize": (ctypes.c_void_p,),
    "cudaEventElapsedTime": (ctypes.POINTER(ctypes.c_float), ctypes.c_void_p, ctypes.c_void_p),
    "cudaEventDestroy": (ctypes.c_void_p,),
    "cudaSetDevice": (ctypes.c_int,),
    "cudaDeviceSynchronize": (),
}


def runtime() -> ctypes.CDLL:
    """Load the CUDA runtime from the search path."""
    path = next(each for place in sys.path for each in Path(place).glob("nvidia/*/lib/libcudart.so.*"))
    library = ctypes.CDLL(str(path))
    for name, arguments in _SIGNATURES.items():
        getattr(library, name).argtypes = arguments
    return library


def checked(code: int) -> None:
    if code:
        raise RuntimeError(f"CUDA error {code}")


def agreed(answer: bool, what: str) -> None:  # noqa: FBT001 - TensorRT's own answer
    if not answer:
        raise RuntimeError(f"not {what}")


class Cuda:
    """The calls of the runtime; each raises if it fails."""

    def __init__(self) -> None:
        self.library = runtime()

    def __getattr__(self, name: str) -> Any:
        function = getattr(self.library, name)

        def call(*arguments: Any) -> None:
            checked(function(*arguments))

        return call

    def made(self, name: str, *arguments: Any) -> int:
        """Return what a call makes: a handle or an address."""
        result = ctypes.c_void_p()
        getattr(self, name)(ctypes.byref(result), *arguments)
        return result.value or 0


def plan(model: str, *, flags: tuple[str, ...] = (), profile: Mapping[str, Any] | None = None) -> bytes:
    """Build a model.

    :param flags: Names of builder flags.
    :param profile: Minimum, optimum and maximum of inputs.
    """
    trt: Any = importlib.import_module("tensorrt")
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    batch = getattr(trt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
    network = builder.create_network(0 if batch is None else 1 << int(batch))
    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)
    for each in flags:
        config.set_flag(getattr(trt.BuilderFlag, each))
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(model):
        raise RuntimeError("; ".join(parser.get_error(index).desc() for index in range(parser.num_errors)))
    if profile:
        made = builder.create_optimization_profile()
        for name, shapes in profile.items():
            made.set_shape(name, *shapes)
        agreed(config.add_optimization_profile(made) >= 0, "profile")
    built = builder.build_serialized_network(network, config)
    agreed(built is not None, "built")
    return bytes(built)


class Bare:
    """A plan that runs: buffers are made once; ``close`` gives everything back, last first."""

    def __init__(self, content: bytes, shapes: Mapping[str, tuple[int, ...]] | None = None) -> None:
        self.trt: Any = importlib.import_module("tensorrt")
        self.cuda = Cuda()
        self.logger = self.trt.Logger(self.trt.Logger.WARNING)
        self.runtime = self.trt.Runtime(self.logger)
        self.engine = self.runtime.deserialize_cuda_engine(content)
        agreed(self.engine is not None, "loaded")
        self.context = self.engine.create_execution_context()
        self.stream = self.cuda.made("cudaStreamCreate")
        self.inputs: dict[str, tuple[int, int, NDArray[Any]]] = {}
        self.outputs: dict[str, tuple[int, int, NDArray[Any]]] = {}
        for name, shape in (shapes or {}).items():
            agreed(self.context.set_input_shape(name, shape), "shaped")
        for index in range(self.engine.num_io_tensors):
            self._tensor(self.engine.get_tensor_name(index))

    def _tensor(self, name: str) -> None:
        shape = tuple(self.context.get_tensor_shape(name))
        kind = np.dtype(self.trt.nptype(self.engine.get_tensor_dtype(name)))
        size = int(np.prod(shape)) * kind.itemsize
        device = self.cuda.made("cudaMalloc", max(size, 1))
        host = self.cuda.made("cudaMallocHost", max(size, 1))
        memory = (ctypes.c_char * size).from_address(host)
        is_input = self.engine.get_tensor_mode(name) == self.trt.TensorIOMode.INPUT
        group = self.inputs if is_input else self.outputs
        group[name] = device, host, np.frombuffer(memory, kind).reshape(shape)
        agreed(self.context.set_tensor_address(name, device), "addressed")

    def enqueue(self) -> None:
        """Copy in, execute, copy out, without waiting."""
        for device, host, array in self.inputs.values():
            self.cuda.cudaMemcpyAsync(device, host, array.nbytes, HOST_TO_DEVICE, self.stream)
        agreed(self.context.execute_async_v3(self.stream), "executed")
        for device, host, array in self.outputs.values():
            self.cuda.cudaMemcpyAsync(host, device, array.nbytes, DEVICE_TO_HOST, self.stream)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return views of the outputs, which hold until the next run."""
        for name, array in feeds.items():
            np.copyto(self.inputs[name][2], array)
        self.enqueue()
        self.cuda.cudaStreamSynchronize(self.stream)
        return {name: array for name, (_, _, array) in self.outputs.items()}

    def close(self) -> None:
        for device, host, _ in (*self.inputs.values(), *self.outputs.values()):
            self.cuda.cudaFree(device)
            self.cuda.cudaFreeHost(host)
        self.cuda.cudaStreamDestroy(self.stream)
        del self.context
        del self.engine
        del self.runtime


def expected(x: NDArray[Any]) -> NDArray[Any]:
    """Return what the tests' network computes."""
    return np.maximum(x @ WEIGHTS, 0)
