"""A model's inputs and outputs as TensorInfo."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.kit.tflite_file import distinct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Shapes

    Detail = Mapping[str, Any]
    """The interpreter's details of one tensor."""

IMAGE_RANK = 4


def infos(details: Sequence[Detail], word: str, shapes: Shapes) -> tuple[TensorInfo, ...]:
    """Return different tensors as TensorInfo, repeated names with a number.

    :param word: ``input`` or ``output``, for tensors without a name.
    :param shapes: Fixed shapes by name.
    """
    names = distinct([str(detail["name"]) for detail in details], word)
    return tuple(_info(detail, name, shapes.get(name)) for detail, name in zip(details, names, strict=True))


def settled(info: TensorInfo, detail: Detail) -> TensorInfo:
    """Return a tensor with its current shape in place of open dimensions."""
    return dataclasses.replace(info, shape=tuple(map(int, detail["shape"])))


def size(detail: Detail) -> int:
    """Return a tensor's size in bytes at its current shape."""
    return int(np.prod(detail["shape"], dtype=np.int64)) * np.dtype(detail["dtype"]).itemsize


def _info(detail: Detail, name: str, fixed: tuple[int, ...] | None) -> TensorInfo:
    open_shape = tuple(int(size) if size >= 0 else None for size in detail["shape_signature"])
    shape = open_shape if fixed is None else fixed
    dtype = _dtype(detail["dtype"])
    scale, zero_point = _quantisation(detail["quantization_parameters"]) if "int" in dtype else (None, None)
    layout = "NHWC" if len(shape) == IMAGE_RANK else ""
    return TensorInfo(name, dtype, shape, layout=layout, scale=scale, zero_point=zero_point)


def _dtype(kind: type[Any]) -> str:
    dtype = np.dtype(kind)
    return "str" if dtype.kind in "OSU" else dtype.name


def _quantisation(parameters: Mapping[str, Any]) -> tuple[float | None, int | None]:
    """Return a tensor's scale and zero-point; None without quantisation or with a scale per channel."""
    scales, zero_points = parameters["scales"], parameters["zero_points"]
    if len(scales) != 1 or not scales[0]:
        return None, None
    return float(scales[0]), int(zero_points[0]) if len(zero_points) else 0
