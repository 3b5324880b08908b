"""A model's inputs and outputs, as its description tells them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench.plugin.kit.device_tensors import byte_count
from lpbench.plugin.kit.narrow_floats import stored
from lpbench.plugin.kit.untrusted import brief
from lpbench_acl._codes import LAYOUTS, TYPES
from lpbench_acl._gear_tables import GEAR_INPUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench_acl._calls import Calls
    from lpbench_acl._model import LoadedModel

Side = Literal["input", "output"]
MOST_TENSORS = 10_000
MOST_DIMENSIONS = 128
"""ACL_MAX_DIM_CNT"""
RENAMED = "acl_modelId_"
"""How names begin that AscendCL gives in place of those of more than 128 characters."""
UNSTATED = "the output depends on the data: convert a model whose outputs have sizes that follow from its inputs"
IMAGE = 4
"""Dimensions of images."""


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    :param index: Its place among the model's inputs or outputs.
    :param size: Bytes of memory that the model asks for: for its largest shape; 0 if it does not know.
    """

    info: TensorInfo
    index: int
    size: int


def tensors(calls: Calls, model: LoadedModel, side: Side) -> list[Tensor]:
    """Return a model's inputs or outputs, those that AscendCL itself adds among them; -1 is an open dimension.

    :raises EngineError: AscendCL does not tell, or a tensor cannot be passed as an array.
    """
    count = calls.number(f"mdl.get_num_{side}s", model.description)
    if not 0 < count <= MOST_TENSORS:
        raise calls.refused(f"mdl.get_num_{side}s", count)
    found = [_tensor(calls, model.description, index, side) for index in range(count)]
    _require_sizes(calls, found, side)
    names = [tensor.info.name for tensor in found]
    if len(set(names)) < count:
        raise EngineError(f"two {side}s of the model have one name", hint="name each tensor of its ONNX file")
    return found if side == "input" else list(map(_renamed, found, _short(names)))


def _require_sizes(calls: Calls, tensors: Sequence[Tensor], side: Side) -> None:
    """Refuse sizes in bytes that are smaller than the tensors; 0 is AscendCL's word for one that is not known.

    Of inputs, that comes with models for ranges of shapes, which are refused elsewhere.

    :raises AclError: A size is too small.
    """
    ranges = side == "input" and not any(tensor.info.name == GEAR_INPUT for tensor in tensors)
    for tensor in tensors:
        dynamic = bool(tensor.info.dynamic)
        shape = tuple(size for size in tensor.info.shape if isinstance(size, int))
        least = 1 if dynamic else byte_count(shape, stored(tensor.info.dtype))
        if tensor.size < least and not (dynamic and ranges):
            error = calls.refused(f"mdl.get_{side}_size_by_index", tensor.size)
            error.hint = UNSTATED if dynamic and side == "output" else ""
            raise error


def sizes(calls: Calls, name: str, *values: int) -> tuple[int, ...]:
    """Return the sizes of a tensor, with -1 for open ones, from one of the calls that tell dimensions.

    :raises AclError: It does not tell any.
    """
    told: Any = calls.call(name, *values)
    dims = told.get("dims") if isinstance(told, dict) else None
    if not isinstance(dims, (list, tuple)) or len(dims) > MOST_DIMENSIONS or not all(map(_is_size, dims)):
        raise calls.refused(name, told)
    return tuple(dims)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and value >= -1


def _tensor(calls: Calls, description: int, index: int, side: Side) -> Tensor:
    name = _name(calls, description, index, side)
    what = f'{side} "{name}"'
    size = calls.number(f"mdl.get_{side}_size_by_index", description, index)
    told = sizes(calls, _dims_call(calls, side), description, index)
    shape = tuple(size if size >= 0 else None for size in told)
    dtype = _dtype(calls, description, index, side, what)
    layout = _layout(calls, description, index) if side == "input" and len(shape) == IMAGE else ""
    return Tensor(TensorInfo(name, dtype, shape, layout), index, size)


def _dims_call(calls: Calls, side: Side) -> str:
    """Return the call that tells dimensions as they are fed, also of a model that preprocesses images (static AIPP)."""
    newer = "mdl.get_input_dims_v2"
    return newer if side == "input" and calls.has(newer) else f"mdl.get_{side}_dims"


def _name(calls: Calls, description: int, index: int, side: Side) -> str:
    call = f"mdl.get_{side}_name_by_index"
    name = calls.call(call, description, index)
    if not isinstance(name, str) or not name:
        raise calls.refused(call, name)
    if name.startswith(RENAMED) and calls.has("mdl.get_tensor_real_name"):
        whole = calls.call("mdl.get_tensor_real_name", description, name)
        return whole if isinstance(whole, str) and whole else name
    return name


def _dtype(calls: Calls, description: int, index: int, side: Side, what: str) -> str:
    call = f"mdl.get_{side}_data_type"
    code = calls.call(call, description, index)
    if not isinstance(code, int) or code < 0:
        raise calls.refused(call, code)
    if code not in TYPES:
        raise EngineError(
            f"{what} has the type {brief(code)} of aclDataType, which cannot be passed from an array",
            hint="convert the model with inputs and outputs of types that numpy has",
        )
    return TYPES[code]


def _layout(calls: Calls, description: int, index: int) -> str:
    """Return the order of an image's dimensions; empty if it is another one, or not told."""
    told = calls.call("mdl.get_input_format", description, index)
    return LAYOUTS.get(told, "") if isinstance(told, int) else ""


def _short(names: Sequence[str]) -> Sequence[str]:
    """Return the model's own names of outputs, which ATC writes as operator, number and name: ``Relu_1:0:scores``.

    Where two have one name, or one has none, all keep what ATC wrote.
    """
    own = [name.rpartition(":")[2] for name in names]
    return own if all(own) and len(set(own)) == len(own) else names


def _renamed(tensor: Tensor, name: str) -> Tensor:
    return replace(tensor, info=replace(tensor.info, name=name))
