"""Says what is wrong with the arrays handed to a session, once something is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import nearest
from lpbench_ort._shapes import fits, text
from lpbench_ort._types import BITS, is_tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import TensorInfo


def problem(feeds: object, inputs: Sequence[TensorInfo]) -> tuple[str, str] | None:
    """Return what is wrong with ``feeds`` and what to do about it, or None if they fit ``inputs``."""
    if not isinstance(feeds, Mapping):
        return f"feeds are {type(feeds).__name__}", "hand over arrays by input name"
    known = {info.name: info for info in inputs}
    for name in feeds:
        if name not in known:
            return f'the model has no input "{name}"', nearest(str(name), known)
    for info in inputs:
        if found := _problem_of(info, feeds):
            return found
    return None


def _problem_of(info: TensorInfo, feeds: Mapping[str, Any]) -> tuple[str, str] | None:
    if info.name not in feeds:
        missing = f'input "{info.name}" is missing', f"give {info.dtype} of shape {text(info.shape)}"
        return None if info.dtype.startswith("optional(") else missing
    if not is_tensor(info):
        return None
    array = feeds[info.name]
    if not isinstance(array, np.ndarray):
        return f'input "{info.name}" is {type(array).__name__}', f"give a numpy array of {info.dtype}"
    if not _right_type(array, info.dtype):
        return f'input "{info.name}" is {_type(array)}; the model takes {info.dtype}', _cast(info)
    if info.shape and not fits(array.shape, info.shape):  # ONNX Runtime says () for an unknown rank, too
        given = f'input "{info.name}" has shape {text(array.shape)}; the model takes {text(info.shape)}'
        return given, "resize the data, or give the shape when opening if the dimension is open"
    return None


def _right_type(array: np.ndarray[Any, Any], dtype: str) -> bool:
    """Compare types, byte order included: ONNX Runtime reads swapped bytes as they are."""
    if dtype == "str":
        return array.dtype.kind in "OUS"
    if dtype in BITS and array.dtype.name == BITS[dtype][0]:
        return True
    return bool(array.dtype.name == dtype and array.dtype.isnative)


def _type(array: np.ndarray[Any, Any]) -> str:
    return f"{array.dtype.name}{'' if array.dtype.isnative else ' with swapped bytes'}"


def _cast(info: TensorInfo) -> str:
    return f'convert it: array.astype("{info.dtype}")'
