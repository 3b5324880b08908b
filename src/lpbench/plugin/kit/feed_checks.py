"""Checks for engine plugins: whether shapes and arrays fit a model's inputs.

A session should check its feeds only when they are new or a run failed, because a
check in every run would be part of the measured time.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lpbench.errors import ChoiceNeededError, EngineError, either, nearest, setting
from lpbench.plugin.kit import narrow_floats

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpbench.plugin.engine import Shapes, TensorInfo

    Sizes = Sequence[int | str | None]

TEXT = "str"
TEXT_KINDS = "OUS"
"""Kinds of numpy arrays that hold texts: objects, str and bytes."""


def problem(feeds: object, inputs: Sequence[TensorInfo]) -> tuple[str, str] | None:
    """Return the problem of ``feeds`` and its remedy, or None if they fit ``inputs``."""
    if not isinstance(feeds, Mapping):
        return f"feeds are {type(feeds).__name__}", "pass a mapping from input names to arrays"
    known = [info.name for info in inputs]
    for name in feeds:
        if name not in known:
            return f'the model has no input "{name}"', nearest(str(name), known)
    wanted = [info for info in inputs if info.name in feeds or not info.optional]
    problems = (_missing(info) if info.name not in feeds else misfit(feeds[info.name], info) for info in wanted)
    return next(filter(None, problems), None)


def misfit(array: Any, info: TensorInfo) -> tuple[str, str] | None:
    """Return the problem of the array of one input and its remedy, or None if it fits."""
    import numpy as np

    if not isinstance(array, np.ndarray):
        return f'input "{info.name}" is {type(array).__name__}', f"give a numpy array of {info.dtype}"
    if not _right_type(array, info.dtype):
        dtype = f"{array.dtype.name}{'' if array.dtype.isnative else ' with swapped bytes'}"
        what = f'input "{info.name}" is {dtype}; the model takes {info.dtype}'
        return what, quantising(array, info) or cast(info.dtype)
    if not fits(array.shape, info.shape):
        what = f'input "{info.name}" has shape {text(array.shape)}; the model takes {text(info.shape)}'
        return what, "resize the data, or give the shape when opening if the dimension is open"
    return None


def fixed(inputs: Sequence[TensorInfo], shapes: Shapes) -> tuple[TensorInfo, ...]:
    """Return ``inputs`` with the requested shapes; open dimensions of one name get one size, in every input.

    :raises EngineError: A shape is for an unknown input, contradicts the model, or gives a name two sizes.
    """
    known = [info.name for info in inputs]
    for name in shapes:
        if name not in known:
            raise EngineError(
                f'a shape is given for "{name}", which is not an input of the model', hint=nearest(name, known)
            )
    for info in inputs:
        _refuse_misfit(info, shapes.get(info.name))
    sizes = named_sizes({info.name: info.shape for info in inputs}, shapes)
    return tuple(_fixed(info, shapes.get(info.name), sizes) for info in inputs)


def ranked(unranked: Iterable[str], stated: Iterable[TensorInfo], shapes: Shapes) -> Shapes:
    """Return the requested shapes, completed by the app's for inputs of which the model states none.

    :param unranked: Names of the inputs whose number of dimensions the model does not state.
    :param stated: What the app states of the inputs.
    :raises ChoiceNeededError: Nothing tells the shape of an input; the hint names the option that does.
    """
    known = {info.name: info.shape for info in stated if info.shape and not info.dynamic}
    found: dict[str, tuple[int, ...]] = {**shapes}
    for name in unranked:
        if name in shapes:
            continue
        if name not in known:
            scalar = either(shlex.quote(f"{name}=scalar"), "[] for a scalar")
            raise ChoiceNeededError(
                f'input "{name}" has an unknown rank: the model does not state its shape',
                hint=f"give it: {setting('shapes', {name: '1,3,224,224'})}, or {scalar}",
            )
        found[name] = tuple(size for size in known[name] if isinstance(size, int))
    return found


def named_sizes(stated: Mapping[str, Sizes], shapes: Shapes) -> dict[str, int]:
    """Return the sizes that the requested shapes give to named dimensions.

    :param stated: The inputs' shapes as the model states them.
    :raises EngineError: A name would get two sizes.
    """
    sizes: dict[str, int] = {}
    for name, shape in shapes.items():
        for dimension, size in zip(stated.get(name, ()), shape, strict=False):
            if isinstance(dimension, str) and sizes.setdefault(dimension, size) != size:
                raise EngineError(
                    f'dimension "{dimension}" would be both {sizes[dimension]} and {size}, by input "{name}"',
                    hint="give every input that shares it the same size",
                )
    return sizes


def cast(dtype: str) -> str:
    """Return the remedy for an array of another type."""
    if dtype in narrow_floats.BITS:
        return f"convert it {narrow_floats.remedy(dtype)}"
    return f'convert it: array.astype("{dtype}")'


def quantising(array: Any, info: TensorInfo) -> str:
    """Return the remedy for real values of a quantised input, which a mere cast would lose; empty for others."""
    import numpy as np

    if info.scale is None or array.dtype.kind != "f":
        return ""
    limits, steps = np.iinfo(info.dtype), f"np.rint(array / {info.scale!r}) + {info.zero_point or 0}"
    return f'quantise it: np.clip({steps}, {limits.min}, {limits.max}).astype("{info.dtype}")'


def fits(shape: Sequence[int], allowed: Sizes) -> bool:
    """Return whether a shape has the right rank, and the right size in every fixed dimension."""
    pairs = zip(shape, allowed, strict=False)
    return len(shape) == len(allowed) and all(not isinstance(right, int) or size == right for size, right in pairs)


def text(shape: Sizes) -> str:
    """Return a shape as text: ``Nx3x?x224``, or ``scalar`` without dimensions."""
    return "x".join("?" if size is None else str(size) for size in shape) or "scalar"


def _missing(info: TensorInfo) -> tuple[str, str]:
    return f'input "{info.name}" is missing', f"give {info.dtype} of shape {text(info.shape)}"


def _right_type(array: Any, dtype: str) -> bool:
    if dtype == TEXT:
        return bool(array.dtype.kind in TEXT_KINDS)
    return narrow_floats.holds(array, dtype) or bool(array.dtype.name == dtype and array.dtype.isnative)


def _refuse_misfit(info: TensorInfo, shape: tuple[int, ...] | None) -> None:
    if shape is not None and (min(shape, default=1) < 0 or not fits(shape, info.shape)):
        raise EngineError(
            f'input "{info.name}" cannot be {text(shape)}; the model has {text(info.shape)}',
            hint="only open dimensions, those with a name or ?, can be chosen",
        )


def _fixed(info: TensorInfo, shape: tuple[int, ...] | None, sizes: Mapping[str, int]) -> TensorInfo:
    chosen = info.shape if shape is None else shape
    known = (sizes.get(size, size) if isinstance(size, str) else size for size in chosen)
    return dataclasses.replace(info, shape=tuple(known))
