"""Shapes, data types in numpy's terms, and memory of the library that a program may read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from ._enums import DataType
from ._native import Enumeration, Native

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_DIMENSIONS = 8
ITEM_SIZES = {"FLOAT": 4, "HALF": 2, "BF16": 2, "INT8": 1, "INT32": 4, "INT64": 8, "BOOL": 1, "UINT8": 1, "FP8": 1}
NUMPY: dict[str, Any] = {
    "FLOAT": np.float32,
    "HALF": np.float16,
    "INT8": np.int8,
    "INT32": np.int32,
    "INT64": np.int64,
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "BF16": ml_dtypes.bfloat16,
    "FP8": ml_dtypes.float8_e4m3fn,
}
"""What the fake computes with; a program is told only those that numpy has of its own."""
_NAMES: dict[str, str] = {
    "FLOAT": "float32", "HALF": "float16", "INT8": "int8", "INT32": "int32", "INT64": "int64", "BOOL": "bool_",
    "UINT8": "uint8",
}  # fmt: skip


class Dims:
    """A shape; nbDims is -1 where there is none, and then it has no length."""

    MAX_DIMS = MOST_DIMENSIONS

    def __init__(self, shape: Iterable[Any] = (), *, invalid: bool = False) -> None:
        values: tuple[Any, ...] = tuple(shape)
        if len(values) > MOST_DIMENSIONS or not all(hasattr(each, "__index__") for each in values):
            raise TypeError("__init__(): incompatible constructor arguments.")
        self._values = tuple(int(each) for each in values)
        self._invalid = invalid

    def __len__(self) -> int:
        return -1 if self._invalid else len(self._values)

    def __getitem__(self, index: Any) -> Any:
        return self._values[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        return not self._invalid and isinstance(other, list | tuple | Dims) and self._values == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as pybind11 does beside __eq__

    def __repr__(self) -> str:
        return str(self._values)


SHAPE = (tuple, list, Dims)


def shape_of(given: Any, name: str) -> tuple[int, ...]:
    """Return what stands for a shape as a tuple.

    :raises TypeError: If it holds anything but whole numbers.
    """
    try:
        return tuple(Dims(given))
    except TypeError:
        raise TypeError(f"{name}(): incompatible function arguments.") from None


def volume(iterable: Iterable[int]) -> int:
    return math.prod(iterable)


def nptype(trt_type: Any) -> Any:
    for name, kind in _NAMES.items():
        if trt_type is not None and trt_type == DataType.__members__.get(name):
            return getattr(np, kind)
    raise TypeError("Could not resolve TensorRT datatype to an equivalent numpy datatype.")


class IHostMemory(Native, bytearray):
    """Bytes of the library, which a program reads through the buffer protocol alone."""

    def __init__(self, content: bytes) -> None:
        bytearray.__init__(self, content)
        Native.__init__(self)

    def __len__(self) -> int:
        raise TypeError("object of type 'IHostMemory' has no len()")

    def __getitem__(self, index: Any) -> Any:
        raise TypeError("'IHostMemory' object is not subscriptable")

    @property
    def nbytes(self) -> int:
        return memoryview(self).nbytes

    @property
    def dtype(self) -> Enumeration:
        return DataType.INT8
