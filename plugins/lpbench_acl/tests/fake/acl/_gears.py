"""Models with a choice of shapes: which there are, and setting one."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

from ._api import INITIALISED, INVALID, Refusal, api, value, wrong
from ._data import Dataset, buffers, datasets
from ._memory import memory
from ._models import NOT_SUPPORTED, SHAPE_INPUT, Model, described, models, tensor

NO_GEAR, BAD_SHAPE = 145013, 145012
_MOST = 4096


@api("acl.mdl.get_dynamic_batch", "k", value({}), needs=INITIALISED)
def get_dynamic_batch(handle: int) -> dict[str, Any]:
    program = described(handle).program
    found = [each.values[0] for each in program.gears] if program.choice == "batch" else []
    return {"batchCount": len(found), "batch": found}


@api("acl.mdl.get_dynamic_hw", "kk", value({}), needs=INITIALISED)
def get_dynamic_hw(handle: int, index: int) -> dict[str, Any]:
    _whole_model(index)
    program = described(handle).program
    found = [list(each.values) for each in program.gears] if program.choice == "hw" else []
    return {"hwCount": len(found), "hw": found}


def _whole_model(index: int) -> None:
    if index not in {-1, (1 << 64) - 1}:
        raise wrong(f"index {index}: these are told of the whole model, with index -1")


@api("acl.mdl.get_input_dynamic_gear_count", "kk", value(0), needs=INITIALISED)
def get_input_dynamic_gear_count(handle: int, index: int) -> int:
    _whole_model(index)
    program = described(handle).program
    return len(program.gears) if program.choice == "dims" else 0


@api("acl.mdl.get_input_dynamic_dims", "kkk", value(None), needs=INITIALISED)
def get_input_dynamic_dims(handle: int, index: int, count: int) -> list[dict[str, Any]]:
    _whole_model(index)
    program = described(handle).program
    if count > _MOST or count < len(program.gears):
        raise Refusal(INVALID, f"EH0001: gear count {count}")
    name = program.inputs[0].name
    return [{"name": name, "dimCount": len(each.values), "dims": list(each.values)} for each in program.gears]


def _shape_buffer(model: Model, dataset: Dataset, index: int) -> tuple[int, int]:
    """Return where the chosen gear is told, and how many bytes there are."""
    if index != len(model.program.inputs):
        raise wrong(f"index {index} is not that of {SHAPE_INPUT}")
    if index >= len(dataset.buffers):
        raise wrong(f"the dataset has no buffer for {SHAPE_INPUT}")
    found = buffers[dataset.buffers[index]]
    if not found.address:
        raise Refusal(INVALID, "EH0002: Argument address must not be NULL.")
    block, real = memory.block(found.address, found.size, SHAPE_INPUT)
    if block is None:
        raise wrong(f"{SHAPE_INPUT} is not device memory")
    if block.pending:
        raise wrong("a gear is set while work that reads the last one is pending")
    return real, found.size


def _set(number: int, handle: int, index: int, choice: str, given: tuple[int, ...]) -> None:
    model, dataset = models[number], datasets[handle]
    if not all(given):
        raise Refusal(INVALID, "EH0001: a gear of 0")
    gears = model.program.gears if model.program.choice == choice else []
    found = [place for place, each in enumerate(gears) if tuple(each.values) == given]
    if not found:
        told = ", ".join(str(each.values) for each in gears)
        raise Refusal(NO_GEAR, f"E19999: Inner Error! the shape {list(given)} is not among the gears {told}")
    real, size = _shape_buffer(model, dataset, index)
    numbers = told_numbers(model, given)
    packed = struct.pack(f"<{len(numbers)}q", *numbers)
    if len(packed) > size:
        raise Refusal(BAD_SHAPE, f"E19999: Inner Error! {len(packed)} bytes into {size}")
    ctypes.memmove(real, packed, len(packed))
    model.gear, dataset.gear = found[0], given


def told_numbers(model: Model, gear: tuple[int, ...]) -> list[int]:
    """Return what the input that chooses the gear contains."""
    if model.program.choice != "dims":
        return list(gear)
    places = [each for tensor_ in model.program.inputs for each in tensor_.dims]
    return [number for place, number in zip(places, gear, strict=True) if place < 0]


@api("acl.mdl.set_dynamic_batch_size", "IkkK")
def set_dynamic_batch_size(number: int, handle: int, index: int, batch: int) -> None:
    _set(number, handle, index, "batch", (batch,))


@api("acl.mdl.set_dynamic_hw_size", "IkkKK")
def set_dynamic_hw_size(number: int, handle: int, index: int, height: int, width: int) -> None:
    _set(number, handle, index, "hw", (height, width))


@api("acl.mdl.set_input_dynamic_dims", "IkkO")
def set_input_dynamic_dims(number: int, handle: int, index: int, dims: Any) -> None:
    if not isinstance(dims, dict) or not {"name", "dimCount", "dims"} <= set(dims):
        raise TypeError("acl.mdl.set_input_dynamic_dims args parse failed")
    given = dims["dims"]
    if not isinstance(given, list) or not all(type(each) is int for each in given):
        raise TypeError("acl.mdl.set_input_dynamic_dims args parse failed")
    places = [each for tensor_ in models[number].program.inputs for each in tensor_.dims]
    fits = len(places) == len(given) and all(place in {-1, each} for place, each in zip(places, given, strict=True))
    if dims["dimCount"] != len(given) or (models[number].program.choice == "dims" and not fits):
        raise Refusal(BAD_SHAPE, f"E19999: Inner Error! the dims {given} do not fit {places}")
    _set(number, handle, index, "dims", tuple(given))


@api("acl.mdl.get_cur_output_dims", "kk", value({}), needs=INITIALISED)
def get_cur_output_dims(handle: int, index: int) -> dict[str, Any]:
    model, found = tensor(handle, index, output=True)
    if model.program.choice == "range":
        raise Refusal(NOT_SUPPORTED, "EH0001: the shapes of a dynamic model are told with its outputs")
    dims = model.dims(index, output=True, gear=model.largest if model.gear is None else model.gear)
    return {"name": found.name, "dimCount": len(dims), "dims": list(dims)}
