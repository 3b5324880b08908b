"""Optimisation profiles: the shapes that inputs with open dimensions may take, and the one to optimise for."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from lpbench.errors import ChoiceNeededError, setting
from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench.plugin.kit import feed_checks, onnx_shapes
from lpbench_trt._logger import log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Model, Shapes
    from lpbench_trt._library import trt
    from lpbench_trt._options import BuildOptions
    from lpbench_trt._parse import Draft

    Shape = tuple[int, ...]


def add(draft: Draft, model: Model, options: BuildOptions, shapes: Shapes) -> dict[str, Shape]:
    """Give the builder a profile if an input has open dimensions or shapes depend on its values.

    :param shapes: The requested shapes, by input.
    :return: The shapes to optimise for, of inputs with open dimensions.
    :raises EngineError: A shape contradicts the model or the range, or is required and missing.
    """
    tensors = draft.inputs()
    infos = [_info(tensor, _stated(model)) for tensor in tensors]
    best = _best(model, infos, options, shapes)
    by_value = [tensor for tensor in tensors if tensor.is_shape_tensor]
    _refuse_unknown(infos, options, [tensor.name for tensor in by_value])
    if not best and not by_value:
        return {}
    log().clear()
    profile: trt.IOptimizationProfile = log().made(
        draft.builder.create_optimization_profile(), "an optimisation profile"
    )
    for name, shape in best.items():
        profile.set_shape(name, *_range(name, shape, options))
    for tensor in by_value:
        profile.set_shape_input(tensor.name, *_values(tensor.name, options))
    if draft.config.add_optimization_profile(profile) < 0:
        raise log().explained("refuses the range of shapes", hint=_how(infos))
    return best


def _stated(model: Model) -> Mapping[str, Sequence[int | str | None]]:
    """Return the shapes of the file, which name open dimensions."""
    try:
        return onnx_shapes.input_shapes(model.path)
    except (OSError, ValueError):
        return {}


def _info(tensor: trt.ITensor, stated: Mapping[str, Sequence[int | str | None]]) -> TensorInfo:
    shape = [None if size < 0 else size for size in tensor.shape]
    names = stated.get(tensor.name, ())
    if len(names) == len(shape):
        pairs = zip(shape, names, strict=True)
        return TensorInfo(tensor.name, "", tuple(name if size is None else size for size, name in pairs))
    return TensorInfo(tensor.name, "", tuple(shape))


def _best(model: Model, infos: Sequence[TensorInfo], options: BuildOptions, shapes: Shapes) -> dict[str, Shape]:
    """Return the shape to optimise for of each input with open dimensions.

    It is the requested one, or else the largest of the range, or what the app states.  A first dimension that nothing
    fixes is 1: it is the batch's.
    """
    known = {info.name for info in infos}
    stated = {info.name: info.shape for info in model.inputs if info.name in known and info.shape and not info.dynamic}
    ranged = {info.name: options.max_shapes[info.name] for info in infos if info.name in options.max_shapes}
    dynamic = {info.name for info in infos if info.dynamic}  # of others the range is of values
    asked = {**_fitting(stated, infos), **{name: shape for name, shape in ranged.items() if name in dynamic}}
    fixed = feed_checks.fixed(infos, {**asked, **shapes})
    return {info.name: _closed(new) for info, new in zip(infos, fixed, strict=True) if info.dynamic}


def _fitting(stated: Mapping[str, Sequence[int | str | None]], infos: Sequence[TensorInfo]) -> dict[str, Shape]:
    """Return what the app states, where the model has it so."""
    whole = {name: tuple(size for size in shape if isinstance(size, int)) for name, shape in stated.items()}
    return {
        info.name: whole[info.name]
        for info in infos
        if info.name in whole and feed_checks.fits(whole[info.name], info.shape)
    }


def _closed(info: TensorInfo) -> Shape:
    sizes = (1, *info.shape[1:]) if info.shape and not isinstance(info.shape[0], int) else info.shape
    known = tuple(size for size in sizes if isinstance(size, int))
    if len(known) == len(sizes):
        return known
    raise ChoiceNeededError(
        f'input "{info.name}" has open dimensions: {feed_checks.text(info.shape)}; TensorRT builds for a shape',
        hint=f"give it: {setting('shapes', {info.name: ','.join(map(str, _asked(sizes)))})}",
    )


def _asked(sizes: Sequence[int | str | None]) -> list[int | str]:
    return [size if isinstance(size, int) else "?" for size in sizes]


def _range(name: str, shape: Shape, options: BuildOptions) -> tuple[Shape, Shape, Shape]:
    """Return the smallest, the best and the largest shape."""
    least, most = options.min_shapes.get(name, shape), options.max_shapes.get(name, shape)
    same = len(least) == len(shape) == len(most)
    if not same or any(map(operator.gt, least, shape)) or any(map(operator.gt, shape, most)):
        raise EngineError(
            f'input "{name}" cannot be {feed_checks.text(shape)}: the range is from {feed_checks.text(least)} '
            f"to {feed_checks.text(most)}",
            hint="give a shape within min_shapes and max_shapes, or other limits",
        )
    return least, shape, most


def _values(name: str, options: BuildOptions) -> tuple[list[int], list[int], list[int]]:
    """Return the smallest, best and largest values of an input from whose values shapes follow."""
    if name not in options.max_shapes:
        raise ChoiceNeededError(
            f'shapes depend on the values of input "{name}"; TensorRT needs their range',
            hint=f'give the values themselves: max_shapes={{"{name}": [...]}}, and min_shapes if they vary',
        )
    most = list(options.max_shapes[name])
    return list(options.min_shapes.get(name, most)), most, most


def _refuse_unknown(infos: Sequence[TensorInfo], options: BuildOptions, by_value: Sequence[str]) -> None:
    open_ones = [info.name for info in infos if info.dynamic or info.name in by_value]
    for option, given in (("min_shapes", options.min_shapes), ("max_shapes", options.max_shapes)):
        for name in given:
            if name not in open_ones:
                here = f"here: {', '.join(open_ones)}" if open_ones else "the model has none"
                raise EngineError(f'{option}: "{name}" is not an input with open dimensions', hint=here)


def _how(infos: Sequence[TensorInfo]) -> str:
    shapes = ", ".join(f'"{info.name}" {feed_checks.text(info.shape)}' for info in infos if info.dynamic)
    return f"the model takes {shapes}"
