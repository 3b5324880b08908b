"""TensorRT's element types as numpy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.narrow_floats import BITS

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


def stored(name: str) -> np.dtype[Any]:
    """Return the numpy type that holds the elements: their own, or integers for the bits of types that numpy lacks."""
    return np.dtype(BITS.get(name, name))


def extended(bits: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    """Return bits in the type of ml_dtypes if that is installed; others, and without it, unchanged."""
    if name not in BITS:
        return bits
    try:
        import ml_dtypes
    except ImportError:
        return bits
    return bits.view(getattr(ml_dtypes, name))
