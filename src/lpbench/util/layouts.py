"""Arrays with their dimensions in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]


def in_layout(values: Array, layout: str, wanted: str) -> Array:
    """Return values with their dimensions in another order, ``NHWC`` to ``NCHW`` say; a view.

    :raises LpbenchError: The layouts are not of the same dimensions, or the values have another number of them.
    """
    if layout == wanted:
        return values
    if sorted(layout) != sorted(wanted) or len(set(layout)) != len(layout) or values.ndim != len(layout):
        raise LpbenchError(f"values of shape {shape_text(values.shape)} cannot be brought from {layout} to {wanted}")
    moved: Array = values.transpose([layout.index(axis) for axis in wanted])
    return moved


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as people write it: ``1x3x224x224``."""
    return "x".join(map(str, shape)) or "scalar"
