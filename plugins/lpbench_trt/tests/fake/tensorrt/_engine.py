"""Engines: what a plan becomes on the device."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from . import _cuda
from ._compute import Evaluator
from ._context import IExecutionContext
from ._enums import (
    DataType,
    EngineCapability,
    EngineStat,
    ExecutionContextAllocationStrategy,
    HardwareCompatibilityLevel,
    ProfilingVerbosity,
    TensorFormat,
    TensorIOMode,
    TensorLocation,
)
from ._inspector import EngineInspector
from ._native import ERROR, NEVER, Enumeration, Native, api
from ._values import ITEM_SIZES, Dims, IHostMemory

if TYPE_CHECKING:
    from ._program import Program, Tensor


class ICudaEngine(Native):
    def __init__(self, runtime: Native, program: Program, memory: int, plan: bytes) -> None:
        super().__init__(runtime._logger, runtime)
        self._program = program
        self._plan = plan
        self._evaluator = Evaluator(program)
        weakref.finalize(self, _cuda.release, memory).atexit = False

    @property
    def name(self) -> str:
        return self._program.name

    @property
    def num_io_tensors(self) -> int:
        return len(self._program.tensors)

    @property
    def num_layers(self) -> int:
        return len(self._program.layers)

    @property
    def num_optimization_profiles(self) -> int:
        return len(self._program.profiles)

    @property
    def num_aux_streams(self) -> int:
        return 0

    @property
    def has_implicit_batch_dimension(self) -> bool:
        return False

    @property
    def refittable(self) -> bool:
        return False

    @property
    def streamable_weights_size(self) -> int:
        return 0

    @property
    def device_memory_size(self) -> int:
        return self._program.activation_bytes

    @property
    def device_memory_size_v2(self) -> int:
        return self._program.activation_bytes

    @property
    def profiling_verbosity(self) -> Enumeration:
        return ProfilingVerbosity.__members__[self._program.verbosity]

    @property
    def engine_capability(self) -> Enumeration:
        return EngineCapability.STANDARD

    @property
    def hardware_compatibility_level(self) -> Enumeration:
        return HardwareCompatibilityLevel.NONE

    def _tensor(self, name: str) -> Tensor | None:
        found = self._program.tensor(name)
        if found is None:
            self._say(ERROR, f"ICudaEngine: Error Code 3: API Usage Error (Parameter check failed, no tensor {name!r})")
        return found

    @api(int, fails=NEVER)
    def get_tensor_name(self, index: int) -> str | None:
        if 0 <= index < self.num_io_tensors:
            return self._program.tensors[index].name
        self._say(ERROR, f"ICudaEngine::getIOTensorName: Error Code 3: API Usage Error (index {index})")
        return None

    @api(str, fails=NEVER)
    def get_tensor_mode(self, name: str) -> Enumeration:
        found = self._tensor(name)
        if found is None:
            return TensorIOMode.NONE
        return TensorIOMode.INPUT if found.is_input else TensorIOMode.OUTPUT

    @api(str, fails=NEVER)
    def get_tensor_shape(self, name: str) -> Dims:
        found = self._tensor(name)
        return Dims(found.shape) if found else Dims(invalid=True)

    @api(str, fails=NEVER)
    def get_tensor_dtype(self, name: str) -> Enumeration:
        found = self._tensor(name)
        return DataType.__members__[found.dtype if found else "FLOAT"]

    @api(str, fails=NEVER)
    def get_tensor_location(self, name: str) -> Enumeration:
        return TensorLocation.HOST if name in self._program.shape_inputs else TensorLocation.DEVICE

    @api(str, int, fails=NEVER, needed=1)
    def get_tensor_format(self, name: str, profile_index: int = 0) -> Enumeration:
        return TensorFormat.LINEAR

    @api(str, int, fails=NEVER, needed=1)
    def get_tensor_bytes_per_component(self, name: str, profile_index: int = 0) -> int:
        found = self._tensor(name)
        return ITEM_SIZES[found.dtype] if found else -1

    @api(str, int, fails=NEVER, needed=1)
    def get_tensor_components_per_element(self, name: str, profile_index: int = 0) -> int:
        return -1

    @api(str, int, fails=NEVER, needed=1)
    def get_tensor_vectorized_dim(self, name: str, profile_index: int = 0) -> int:
        return -1

    @api(str, int, fails=NEVER)
    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Dims]:
        found = self._tensor(name)
        if found is None or not found.is_input or not 0 <= profile_index < self.num_optimization_profiles:
            return [Dims(invalid=True)] * 3
        return [Dims(each) for each in self._program.profiles[profile_index].get(name, (found.shape,) * 3)]

    @api(str, int, fails=NEVER)
    def get_tensor_profile_values(self, name: str, profile_index: int) -> list[list[int]]:
        return [list(each) for each in self._program.profiles[profile_index].get(f"values of {name}", ())]

    @api(str, fails=NEVER)
    def is_shape_inference_io(self, name: str) -> bool:
        return name in self._program.shape_inputs

    @api(EngineStat, fails=NEVER, needed=0)
    def get_engine_stat(self, stat: Enumeration = EngineStat.TOTAL_WEIGHTS_SIZE) -> int:
        return self._program.weights_bytes if stat.value == 0 else -1

    @api(int, fails=NEVER)
    def get_device_memory_size_for_profile(self, profile_index: int) -> int:
        return self._program.activation_bytes

    @api(int, fails=NEVER)
    def get_device_memory_size_for_profile_v2(self, profile_index: int) -> int:
        return self._program.activation_bytes

    @api(fails=None)
    def serialize(self) -> IHostMemory:
        return IHostMemory(self._plan)

    @api(fails=None)
    def create_engine_inspector(self) -> EngineInspector:
        return EngineInspector(self, self._program)

    @api((ExecutionContextAllocationStrategy, type(None)), fails=None, needed=0)
    def create_execution_context(self, strategy: Any = ExecutionContextAllocationStrategy.STATIC) -> Any:
        managed = strategy is not None and strategy.name == "USER_MANAGED"
        return self._context(None if managed else self._program.activation_bytes)

    @api(fails=None)
    def create_execution_context_without_device_memory(self) -> IExecutionContext | None:
        return self._context(None)

    def _context(self, size: int | None) -> IExecutionContext | None:
        code = _cuda.lost()
        memory = None if code or size is None else _cuda.reserve(size)
        if code or (size is not None and memory is None):
            reason = f"Cuda Runtime (error {code})" if code else f"OutOfMemory (Requested size was {size} bytes.)"
            self._say(ERROR, f"ICudaEngine::createExecutionContext: Error Code {1 if code else 2}: {reason}")
            return None
        return IExecutionContext(self, self._evaluator, memory)
