"""A model's inputs and outputs in lpbench's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.engine import TensorInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Detail = Mapping[str, Any]
    """What the interpreter says of one tensor."""

IMAGE_RANK = 4


def infos(details: Sequence[Detail], *, fixed: bool = False) -> tuple[TensorInfo, ...]:
    """Return tensors as lpbench describes them.

    :param fixed: Take the sizes in force for open ones, too.
    """
    return tuple(_info(each, fixed=fixed) for each in details)


def size(detail: Detail) -> int:
    """Return a tensor's bytes at the sizes in force."""
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
    """Return scale and zero-point of a tensor that has one of each; None where it has none, or one per channel."""
    scales, zero_points = parameters["scales"], parameters["zero_points"]
    if len(scales) != 1 or not scales[0]:
        return None, None
    return float(scales[0]), int(zero_points[0]) if len(zero_points) else 0
