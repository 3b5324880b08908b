"""Models and their descriptions."""

from __future__ import annotations

import ctypes
import math
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _om
from ._api import ANY, INITIALISED, INVALID, Refusal, api, bare, context, state, value, values, wrong
from ._compute import Evaluator, dtype
from ._handles import Table
from ._memory import DEVICE, memory
from ._streams import operator_nanoseconds

if TYPE_CHECKING:
    from ._om import Program, Tensor
    from ._runtime import Context

SHAPE_INPUT = "ascend_mbatch_shape_data"
FILE_MISSING, BAD_MODEL, BROKEN_FILE, OTHER_SOC, OTHER_CONTEXT = 145002, 145003, 145006, 500002, 107004
NOT_SUPPORTED = 200001
_MOST_GEARS, _LONGEST_NAME = 4096, 127
_UNDEFINED = -1


class Model:
    """A model on a device."""

    def __init__(self, program: Program, content: bytes, owner: Context) -> None:
        self.program, self.owner = program, owner
        self.evaluator = Evaluator(content, program.precision)
        self.gear: int | None = None
        """the index of the gear that was set last"""
        self.pending = 0
        self.number = 0
        self.stream: Any = None
        """where it was executed last"""
        self.subscription: Any = None
        self.size = 0
        self.last: tuple[object, list[bytes]] = None, []
        """what it was given last, and what it computed from that"""

    @property
    def stuck(self) -> bool:
        return not models.left([self])

    @cached_property
    def inputs(self) -> list[Tensor]:
        """The inputs that it has on a device: where gears are chosen, one more that tells the choice."""
        given = self.program.inputs
        return [*given, _om.Tensor(SHAPE_INPUT, 9, [self.choices])] if self.choices else given

    @cached_property
    def choices(self) -> int:
        """How many numbers choose a gear."""
        kinds = {"batch": 1, "hw": 2, "dims": sum(each.dims.count(-1) for each in self.program.inputs)}
        return kinds.get(self.program.choice, 0)

    @cached_property
    def largest(self) -> int:
        """The index of the gear that needs most memory."""
        needs = [sum(map(math.prod, each.inputs)) for each in self.program.gears]
        return needs.index(max(needs))

    @cached_property
    def sizes(self) -> dict[bool, list[int]]:
        """The bytes of inputs, at False, and of outputs, at True: what ``size_of`` tells."""
        counts = {False: len(self.inputs), True: len(self.program.outputs)}
        return {side: [self.size_of(index, output=side) for index in range(count)] for side, count in counts.items()}

    @cached_property
    def nanoseconds(self) -> int:
        """The modelled time of an execution."""
        return sum(map(operator_nanoseconds, range(len(self.program.operators))))

    def dims(self, index: int, *, output: bool, gear: int) -> list[int]:
        """Return the shape of an input or output in one gear."""
        if not output and index == len(self.program.inputs):
            return [self.choices]
        if self.program.choice == "range":
            return (self.program.outputs if output else self.program.inputs)[index].dims
        found = self.program.gears[gear]
        return (found.outputs if output else found.inputs)[index]

    def size_of(self, index: int, *, output: bool) -> int:
        """Return how many bytes the largest gear needs; 0 where ranges decide."""
        tensor = (self.program.outputs if output else self.inputs)[index]
        if self.program.choice == "range" and any(each < 0 for each in tensor.dims):
            return 0
        gear = 0 if self.program.choice == "range" else self.largest
        return math.prod(self.dims(index, output=output, gear=gear)) * dtype(tensor.kind).itemsize


class Description:
    """What ``get_desc`` fills."""

    def __init__(self) -> None:
        self.model: Model | None = None


models: Table[Model] = Table("model", BAD_MODEL, bits=31)
model_descriptions: Table[Description] = Table("model description")


def _loaded(content: bytes, where: str) -> int:
    try:
        program, onnx = _om.unpack(content)
    except _om.InvalidOmError as error:
        told = f'E10001: Value {where} for parameter [--model] is invalid. Reason: "Invalid om file." ({error})'
        raise Refusal(BROKEN_FILE, told) from None
    if program.soc != state.settings.soc:
        told = f"supported socVersion={state.settings.soc}, but the model socVersion={program.soc}"
        raise Refusal(OTHER_SOC, f"EE1001: The argument is invalid.Reason: ModelCheckCompatibility failed, {told}")
    owner = context()
    size = program.weights + program.workspace
    memory.take(owner.device, size)
    made = Model(program, onnx, owner)
    made.size = size
    made.number = models.add(made)
    owner.models.append(made)
    return made.number


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        told = f"E13001: Failed to open file[{path}]. Reason: {error.strerror or 'it cannot be read'}"
        raise Refusal(FILE_MISSING, told) from None


@api("acl.mdl.load_from_file", "s", value(0), code=OTHER_SOC)
def load_from_file(path: str) -> int:
    return _loaded(_content(path), path)


@api("acl.mdl.load_from_mem", "kk", value(0), code=OTHER_SOC)
def load_from_mem(address: int, size: int) -> int:
    block, real = memory.block(address, size, "model")
    if block is not None and block.kind == DEVICE and state.settings.run_mode == 1:
        raise wrong("a model is loaded from memory of the host")
    return _loaded(ctypes.string_at(real, size), "(memory)")


