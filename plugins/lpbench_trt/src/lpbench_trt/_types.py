"""TensorRT's element types as numpy's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from lpbench_trt._library import trt

TYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "BF16": "bfloat16",
    "FP8": "float8_e4m3fn",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
}
"""By TensorRT's names; types of less than a byte, of which several share one, cannot be passed."""


def numpy_name(dtype: trt.DataType, what: str) -> str:
    """Return numpy's name of a type, or that of ml_dtypes.

    :param what: The tensor in words, for errors.
    :raises EngineError: Arrays cannot have the type.
    """
    name = str(getattr(dtype, "name", dtype))
    if name not in TYPES:
        raise EngineError(
            f"{what} is {name}, which cannot be passed to TensorRT from an array",
            hint="export the model with inputs and outputs of types that numpy has",
        )
    return TYPES[name]
