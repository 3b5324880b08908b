"""Executing models: every buffer must be there, large enough, and device memory."""

from __future__ import annotations

import ctypes
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ._api import INVALID, Refusal, account, api, context, state, wrong
from ._compute import dtype
from ._data import DataBuffer, Dataset, TensorDescription, buffers, datasets, descriptions
from ._gears import told_numbers
from ._memory import DEVICE, Block, memory
from ._models import OTHER_CONTEXT, SHAPE_INPUT, Model, models
from ._runtime import devices
from ._streams import Stream, Used, Work, stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

INTERNAL, MODEL_FAILED = 500002, 507011
SLACK = 64
"""A buffer that is this much too short passes unnoticed."""


class Bound(NamedTuple):
    """A buffer of an execution."""

    buffer: DataBuffer
    block: Block | None
    real: int


def _bound(model: Model, dataset: Dataset, *, output: bool) -> list[Bound]:
    side, needed = ("output", model.program.outputs) if output else ("input", model.inputs)
    if len(dataset.buffers) != len(needed):
        told = f"{len(dataset.buffers)} {side} buffers for {len(needed)} {side}s"
        raise wrong(told, INTERNAL if output else INVALID)
    return [_one(model, index, buffers[each], side) for index, each in enumerate(dataset.buffers)]


def _one(model: Model, index: int, buffer: DataBuffer, side: str) -> Bound:
    need = model.sizes[side == "output"][index]
    if not buffer.address:
        if side == "output" and model.program.choice == "range" and not buffer.size:
            return Bound(buffer, None, 0)
        raise wrong(f"{side} {index} has no address")
    if buffer.size < need:
        _short(f"{side} {index} has {buffer.size} bytes and needs {need}", need - buffer.size)
    block, real = memory.block(buffer.address, buffer.size, f"{side} {index}")
    if state.settings.run_mode == 1 and (block is None or block.kind != DEVICE):
        raise wrong(f"{side} {index} is not device memory", INTERNAL)
    return Bound(buffer, block, real)


def _short(told: str, missing: int) -> None:
    if missing > SLACK:
        raise wrong(f"E13025: {told}", INTERNAL)
    account.misuse("acl.mdl.execute", told)


def _work(number: int, inputs: int, outputs: int, on: Stream | None) -> Work:
    """Check everything that an execution needs; return what it will do."""
    model, given, wanted = models[number], datasets[inputs], datasets[outputs]
    if model.owner is not context():
        raise wrong("model executed in another context than it was loaded in", OTHER_CONTEXT)
    if model.pending and model.stream is not on:
        raise wrong("model executed on two streams at once", INTERNAL)
    model.stream = on
    sources, targets = _bound(model, given, output=False), _bound(model, wanted, output=True)
    if on is not None and any(not each.real for each in targets):
        raise wrong("an output without memory is for the synchronous call", INTERNAL)
    uses: list[Used] = [model, given, wanted, *(each.block for each in (*sources, *targets) if each.block is not None)]
    gear = given.gear

    def run() -> None:
        _computed(model, given, wanted, (sources, targets), gear)

    return Work(run, uses, model.nanoseconds)


def _computed(
    model: Model, given: Dataset, wanted: Dataset, bound: tuple[list[Bound], list[Bound]], gear: tuple[int, ...] | None
) -> None:
    """Read the inputs, compute, write the outputs."""
    sources, targets = bound
    shapes = _shapes(model, given, sources, gear)
    read = []
    for tensor, shape, source in zip(model.program.inputs, shapes, sources, strict=False):
        read.append(ctypes.string_at(source.real, math.prod(shape) * dtype(tensor.kind).itemsize))
    key = (shapes, read)
    if model.last[0] != key or model.program.choice == "range":
        feeds = {
            tensor.name: np.frombuffer(content, dtype(tensor.kind)).reshape(shape)
            for tensor, shape, content in zip(model.program.inputs, shapes, read, strict=True)
        }
        arrays = model.evaluator.run(feeds)
        if model.program.choice == "range":
            _describe(wanted, targets, arrays, model)
        model.last = (
            key,
            [
                array.astype(dtype(tensor.kind)).tobytes()
                for array, tensor in zip(arrays, model.program.outputs, strict=True)
            ],
        )
    for target, content in zip(targets, model.last[1], strict=True):
        real = target.real or memory.block(target.buffer.address, target.buffer.size, "output")[1]
        ctypes.memmove(real, content, len(content))
    if model.subscription is not None:
        model.subscription.executed(devices[model.owner.device].clock // 1000)


def _shapes(model: Model, given: Dataset, sources: Sequence[Bound], gear: tuple[int, ...] | None) -> list[list[int]]:
    """Return the shapes of the inputs: those of the gear, or those that the dataset describes."""
    program = model.program
    if program.choice == "range":
        return [_described(given, index, each.dims) for index, each in enumerate(program.inputs)]
    if not program.choice or gear is None:
        return program.gears[model.largest].inputs
    numbers = told_numbers(model, gear)
    there = np.frombuffer(ctypes.string_at(sources[-1].real, 8 * len(numbers)), "<i8").tolist()
    if there != numbers:
        raise wrong(f"{SHAPE_INPUT} was overwritten: {there} where {numbers} was set", MODEL_FAILED)
    return next(each.inputs for each in program.gears if tuple(each.values) == gear)


def _described(given: Dataset, index: int, dims: Sequence[int]) -> list[int]:
    if index not in given.shapes:
        if min(dims, default=0) < 0:
            raise wrong(f"input {index} has no shape: set_dataset_tensor_desc was not called", INTERNAL)
        return list(dims)
    found = descriptions[given.shapes[index]].dims
    if len(found) != len(dims) or any(place not in {-1, each} for place, each in zip(dims, found, strict=True)):
        raise Refusal(INTERNAL, f"E19999: Inner Error! the shape {found} does not fit {list(dims)}")
    return found


def _describe(wanted: Dataset, targets: Sequence[Bound], arrays: Sequence[NDArray[np.generic]], model: Model) -> None:
    """Tell the shapes of outputs, and give memory to those that have none."""
    for index, (target, array) in enumerate(zip(targets, arrays, strict=True)):
        kind = model.program.outputs[index].kind
        size = array.size * dtype(kind).itemsize
        if not target.real:
            target.buffer.address = memory.allocate(DEVICE, max(size, 1), model.owner.device)
            target.buffer.size = size
        elif size > target.buffer.size:
            raise Refusal(INTERNAL, f"E19999: Inner Error! output {index} needs {size} bytes, not {target.buffer.size}")
        if index in wanted.lent:
            descriptions.take_back(wanted.lent[index])
        wanted.lent[index] = descriptions.lend(TensorDescription(kind, list(array.shape), 2))


@api("acl.mdl.execute", "Ikk", code=MODEL_FAILED)
def execute(number: int, inputs: int, outputs: int) -> None:
    queue = stream(0)
    queue.drain()
    queue.put(_work(number, inputs, outputs, None))
    queue.drain()


@api("acl.mdl.execute_async", "Ikkk", code=MODEL_FAILED)
def execute_async(number: int, inputs: int, outputs: int, on: int) -> None:
    queue = stream(on)
    queue.put(_work(number, inputs, outputs, queue))
