"""A strict stand-in for NVIDIA's TensorRT, for tests: it checks how it is used, and computes with ONNX's reference.

FAKE_TENSORRT=8, 10 or 11 says which version it is like.
"""

from __future__ import annotations

from . import _cuda
from ._builder import Builder
from ._config import IBuilderConfig, IProgressMonitor
from ._context import IExecutionContext, IOutputAllocator, IProfiler
from ._engine import ICudaEngine
from ._enums import (
    MAJOR,
    VERSION,
    BuilderFlag,
    DataType,
    DeviceType,
    EngineCapability,
    EngineStat,
    ErrorCode,
    ExecutionContextAllocationStrategy,
    HardwareCompatibilityLevel,
    LayerInformationFormat,
    LayerType,
    MemoryPoolType,
    NetworkDefinitionCreationFlag,
    OnnxParserFlag,
    PreviewFeature,
    ProfilingVerbosity,
    QuantizationFlag,
    TacticSource,
    TensorFormat,
    TensorIOMode,
    TensorLocation,
)
from ._inspector import EngineInspector
from ._logger import ILogger, Logger
from ._network import ILayer, INetworkDefinition, ITensor
from ._parser import OnnxParser, ParserError
from ._plugins import IPluginRegistry, get_plugin_registry, init_libnvinfer_plugins
from ._profiles import IOptimizationProfile, ITimingCache
from ._runtime import Runtime
from ._values import ITEM_SIZES, Dims, IHostMemory, nptype, volume

__version__ = VERSION
fake_report = _cuda.report
fake_begin = _cuda.begin

_ABSENT: dict[int, tuple[tuple[type, tuple[str, ...]], ...]] = {
    8: (
        (INetworkDefinition, ("get_flag",)),
        (OnnxParser, ("supports_model_v2",)),
        (ParserError, ("node_name", "node_operator")),
        (ICudaEngine, ("device_memory_size_v2", "get_engine_stat", "streamable_weights_size")),
        (ICudaEngine, ("get_device_memory_size_for_profile", "get_device_memory_size_for_profile_v2")),
        (ICudaEngine, ("get_tensor_profile_values",)),
        (IExecutionContext, ("update_device_memory_size_for_shapes", "set_device_memory")),
    ),
    10: (),
    11: (
        (Builder, ("platform_has_fast_fp16", "platform_has_fast_int8", "platform_has_tf32")),
        (ICudaEngine, ("has_implicit_batch_dimension", "device_memory_size", "get_device_memory_size_for_profile")),
        (ICudaEngine, ("create_execution_context_without_device_memory",)),
        (IExecutionContext, ("all_shape_inputs_specified",)),
    ),
}
"""What each version does not have."""

for _class, _names in _ABSENT[MAJOR]:
    for _name in _names:
        delattr(_class, _name)
if MAJOR >= 10:
    type.__setattr__(DataType, "itemsize", property(lambda self: ITEM_SIZES.get(self.name, 0.5)))
else:
    del IProgressMonitor, EngineStat, ExecutionContextAllocationStrategy
if MAJOR >= 11:
    del QuantizationFlag

float32, float16, int8, int32 = DataType.FLOAT, DataType.HALF, DataType.INT8, DataType.INT32

__all__ = [
    "Builder",
    "BuilderFlag",
    "DataType",
    "DeviceType",
    "Dims",
    "EngineCapability",
    "EngineInspector",
    "ErrorCode",
    "HardwareCompatibilityLevel",
    "IBuilderConfig",
    "ICudaEngine",
    "IExecutionContext",
    "IHostMemory",
    "ILayer",
    "ILogger",
    "INetworkDefinition",
    "IOptimizationProfile",
    "IOutputAllocator",
    "IPluginRegistry",
    "IProfiler",
    "ITensor",
    "ITimingCache",
    "LayerInformationFormat",
    "LayerType",
    "Logger",
    "MemoryPoolType",
    "NetworkDefinitionCreationFlag",
    "OnnxParser",
    "OnnxParserFlag",
    "ParserError",
    "PreviewFeature",
    "ProfilingVerbosity",
    "Runtime",
    "TacticSource",
    "TensorFormat",
    "TensorIOMode",
    "TensorLocation",
    "__version__",
    "fake_begin",
    "fake_report",
    "float16",
    "float32",
    "get_plugin_registry",
    "init_libnvinfer_plugins",
    "int8",
    "int32",
    "nptype",
    "volume",
]  # fmt: skip
