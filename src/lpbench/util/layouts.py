"""Changes the order of an array's dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]


def in_layout(values: Array, layout: str, wanted: str) -> Array:
    """Return a view of the values with their dimensions in another order, for example ``NHWC`` to ``NCHW``.

    :param layout: The order of the dimensions of ``values``.
    :param wanted: The order to return.
    :raises LpbenchError: The layouts name different dimensions, or not as many as the values have.
    """
    if layout == wanted:
        return values
    if sorted(layout) != sorted(wanted) or len(set(layout)) != len(layout) or values.ndim != len(layout):
        raise LpbenchError(f"values of shape {shape_text(values.shape)} cannot be transposed from {layout} to {wanted}")
    transposed: Array = values.transpose([layout.index(axis) for axis in wanted])
    return transposed


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as text: ``1x3x224x224``."""
    return "x".join(map(str, shape)) or "scalar"
