"""Execution contexts: shapes, addresses, and the checks before a launch."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _cuda
from ._compute import largest
from ._launch import Launch
from ._native import ERROR, NEVER, Interface, Native, _refuse, api
from ._program import Refused
from ._values import ITEM_SIZES, NUMPY, SHAPE, Dims, shape_of

if TYPE_CHECKING:
    from ._compute import Evaluator
    from ._native import Life
    from ._program import Program, Range, Shape, Tensor


class IProfiler(Interface):
    def report_layer_time(self, layer_name: str, ms: float) -> None:
        raise RuntimeError('Tried to call pure virtual function "IProfiler::report_layer_time"')


class IOutputAllocator(Interface):
    """Gives memory for outputs; all methods are the implementation's."""


class IExecutionContext(Native):
    _program: Program
    _evaluator: Evaluator
    _engine_life: Life

    def __init__(self, engine: Native, evaluator: Evaluator, memory: int | None) -> None:
        super().__init__(engine._logger, engine)
        self._engine = weakref.ref(engine)
        self._engine_life = engine._life
        self._evaluator = evaluator
        self._program = evaluator.program
        self._profile = 0
        self._shapes: dict[str, Shape] = {}
        self._addresses: dict[str, int] = {}
        self._allocators: dict[str, IOutputAllocator] = {}
        self._profiler: IProfiler | None = None
        self._memory = memory
        self._warm = False
        self._stream = 0
        self._ran = False
        self.enqueue_emits_profile = True
        self.name = "Unnamed Context"
        self._reset_shapes()
        if memory is not None:
            weakref.finalize(self, _cuda.release, memory).atexit = False

    def _reset_shapes(self) -> None:
        self._shapes = {each.name: each.shape for each in self._program.tensors if each.is_input}
        self._warm = False

    @property
    def engine(self) -> Native | None:
        return self._engine()

    @property
    def profiler(self) -> IProfiler | None:
        return self._profiler

    @profiler.setter
    def profiler(self, given: IProfiler | None) -> None:
        if not isinstance(given, IProfiler | None):
            raise _refuse("IExecutionContext.profiler", (given,))
        self._profiler = given
        self._warm = False

    @property
    def active_optimization_profile(self) -> int:
        return self._profile

    @property
    def all_binding_shapes_specified(self) -> bool:
        return all(-1 not in each for each in self._shapes.values())

    @property
    def all_shape_inputs_specified(self) -> bool:
        return all(self._addresses.get(each) for each in self._program.shape_inputs)

    def _refuse(self, call: str, reason: str) -> bool:
        self._say(ERROR, f"IExecutionContext::{call}: Error Code 3: API Usage Error ({reason})")
        return False

    def _known(self, call: str, name: str) -> Tensor | None:
        found = self._program.tensor(name)
        if found is None:
            self._refuse(call, f"Parameter check failed, given invalid tensor name: {name}")
        return found

    @api(str, SHAPE, fails=False)
    def set_input_shape(self, name: str, shape: Any) -> bool:
        found = self._known("setInputShape", name)
        wanted = shape_of(shape, "set_input_shape")
        if found is None or not found.is_input:
            return self._refuse("setInputShape", f"{name} is not an input")
        fits = len(wanted) == len(found.shape) and all(
            fixed in (-1, size) and size >= 0 for fixed, size in zip(found.shape, wanted, strict=True)
        )
        if not fits:
            text = f"Static dimension mismatch while setting input shape for {name}. Set dimensions are"
            return self._refuse("setInputShape", f"{text} {list(wanted)}. Expected dimensions are {list(found.shape)}.")
        limits = self._program.profiles[self._profile].get(name)
        if limits and not _within(wanted, limits):
            text = f"Set dimensions {list(wanted)} for tensor {name} do not satisfy any optimization profiles."
            low, high = list(limits[0]), list(limits[2])
            return self._refuse("setInputShape", f"{text} Valid range for profile {self._profile}: {low}..{high}.")
        self._warm = self._warm and self._shapes[name] == wanted
        self._shapes[name] = wanted
        return True

    @api(int, int, fails=False)
    def set_optimization_profile_async(self, profile_index: int, stream_handle: int) -> bool:
        if not 0 <= profile_index < len(self._program.profiles):
            return self._refuse("setOptimizationProfileAsync", f"profile {profile_index}")
        if _cuda.state("IExecutionContext.set_optimization_profile_async", stream_handle) != _cuda.READY:
            return self._refuse("setOptimizationProfileAsync", "the stream is busy, or not one of this device")
        self._profile = profile_index
        self._reset_shapes()
        return True

    @api(str, fails=NEVER)
    def get_tensor_shape(self, name: str) -> Dims:
        return Dims(self._shape(name)) if self._known("getTensorShape", name) else Dims(invalid=True)

    def _shape(self, name: str) -> Shape:
        found = self._program.tensor(name)
        if name in self._shapes or found is None:
            return self._shapes.get(name, ())
        return found.shape if self._missing() else self._outputs()[name]

    def _outputs(self) -> dict[str, Shape]:
        return self._evaluator.shapes(self._shapes, self._values())

    def _missing(self) -> list[str]:
        unset = [name for name, shape in self._shapes.items() if -1 in shape]
        return unset + [each for each in self._program.shape_inputs if not self._addresses.get(each)]

    def _values(self) -> dict[str, Any]:
        """Read the inputs that decide shapes, which lie in host memory."""
        found = {}
        for name in self._program.shape_inputs:
            tensor = self._program.tensor(name)
            address = self._addresses[name]
            assert tensor is not None
            if address >= _cuda.LOWEST_DEVICE_ADDRESS:
                _cuda.misuse("IExecutionContext", f"shape input {name} needs a host address")
                raise Refused(f"{name} is a shape tensor, which needs a host address")
            size = math.prod(self._shapes[name]) * ITEM_SIZES[tensor.dtype]
            array = np.frombuffer(_cuda.host_memory(address, size), NUMPY[tensor.dtype]).reshape(self._shapes[name])
            limits = self._program.profiles[self._profile].get(f"values of {name}")
            if limits and not _within(tuple(array.reshape(-1).tolist()), limits):
                raise Refused(f"the values of shape input {name} do not satisfy the optimization profile")
            found[name] = array.copy()
        return found

    @api()
    def infer_shapes(self) -> list[str]:
        missing = self._missing()
        try:
            if not missing:
                self._outputs()
        except Exception as error:
            raise RuntimeError(f"IExecutionContext::inferShapes: Error Code 7: Internal Error ({error})") from error
        return missing

    @api(str, int, fails=False)
    def set_tensor_address(self, name: str, memory: int) -> bool:
        if self._known("setTensorAddress", name) is None:
            return False
        self._addresses[name] = int(memory)
        return True

    @api(str, fails=NEVER)
    def get_tensor_address(self, name: str) -> int:
        return self._addresses.get(name, 0)

    @api(str, (IOutputAllocator, type(None)), fails=False)
    def set_output_allocator(self, name: str, output_allocator: IOutputAllocator | None) -> bool:
        found = self._known("setOutputAllocator", name)
        if found is None or found.is_input:
            return self._refuse("setOutputAllocator", f"{name} is not an output")
        if output_allocator is None:
            self._allocators.pop(name, None)
        else:
            self._allocators[name] = output_allocator
        return True

    @api(str, fails=NEVER)
    def get_output_allocator(self, name: str) -> IOutputAllocator | None:
        return self._allocators.get(name)

    @api(str, fails=-1)
    def get_max_output_size(self, name: str) -> int:
        found = self._program.tensor(name)
        if found is None or found.is_input or self._missing():
            return -1
        return largest(found, self._shape(name), self._shapes)

    @api(fails=0)
    def update_device_memory_size_for_shapes(self) -> int:
        return self._program.activation_bytes

    @api(int, int, fails=NEVER)
    def set_device_memory(self, memory: int, size: int) -> None:
        enough = size >= self._program.activation_bytes
        if not enough or _cuda.memory("IExecutionContext.set_device_memory", memory, size) is None:
            self._refuse("setDeviceMemoryV2", f"{self._program.activation_bytes} bytes of device memory are needed")
            return
        self._memory = memory

    @api(int, fails=False)
    def execute_async_v3(self, stream_handle: int) -> bool:
        try:
            Launch(self, stream_handle).start()
        except Refused as reason:
            return self._refuse("enqueueV3", str(reason))
        self._ran = True
        if self._profiler is not None and self.enqueue_emits_profile:
            _cuda.drain("IExecutionContext.execute_async_v3", stream_handle)
            self._report()
        return True

    @api(list, fails=False)
    def execute_v2(self, bindings: list[int]) -> bool:
        self._addresses = {each.name: address for each, address in zip(self._program.tensors, bindings, strict=True)}
        try:
            Launch(self, 0).start()
        except Refused as reason:
            return self._refuse("executeV2", str(reason))
        return _cuda.drain("IExecutionContext.execute_v2", 0) == 0

    @api(fails=False)
    def report_to_profiler(self) -> bool:
        if self._profiler is None or not self._ran:
            return self._refuse("reportToProfiler", "there is no profiler, or nothing ran")
        if _cuda.state("IExecutionContext.report_to_profiler", self._stream) == _cuda.CAPTURING:
            return self._refuse("reportToProfiler", "the stream is capturing")
        if _cuda.drain("IExecutionContext.report_to_profiler", self._stream):
            return self._refuse("reportToProfiler", f"error {_cuda.lost()}")
        self._report()
        return True

    def _report(self) -> None:
        assert self._profiler is not None
        for index, each in enumerate(self._program.layers):
            name = str(index) if self._program.verbosity == "NONE" else each.name
            self._profiler.report_layer_time(name, each.nanoseconds / 1e6)


def _within(given: Shape, limits: Range) -> bool:
    return all(low <= each <= high for low, each, high in zip(limits[0], given, limits[2], strict=True))
