"""Determines the types and shapes of a session's inputs and outputs.

ncnn's files seldom state shapes.  They come from the user's request, from the app,
or from the Input lines of the .param, in this order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import ChoiceNeededError, nearest, setting
from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench.plugin.kit.feed_checks import text
from lpbench_ncnn import _infer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Model, Shapes
    from lpbench_ncnn._infer import Shape
    from lpbench_ncnn._param import Graph, Layer

KINDS = {"float32": "f", "int32": "i"}
"""Types of ncnn's arrays, with ncnn's letter for each."""
MOST = 4
"""Largest number of dimensions of ncnn's arrays."""


@dataclass(frozen=True)
class Plan:
    """The tensors of a session.

    :param inputs: The session's inputs.
    :param outputs: The session's outputs; a shape that is not known before the first run is ``()``.
    :param inner: ncnn's shape of each input by name, without the batch.
    :param batched: Whether shapes begin with a batch of 1, which ncnn does not have.
    :param known: Names of the outputs whose shape is known.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    inner: Mapping[str, Shape]
    batched: bool
    known: frozenset[str]


def plan(graph: Graph, model: Model, requested: Shapes) -> Plan:
    """Return the inputs and outputs of a session.

    :raises EngineError: A shape is unknown, contradicts the model, or is for an unknown input or output.
    """
    stated_inputs, stated_outputs = ({info.name: info for info in side} for side in (model.inputs, model.outputs))
    names = [layer.tops[0] for layer in graph.inputs]
    _refuse_strangers(requested, names, "a shape is given for", "input")
    _refuse_strangers(stated_inputs, names, "the app states", "input")
    _refuse_strangers(stated_outputs, graph.outputs, "the app states", "output")
    outer = {layer.tops[0]: _outer(layer, requested, stated_inputs) for layer in graph.inputs}
    inner, blobs = _settle(graph, outer)
    batched = any(outer[name] != shape for name, shape in inner.items())
    inputs = tuple(TensorInfo(name, _dtype(name, stated_inputs, "input"), outer[name]) for name in names)
    outputs = {name: _output(name, blobs.get(name), stated_outputs, batched=batched) for name in graph.outputs}
    known = frozenset(name for name, shape in outputs.items() if shape is not None)
    shown = tuple(TensorInfo(name, _dtype(name, stated_outputs, "output"), outputs[name] or ()) for name in outputs)
    return Plan(inputs, shown, inner, batched, known)


def stated_inputs(graph: Graph, model: Model) -> tuple[TensorInfo, ...]:
    """Return the inputs as the app or the file states them; one of unknown shape has the shape ``()``."""
    stated = {info.name: info for info in model.inputs}
    return tuple(_stated_input(layer, stated.get(layer.tops[0])) for layer in graph.inputs)


def _stated_input(layer: Layer, stated: TensorInfo | None) -> TensorInfo:
    declared = _declared(layer)
    shape: tuple[int | str | None, ...] = (1, *declared) if declared else ()
    return TensorInfo(layer.tops[0], "float32", stated.shape if stated and stated.shape else shape)


def _refuse_strangers(given: Mapping[str, object], names: Sequence[str], lead: str, kind: str) -> None:
    for name in given:
        if name not in names:
            raise EngineError(f'{lead} "{name}", which is not an {kind} of the model', hint=nearest(name, names))


def _dtype(name: str, stated: Mapping[str, TensorInfo], kind: str) -> str:
    dtype = stated[name].dtype if name in stated else "float32"
    if dtype and dtype not in KINDS:
        raise EngineError(
            f'the app states that {kind} "{name}" is {dtype}; ncnn supports {" or ".join(KINDS)}',
            hint="correct the dtype in ai_app_config.json",
        )
    return dtype or "float32"


def _outer(layer: Layer, requested: Shapes, stated: Mapping[str, TensorInfo]) -> Shape:
    """Return an input's shape with its batch: as requested, stated by the app or declared in the file."""
    name, declared = layer.tops[0], _declared(layer)
    shape = tuple(requested[name]) if name in requested else _sizes(stated.get(name))
    if shape is None and declared is None:
        raise ChoiceNeededError(
            f'the shape of input "{name}" is not known: ncnn\'s files do not state it',
            hint=f"give the shape with a batch of 1: {setting('shapes', {name: '1,3,224,224'})}",
        )
    if shape is None:
        return (1, *declared) if declared else ()
    if min(shape, default=0) < 1:
        raise EngineError(f'input "{name}" cannot be {text(shape)}', hint="sizes must be whole numbers of 1 or more")
    if declared and shape not in {declared, (1, *declared)}:
        raise EngineError(
            f'input "{name}" cannot be {text(shape)}; the model has {text((1, *declared))}',
            hint=f"see line {layer.line} of the .param",
        )
    return shape


def _sizes(info: TensorInfo | None) -> Shape | None:
    """Return a stated shape if it is complete, else None."""
    sizes = tuple(size for size in info.shape if isinstance(size, int)) if info else ()
    return sizes if info and sizes and len(sizes) == len(info.shape) else None


def _declared(layer: Layer) -> Shape | None:
    """Return the shape that an Input line declares, or None."""
    sizes = tuple(layer.integer(key) for key in (2, 11, 1, 0))
    known = tuple(size for size in sizes if size > 0)
    rank = len(known)
    complete = rank and layer.integer(0) > 0 and (rank < 3 or layer.integer(2) > 0)  # noqa: PLR2004
    return known if complete else None


def _settle(graph: Graph, outer: Mapping[str, Shape]) -> tuple[dict[str, Shape], dict[str, Shape | None]]:
    """Return ncnn's shapes of the inputs and of all blobs; a batch of 1 is dropped unless the layers need it.

    ``1x28x28`` may be a batch of one or one channel, depending on the layers that read it.
    """
    declared = {layer.tops[0]: _declared(layer) for layer in graph.inputs}
    dropped = {name: declared[name] or _without_batch(shape) for name, shape in outer.items()}
    kept = {name: declared[name] or shape for name, shape in outer.items()}
    problem: EngineError | None = None
    for inner in (dropped, kept):
        if any(len(shape) > MOST for shape in inner.values()):
            continue
        try:
            return inner, _infer.shapes(graph, inner)
        except EngineError as error:
            problem = problem or error
    raise _unfit(outer, problem)


def _without_batch(shape: Shape) -> Shape:
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def _unfit(outer: Mapping[str, Shape], problem: EngineError | None) -> EngineError:
    requested = ", ".join(f"{name}={text(shape)}" for name, shape in outer.items())
    if any(len(shape) >= MOST and shape[0] > 1 for shape in outer.values()):
        return EngineError(f"ncnn runs one sample at a time, and {requested} has more", hint="give a batch of 1")
    if problem is None:
        return EngineError(f"ncnn supports up to {MOST} dimensions; found {requested}")
    return EngineError(
        f"with {requested} {problem.what}", hint=problem.hint or "give the shapes that the model was made for"
    )


def _output(
    name: str, shape: Shape | None, stated: Mapping[str, TensorInfo], *, batched: bool
) -> tuple[int, ...] | None:
    """Return an output's shape as stated by the app, else as inferred from the inputs, else None."""
    claimed = _sizes(stated.get(name))
    inferred = None if shape is None else (1, *shape) if batched else shape
    if claimed and inferred and math.prod(claimed) != math.prod(inferred):
        raise EngineError(
            f'the app states that output "{name}" is {text(claimed)}; the network gives {text(inferred)}',
            hint="correct the shape in ai_app_config.json",
        )
    return claimed or inferred
