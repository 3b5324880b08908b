"""The enumerations, with the members that each version has."""

from __future__ import annotations

import os

from ._native import enumeration

MAJOR = int(os.environ.get("FAKE_TENSORRT") or 10)
VERSION = {8: "8.6.1+fake", 10: "10.16.1+fake", 11: "11.4.0+fake"}[MAJOR]
_WEAK, _TEN, _ELEVEN = MAJOR < 11, MAJOR >= 10, MAJOR >= 11

DataType = enumeration(
    "DataType",
    {"FLOAT": 0, "HALF": 1, "INT8": 2, "INT32": 3, "BOOL": 4, "UINT8": 5, "FP8": 6}
    | ({"BF16": 7, "INT64": 8, "INT4": 9, "FP4": 10, "E8M0": 11} if _TEN else {}),
)
BuilderFlag = enumeration(
    "BuilderFlag",
    ({"FP16": 0, "INT8": 1, "FP8": 15} if _WEAK else {})
    | ({"BF16": 17, "INT4": 22, "FP4": 26} if _TEN and _WEAK else {})
    | ({"OBEY_PRECISION_CONSTRAINTS": 9, "PREFER_PRECISION_CONSTRAINTS": 10} if _WEAK else {})
    | {"DEBUG": 2, "GPU_FALLBACK": 3, "REFIT": 4, "DISABLE_TIMING_CACHE": 5, "TF32": 6, "SPARSE_WEIGHTS": 7}
    | {"SAFETY_SCOPE": 8, "DIRECT_IO": 11, "VERSION_COMPATIBLE": 13, "EXCLUDE_LEAN_RUNTIME": 14}
    | ({"ERROR_ON_TIMING_CACHE_MISS": 16, "STRIP_PLAN": 19, "WEIGHT_STREAMING": 21} if _TEN else {}),
)
NetworkDefinitionCreationFlag = enumeration(
    "NetworkDefinitionCreationFlag",
    ({} if _ELEVEN else {"EXPLICIT_BATCH": 0})
    | ({"STRONGLY_TYPED": 1, "PREFER_JIT_PYTHON_PLUGINS": 2, "PREFER_AOT_PYTHON_PLUGINS": 3} if _TEN else {})
    | ({} if _TEN else {"EXPLICIT_PRECISION": 1}),
)
DeviceType = enumeration("DeviceType", {"GPU": 0, "DLA": 1})
EngineCapability = enumeration("EngineCapability", {"STANDARD": 0, "SAFETY": 1, "DLA_STANDALONE": 2})
EngineStat = enumeration("EngineStat", {"TOTAL_WEIGHTS_SIZE": 0, "STRIPPED_WEIGHTS_SIZE": 1})
ErrorCode = enumeration(
    "ErrorCode",
    {"SUCCESS": 0, "INTERNAL_ERROR": 1, "MEM_ALLOC_FAILED": 2, "MODEL_DESERIALIZE_FAILED": 3, "INVALID_VALUE": 4}
    | {"INVALID_GRAPH": 5, "INVALID_NODE": 6, "UNSUPPORTED_GRAPH": 7, "UNSUPPORTED_NODE": 8}
    | ({"UNSUPPORTED_NODE_ATTR": 9, "UNSUPPORTED_NODE_INPUT": 10, "UNSUPPORTED_NODE_DATATYPE": 11} if _TEN else {})
    | ({"UNSUPPORTED_NODE_DYNAMIC": 12, "UNSUPPORTED_NODE_SHAPE": 13, "REFIT_FAILED": 14} if _TEN else {}),
)
ExecutionContextAllocationStrategy = enumeration(
    "ExecutionContextAllocationStrategy", {"STATIC": 0, "ON_PROFILE_CHANGE": 1, "USER_MANAGED": 2}
)
HardwareCompatibilityLevel = enumeration("HardwareCompatibilityLevel", {"NONE": 0, "AMPERE_PLUS": 1})
LayerInformationFormat = enumeration("LayerInformationFormat", {"ONELINE": 0, "JSON": 1})
LayerType = enumeration(
    "LayerType",
    {"CONVOLUTION": 0, "CAST": 1, "ACTIVATION": 2, "POOLING": 3, "LRN": 4, "SCALE": 5, "SOFTMAX": 6}
    | {"DECONVOLUTION": 7, "CONCATENATION": 8, "ELEMENTWISE": 9, "PLUGIN": 10, "UNARY": 11, "PADDING": 12}
    | {"SHUFFLE": 13, "REDUCE": 14, "TOPK": 15, "GATHER": 16, "MATRIX_MULTIPLY": 17, "CONSTANT": 19, "IDENTITY": 20}
    | {"SLICE": 22, "SHAPE": 23, "RESIZE": 25, "SELECT": 30, "FILL": 31, "QUANTIZE": 32, "DEQUANTIZE": 33}
    | {"SCATTER": 37, "ONE_HOT": 40, "NON_ZERO": 41, "NMS": 43, "NORMALIZATION": 45},
)
MemoryPoolType = enumeration(
    "MemoryPoolType",
    {"WORKSPACE": 0, "DLA_MANAGED_SRAM": 1, "DLA_LOCAL_DRAM": 2, "DLA_GLOBAL_DRAM": 3, "TACTIC_DRAM": 4}
    | ({"TACTIC_SHARED_MEMORY": 5} if _TEN else {}),
)
OnnxParserFlag = enumeration("OnnxParserFlag", {"NATIVE_INSTANCENORM": 0})
PreviewFeature = enumeration(
    "PreviewFeature",
    ({"PROFILE_SHARING_0806": 0} if _WEAK else {}) | ({"ALIASED_PLUGIN_IO_10_03": 1} if _TEN else {}),
)
ProfilingVerbosity = enumeration("ProfilingVerbosity", {"LAYER_NAMES_ONLY": 0, "NONE": 1, "DETAILED": 2})
QuantizationFlag = enumeration("QuantizationFlag", {"CALIBRATE_BEFORE_FUSION": 0})
Severity = enumeration("Severity", {"INTERNAL_ERROR": 0, "ERROR": 1, "WARNING": 2, "INFO": 3, "VERBOSE": 4})
TacticSource = enumeration(
    "TacticSource",
    ({"CUBLAS": 0, "CUBLAS_LT": 1, "CUDNN": 2} if _WEAK else {}) | {"EDGE_MASK_CONVOLUTIONS": 3, "JIT_CONVOLUTIONS": 4},
)
TensorFormat = enumeration("TensorFormat", {"LINEAR": 0, "CHW2": 1, "HWC8": 2, "CHW4": 3, "CHW16": 4, "CHW32": 5})
TensorIOMode = enumeration("TensorIOMode", {"NONE": 0, "INPUT": 1, "OUTPUT": 2})
TensorLocation = enumeration("TensorLocation", {"DEVICE": 0, "HOST": 1})
