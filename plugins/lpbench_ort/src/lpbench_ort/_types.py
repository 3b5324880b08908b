"""Maps ONNX Runtime's type names to lpbench's, which are numpy's."""

from __future__ import annotations

import re
from typing import Any

from lpbench.plugin.engine import TensorInfo

TENSOR = re.compile(r"tensor\((\w+)\)")
OPTIONAL = re.compile(r"optional\(tensor\((\w+)\)\)")

RENAMED = {
    "float": "float32",
    "double": "float64",
    "string": "str",
    "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz",
    "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz",
}
NUMBERS = {
    "bfloat16": 16,
    "float8_e4m3fn": 17,
    "float8_e4m3fnuz": 18,
    "float8_e5m2": 19,
    "float8_e5m2fnuz": 20,
}
"""ONNX's numbers of the types that numpy lacks."""

PRECISIONS = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "uint8": "U8",
    "int8": "S8",
    "uint4": "U4",
    "int4": "S4",
}
"""lpbench's names of precisions (see the glossary)."""


def numpy_name(element: str) -> str:
    """Return numpy's name of an element type: ``float32`` for ``float``."""
    return RENAMED.get(element, element)


def tensor_info(argument: Any) -> TensorInfo:
    """Return an input or output of a session; one that is not a tensor keeps ONNX Runtime's type name."""
    match = TENSOR.fullmatch(argument.type)
    dtype = numpy_name(match[1]) if match else argument.type
    return TensorInfo(argument.name, dtype, tuple(argument.shape))


def input_info(argument: Any) -> TensorInfo:
    """Return an input; a tensor that may be left out is marked."""
    match = OPTIONAL.fullmatch(argument.type)
    if not match:
        return tensor_info(argument)
    return TensorInfo(argument.name, numpy_name(match[1]), tuple(argument.shape), optional=True)


def is_tensor(info: TensorInfo) -> bool:
    """Return whether an input or output is a tensor, not a sequence, map or optional."""
    return "(" not in info.dtype
