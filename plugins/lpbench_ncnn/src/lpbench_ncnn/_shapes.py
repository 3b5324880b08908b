"""What a session's inputs and outputs look like.

ncnn's files seldom tell: sizes come from what the user asks for, from what the
app states, or from the Input lines of the .param, in this order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import nearest
from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench.plugin.kit.feed_checks import text
from lpbench_ncnn import _infer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Model, Shapes
    from lpbench_ncnn._infer import Shape
    from lpbench_ncnn._param import Graph, Layer

KINDS = {"float32": "f", "int32": "i"}
"""Types that ncnn's arrays can have, with ncnn's letter for each."""
MOST = 4
"""Dimensions of ncnn's arrays."""


@dataclass(frozen=True)
class Plan:
    """The tensors of a session.

    :param inputs: As the session shows them.
    :param outputs: Likewise; the shape of one that is not known before the first run is ``()``.
    :param inner: ncnn's own shape of each input by name, without the batch.
    :param batched: Whether shapes begin with a batch of 1, which ncnn does not have.
    :param known: Names of the outputs whose shape is known.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    inner: Mapping[str, Shape]
    batched: bool
    known: frozenset[str]


def plan(graph: Graph, model: Model, asked: Shapes) -> Plan:
    """Return what goes in and what comes out.

    :raises EngineError: A size is not known, contradicts the model, or names no input or output.
    """
    stated_inputs, stated_outputs = ({info.name: info for info in side} for side in (model.inputs, model.outputs))
    names = [layer.tops[0] for layer in graph.inputs]
    _refuse_strangers(asked, names, "a shape is given for", "input")
    _refuse_strangers(stated_inputs, names, "the app states", "input")
    _refuse_strangers(stated_outputs, graph.outputs, "the app states", "output")
    outer = {layer.tops[0]: _outer(layer, asked, stated_inputs) for layer in graph.inputs}
    inner, blobs = _settle(graph, outer)
    batched = any(outer[name] != shape for name, shape in inner.items())
    inputs = tuple(TensorInfo(name, _dtype(name, stated_inputs, "input"), outer[name]) for name in names)
    outputs = {name: _output(name, blobs.get(name), stated_outputs, batched=batched) for name in graph.outputs}
    known = frozenset(name for name, shape in outputs.items() if shape is not None)
    shown = tuple(TensorInfo(name, _dtype(name, stated_outputs, "output"), outputs[name] or ()) for name in outputs)
    return Plan(inputs, shown, inner, batched, known)


def _refuse_strangers(given: Mapping[str, object], names: Sequence[str], lead: str, kind: str) -> None:
    for name in given:
        if name not in names:
            raise EngineError(f'{lead} "{name}", which is no {kind} of the model', hint=nearest(name, names))


def _dtype(name: str, stated: Mapping[str, TensorInfo], kind: str) -> str:
    dtype = stated[name].dtype if name in stated else "float32"
    if dtype and dtype not in KINDS:
        raise EngineError(
            f'the app states that {kind} "{name}" is {dtype}; ncnn takes {" or ".join(KINDS)}',
            hint="correct the dtype in ai_app_config.json",
        )
    return dtype or "float32"


def _outer(layer: Layer, asked: Shapes, stated: Mapping[str, TensorInfo]) -> Shape:
    """Return an input's shape as users know it, as it was asked for, stated or declared."""
    name, declared = layer.tops[0], _declared(layer)
    given = tuple(asked[name]) if name in asked else _sizes(stated.get(name))
    if given is None and declared is None:
        raise EngineError(
            f'the size of input "{name}" is not known: ncnn\'s files do not tell it',
            hint=f"give it, with the batch of 1: --shape {name}=1,3,224,224",
        )
    if given is None:
        return (1, *declared) if declared else ()
    if min(given, default=0) < 1:
        raise EngineError(f'input "{name}" cannot be {text(given)}', hint="sizes are whole numbers of 1 or more")
    if declared and given not in {declared, (1, *declared)}:
        raise EngineError(
            f'input "{name}" cannot be {text(given)}; the model has {text((1, *declared))}',
            hint=f"line {layer.line} of the .param says so",
        )
    return given


def _sizes(info: TensorInfo | None) -> Shape | None:
    """Return a stated shape if it is complete."""
    sizes = tuple(size for size in info.shape if isinstance(size, int)) if info else ()
    return sizes if info and sizes and len(sizes) == len(info.shape) else None


def _declared(layer: Layer) -> Shape | None:
    """Return the size that an Input line gives, or None."""
    sizes = tuple(layer.integer(key) for key in (2, 11, 1, 0))
    found = tuple(size for size in sizes if size > 0)
    rank = len(found)
    complete = rank and layer.integer(0) > 0 and (rank < 3 or layer.integer(2) > 0)  # noqa: PLR2004
    return found if complete else None


def _settle(graph: Graph, outer: Mapping[str, Shape]) -> tuple[dict[str, Shape], dict[str, Shape | None]]:
    """Return ncnn's shapes of the inputs and of all blobs; a batch of 1 is dropped unless the layers need it.

    ``1x28x28`` may be a batch of one or one channel: the layers that take it decide.
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
    given = ", ".join(f"{name}={text(shape)}" for name, shape in outer.items())
    if any(len(shape) >= MOST and shape[0] > 1 for shape in outer.values()):
        return EngineError(f"ncnn runs one sample at a time, and {given} has more", hint="give a batch of 1")
    if problem is None:
        return EngineError(f"ncnn's arrays have up to {MOST} dimensions; found {given}")
    return EngineError(f"with {given} {problem.what}", hint=problem.hint or "give the sizes that the model is made for")


def _output(
    name: str, shape: Shape | None, stated: Mapping[str, TensorInfo], *, batched: bool
) -> tuple[int, ...] | None:
    """Return an output's shape as the app states it, else as it follows from the inputs, else None."""
    said = _sizes(stated.get(name))
    found = None if shape is None else (1, *shape) if batched else shape
    if said and found and math.prod(said) != math.prod(found):
        raise EngineError(
            f'the app states that output "{name}" is {text(said)}; it is {text(found)}',
            hint="correct the shape in ai_app_config.json",
        )
    return said or found
