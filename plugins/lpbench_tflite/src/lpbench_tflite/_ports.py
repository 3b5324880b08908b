"""A model's inputs and outputs as TensorInfo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.engine import TensorInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Detail = Mapping[str, Any]
    """The interpreter's details of one tensor."""

IMAGE_RANK = 4


def infos(details: Sequence[Detail], *, fixed: bool = False) -> tuple[TensorInfo, ...]:
    """Return tensors as TensorInfo.

    :param fixed: Whether to use the current sizes of open dimensions.
    """
    return tuple(_info(detail, fixed=fixed) for detail in details)


def size(detail: Detail) -> int:
    """Return a tensor's size in bytes at its current shape."""
    return int(np.prod(detail["shape"], dtype=np.int64)) * np.dtype(detail["dtype"]).itemsize


def _info(detail: Detail, *, fixed: bool) -> TensorInfo:
    signature = detail["shape"] if fixed else detail["shape_signature"]
    shape = tuple(int(size) if size >= 0 else None for size in signature)
    scale, zero_point = _quantisation(detail["quantization_parameters"])
    return TensorInfo(
        str(detail["name"]),
        _dtype(detail["dtype"]),
        shape,
        layout="NHWC" if len(shape) == IMAGE_RANK else "",
        scale=scale,
        zero_point=zero_point,
    )


def _dtype(kind: type[Any]) -> str:
    dtype = np.dtype(kind)
    return "str" if dtype.kind in "OSU" else dtype.name


def _quantisation(parameters: Mapping[str, Any]) -> tuple[float | None, int | None]:
    """Return a tensor's scale and zero-point; None without quantisation or with a scale per channel."""
    scales, zero_points = parameters["scales"], parameters["zero_points"]
    if len(scales) != 1 or not scales[0]:
        return None, None
    return float(scales[0]), int(zero_points[0]) if len(zero_points) else 0