@api("acl.mdl.query_size", "s", values(0, 0), needs=ANY)
def query_size(path: str) -> tuple[int, int]:
    try:
        program, _ = _om.unpack(_content(path))
    except _om.InvalidOmError as error:
        raise Refusal(BROKEN_FILE, f'E10001: Reason: "Invalid om file." ({error})') from None
    if program.choice == "range":
        raise Refusal(INVALID, "EH0001: the sizes of a model with dynamic shapes are not known")
    return program.workspace, program.weights


def _drop(number: int, *_: Any) -> None:
    if found := models.find(number):
        memory.taken[found.owner.device] -= found.size
        if found in found.owner.models:
            found.owner.models.remove(found)
        models.drop(number)


def forget_models() -> None:
    """Forget what was asked to stay."""
    for found in models.forget():
        memory.taken[found.owner.device] -= found.size
        if found in found.owner.models:
            found.owner.models.remove(found)


@api("acl.mdl.unload", "I", failed=models.stick, dropped=_drop)
def unload(number: int) -> None:
    found = models[number]
    busy, elsewhere = found.pending, found.owner is not context()
    _drop(number)
    if busy:
        raise wrong("model unloaded while work that uses it is pending")
    if elsewhere:
        raise wrong("model unloaded in another context than it was loaded in", OTHER_CONTEXT)


@api("acl.mdl.create_desc", "", bare(0), needs=INITIALISED)
def create_desc() -> int:
    return model_descriptions.add(Description())


@api("acl.mdl.destroy_desc", "k", needs=INITIALISED, failed=model_descriptions.stick, dropped=model_descriptions.drop)
def destroy_desc(handle: int) -> None:
    model_descriptions.remove(handle)


@api("acl.mdl.get_desc", "kI", needs=INITIALISED)
def get_desc(handle: int, number: int) -> None:
    model_descriptions[handle].model = models[number]


def described(handle: int) -> Model:
    """Return the model that a description describes."""
    found = model_descriptions[handle].model
    if found is None:
        raise wrong("the description is empty: get_desc was not called")
    return found


def tensor(handle: int, index: int, *, output: bool) -> tuple[Model, Tensor]:
    """Return a model's input or output."""
    found = described(handle)
    among = found.program.outputs if output else found.inputs
    if index >= len(among):
        raise wrong(f"{'output' if output else 'input'} {index} of {len(among)}")
    return found, among[index]


@api("acl.mdl.get_num_inputs", "k", bare(0), needs=INITIALISED)
def get_num_inputs(handle: int) -> int:
    return len(described(handle).inputs)


@api("acl.mdl.get_num_outputs", "k", bare(0), needs=INITIALISED)
def get_num_outputs(handle: int) -> int:
    return len(described(handle).program.outputs)


def _short(model: Model, found: Tensor, index: int, side: str) -> str:
    return found.name if len(found.name) <= _LONGEST_NAME else f"acl_modelId_{model.number}_{side}_{index}"


def _both(side: str, *, output: bool) -> None:
    """Make what inputs and outputs have alike."""

    def size(handle: int, index: int) -> int:
        return tensor(handle, index, output=output)[0].size_of(index, output=output)

    def kind(handle: int, index: int) -> int:
        return tensor(handle, index, output=output)[1].kind

    def form(handle: int, index: int) -> int:
        return tensor(handle, index, output=output)[1].form

    def name(handle: int, index: int) -> str:
        return tensor(handle, index, output=output)[1].name

    def dims(handle: int, index: int) -> dict[str, Any]:
        model, found = tensor(handle, index, output=output)
        shape = (
            found.dims
            if not output or model.program.choice == "range"
            else model.program.gears[model.largest].outputs[index]
        )
        return {"name": _short(model, found, index, side), "dimCount": len(shape), "dims": list(shape)}

    def index_by_name(handle: int, wanted: str) -> int:
        model = described(handle)
        for index, found in enumerate(model.program.outputs if output else model.inputs):
            if wanted in {found.name, _short(model, found, index, side)}:
                return index
        raise Refusal(INVALID, f"EH0001: there is no {side} {wanted}")

    api(f"acl.mdl.get_{side}_size_by_index", "kk", bare(0), needs=INITIALISED)(size)
    api(f"acl.mdl.get_{side}_data_type", "kk", bare(_UNDEFINED), needs=INITIALISED)(kind)
    api(f"acl.mdl.get_{side}_format", "kk", bare(_UNDEFINED), needs=INITIALISED)(form)
    api(f"acl.mdl.get_{side}_name_by_index", "kk", bare(None), needs=INITIALISED)(name)
    api(f"acl.mdl.get_{side}_dims", "kk", value({}), needs=INITIALISED)(dims)
    api(f"acl.mdl.get_{side}_index_by_name", "ks", value(0), needs=INITIALISED)(index_by_name)
    if side == "input":
        api("+acl.mdl.get_input_dims_v2", "kk", value({}), needs=INITIALISED)(dims)


_both("input", output=False)
_both("output", output=True)


@api("+acl.mdl.get_tensor_real_name", "ks", bare(None), needs=INITIALISED)
def get_tensor_real_name(handle: int, name: str) -> str:
    model = described(handle)
    for side, among in (("input", model.inputs), ("output", model.program.outputs)):
        for index, found in enumerate(among):
            if name in {found.name, _short(model, found, index, side)}:
                return found.name
    raise Refusal(INVALID, f"EH0001: there is no tensor {name}")
