"""An engine's inputs and outputs, with the names of open dimensions as the model's file states them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench.plugin.kit import feed_checks, onnx_shapes
from lpbench_trt._library import trt
from lpbench_trt._types import numpy_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.plugin.engine import Model, Shapes

    Stated = Mapping[str, Sequence[int | str | None]]


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    :param info: With the requested shapes applied.
    :param host: Whether TensorRT reads or writes its values on the host, to infer shapes from them.
    :param open: Whether the engine leaves a dimension open.
    """

    info: TensorInfo
    host: bool
    open: bool


def tensors(engine: trt.ICudaEngine, model: Model, shapes: Shapes) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return an engine's inputs and outputs.

    :param shapes: The requested shapes, by input.
    :raises EngineError: A tensor cannot be passed as an array, or an input cannot have the requested shape.
    """
    names = [engine.get_tensor_name(number) for number in range(engine.num_io_tensors)]
    ins = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
    found, stated = {name: _tensor(engine, name, name in ins) for name in names}, _stated(model)
    named = {name: _named(tensor.info, stated.get(name, ())) for name, tensor in found.items()}
    fixed = {info.name: info for info in feed_checks.fixed([named[name] for name in ins], shapes)}
    whole = {name: dataclasses.replace(found[name], info=fixed.get(name, named[name])) for name in names}
    return tuple(whole[name] for name in ins), tuple(whole[name] for name in names if name not in ins)


def sizes(dims: Iterable[int]) -> tuple[int, ...] | None:
    """Return TensorRT's dimensions, with -1 for those that are not known; None if not even their number is."""
    try:
        return tuple(dims)
    except ValueError:  # the bindings' __len__ of -1
        return None


def _tensor(engine: trt.ICudaEngine, name: str, into: bool) -> Tensor:  # noqa: FBT001 - one of two sides
    what = f'{"input" if into else "output"} "{name}"'
    dtype = numpy_name(engine.get_tensor_dtype(name), what)
    layout = engine.get_tensor_format(name)
    if layout != trt.TensorFormat.LINEAR:
        raise EngineError(
            f"{what} has the format {layout.name}; lpbench passes arrays, which are LINEAR",
            hint="build the plan without formats of its own for inputs and outputs",
        )
    shape = sizes(engine.get_tensor_shape(name)) or ()
    info = TensorInfo(name, dtype, tuple(size if size >= 0 else None for size in shape))
    return Tensor(info, engine.is_shape_inference_io(name), bool(info.dynamic))


def _stated(model: Model) -> Stated:
    if model.format != "onnx":
        return {}
    try:
        return {**onnx_shapes.output_shapes(model.path), **onnx_shapes.input_shapes(model.path)}
    except (OSError, ValueError):  # read once already; what is lost is names
        return {}


def _named(info: TensorInfo, stated: Sequence[int | str | None]) -> TensorInfo:
    """Return a tensor with the names that the file gives its open dimensions."""
    if len(stated) != len(info.shape):
        return info
    pairs = zip(info.shape, stated, strict=True)
    shape = tuple(name if size is None and isinstance(name, str) else size for size, name in pairs)
    return dataclasses.replace(info, shape=shape)
