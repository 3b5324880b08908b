"""Explains what is wrong with the arrays passed to a session, after a run has failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import nearest
from lpbench.plugin.kit import narrow_floats
from lpbench.plugin.kit.feed_checks import cast, fits, text
from lpbench_ort._types import is_tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import TensorInfo


def problem(feeds: object, inputs: Sequence[TensorInfo]) -> tuple[str, str] | None:
    """Return what is wrong with ``feeds`` and the remedy, or None if they match ``inputs``."""
    if not isinstance(feeds, Mapping):
        return f"feeds are a {type(feeds).__name__}", "pass a mapping of input names to arrays"
    known = {info.name: info for info in inputs}
    for name in feeds:
        if name not in known:
            return f'the model has no input "{name}"', nearest(str(name), known)
    for info in inputs:
        if misfit := _problem_of(info, feeds):
            return misfit
    return None


def _problem_of(info: TensorInfo, feeds: Mapping[str, Any]) -> tuple[str, str] | None:
    if info.name not in feeds:
        missing = f'input "{info.name}" is missing', f"pass {info.dtype} of shape {text(info.shape)}"
        return None if info.optional or info.dtype.startswith("optional(") else missing
    if not is_tensor(info):
        return None
    array = feeds[info.name]
    if not isinstance(array, np.ndarray):
        return f'input "{info.name}" is {type(array).__name__}', f"pass a numpy array of {info.dtype}"
    if not _right_type(array, info.dtype):
        return f'input "{info.name}" is {_type(array)}; the model takes {info.dtype}', cast(info.dtype)
    if info.shape and not fits(array.shape, info.shape):  # ONNX Runtime also gives () for an unknown rank
        what = f'input "{info.name}" has shape {text(array.shape)}; the model takes {text(info.shape)}'
        return what, "resize the data, or give the shape when opening the model if the dimension is open"
    return None


def _right_type(array: np.ndarray[Any, Any], dtype: str) -> bool:
    """Compare types including byte order, since ONNX Runtime does not convert swapped bytes."""
    if dtype == "str":
        return array.dtype.kind in "OUS"
    return narrow_floats.holds(array, dtype) or bool(array.dtype.name == dtype and array.dtype.isnative)


def _type(array: np.ndarray[Any, Any]) -> str:
    return f"{array.dtype.name}{'' if array.dtype.isnative else ' with swapped bytes'}"
