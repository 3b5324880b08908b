"""Fixes the open dimensions of a model's inputs to the requested shapes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.errors import nearest
from lpbench.plugin.engine import EngineError, TensorInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Shapes


def overrides(open_shapes: Mapping[str, Sequence[int | str | None]], shapes: Shapes) -> dict[str, int]:
    """Return a size for each named dimension, with which ONNX Runtime plans memory.

    :param open_shapes: The inputs' shapes in the model file.
    :raises EngineError: A dimension would get two sizes, or a shape contradicts the model.
    """
    sizes: dict[str, int] = {}
    for name, shape in shapes.items():
        _check(name, shape, open_shapes.get(name, ()))
        for dimension, size in zip(open_shapes.get(name, ()), shape, strict=False):
            if isinstance(dimension, str) and sizes.setdefault(dimension, size) != size:
                raise EngineError(
                    f'dimension "{dimension}" would be both {sizes[dimension]} and {size}, by input "{name}"',
                    hint="give every input that shares it the same size",
                )
    return sizes


def fixed(inputs: Sequence[TensorInfo], shapes: Shapes) -> tuple[TensorInfo, ...]:
    """Return ``inputs`` with the requested shapes.

    :raises EngineError: A shape is for an unknown input, or contradicts the model.
    """
    known = [info.name for info in inputs]
    for name in shapes:
        if name not in known:
            raise EngineError(
                f'a shape is given for "{name}", which is not an input of the model', hint=nearest(name, known)
            )
    return tuple(_fixed(info, shapes.get(info.name)) for info in inputs)


def _fixed(info: TensorInfo, shape: tuple[int, ...] | None) -> TensorInfo:
    if shape is None:
        return info
    _check(info.name, shape, info.shape)
    return dataclasses.replace(info, shape=shape)


def _check(name: str, shape: Sequence[int], allowed: Sequence[int | str | None]) -> None:
    unknown_rank = not allowed  # ONNX Runtime gives () for an unknown rank and for a scalar
    if min(shape, default=1) < 0 or not (unknown_rank or fits(shape, allowed)):
        raise EngineError(
            f'input "{name}" cannot be {text(shape)}; the model has {text(allowed)}',
            hint="only open dimensions, those with a name or ?, can be chosen",
        )


def fits(shape: Sequence[int], allowed: Sequence[int | str | None]) -> bool:
    """Return whether a shape has the right rank, and the right size in each fixed dimension."""
    pairs = zip(shape, allowed, strict=False)
    return len(shape) == len(allowed) and all(not isinstance(right, int) or size == right for size, right in pairs)


def text(shape: Sequence[int | str | None]) -> str:
    """Return a shape as text: ``Nx3x?x224``, or ``scalar`` for ``()``."""
    return "x".join("?" if size is None else str(size) for size in shape) or "scalar"
