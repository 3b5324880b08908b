"""Fixes the open dimensions of a model's inputs to the requested shapes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.kit import feed_checks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Shapes


def overrides(stated: Mapping[str, Sequence[int | str | None]], shapes: Shapes) -> dict[str, int]:
    """Return a size for each named dimension, with which ONNX Runtime plans memory.

    :param stated: The inputs' shapes in the model file.
    :raises EngineError: A dimension would get two sizes, or a shape contradicts the model.
    """
    known = {name: shape for name, shape in shapes.items() if name in stated}
    fixed([TensorInfo(name, "", tuple(sizes)) for name, sizes in stated.items()], known)
    return feed_checks.named_sizes(stated, known)


def fixed(inputs: Sequence[TensorInfo], shapes: Shapes) -> tuple[TensorInfo, ...]:
    """Return ``inputs`` with the requested shapes.

    :raises EngineError: A shape is for an unknown input, or contradicts the model.
    """
    return feed_checks.fixed([_ranked(info, shapes) for info in inputs], shapes)


def _ranked(info: TensorInfo, shapes: Shapes) -> TensorInfo:
    """Return an input of unknown rank with the requested one; ONNX Runtime gives () for it and for a scalar."""
    if info.shape or info.name not in shapes:
        return info
    return dataclasses.replace(info, shape=tuple(shapes[info.name]))
