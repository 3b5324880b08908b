"""An engine's inputs and outputs, with the names of open dimensions as the model's file states them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench.plugin.kit import onnx_shapes
from lpbench_trt._library import trt
from lpbench_trt._types import numpy_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.plugin.engine import Model

    Stated = Mapping[str, Sequence[int | str | None]]


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    :param host: Whether TensorRT reads or writes its values on the host, to infer shapes from them.
    :param open: Whether the engine leaves a dimension open.
    """

    info: TensorInfo
    host: bool
    open: bool


def tensors(engine: trt.ICudaEngine, model: Model) -> tuple[list[Tensor], list[Tensor]]:
    """Return an engine's inputs and outputs.

    :raises EngineError: A tensor cannot be passed as an array.
    """
    stated = _stated(model)
    inputs: list[Tensor] = []
    outputs: list[Tensor] = []
    for number in range(engine.num_io_tensors):  # no comprehension: as a closure, errors would keep the engine
        name = engine.get_tensor_name(number)
        into = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        (inputs if into else outputs).append(_tensor(engine, name, stated.get(name, ()), into=into))
    return inputs, outputs


def sizes(dims: Iterable[int]) -> tuple[int, ...] | None:
    """Return TensorRT's dimensions, with -1 for those that are not known; None if not even their number is."""
    try:
        return tuple(dims)
    except ValueError:  # the bindings' __len__ of -1
        return None


def _tensor(engine: trt.ICudaEngine, name: str, stated: Sequence[int | str | None], *, into: bool) -> Tensor:
    what = f'{"input" if into else "output"} "{name}"'
    dtype = numpy_name(engine.get_tensor_dtype(name), what)
    layout = engine.get_tensor_format(name)
    if layout != trt.TensorFormat.LINEAR:
        raise EngineError(
            f"{what} has the format {layout.name}; lpbench passes arrays, which are LINEAR",
            hint="build the plan without formats of its own for inputs and outputs",
        )
    shape = tuple(size if size >= 0 else None for size in sizes(engine.get_tensor_shape(name)) or ())
    info = TensorInfo(name, dtype, _named(shape, stated))
    return Tensor(info, engine.get_tensor_location(name) == trt.TensorLocation.HOST, None in shape)


def _stated(model: Model) -> Stated:
    if model.format != "onnx":
        return {}
    try:
        return {**onnx_shapes.output_shapes(model.path), **onnx_shapes.input_shapes(model.path)}
    except (OSError, ValueError):  # read once already; what is lost is names
        return {}


def _named(shape: Sequence[int | None], stated: Sequence[int | str | None]) -> tuple[int | str | None, ...]:
    """Return a shape with the names that the file gives its open dimensions."""
    if len(stated) != len(shape):
        return tuple(shape)
    pairs = zip(shape, stated, strict=True)
    return tuple(name if size is None and isinstance(name, str) else size for size, name in pairs)
