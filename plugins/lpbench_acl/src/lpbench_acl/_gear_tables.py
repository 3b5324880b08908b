"""Reads from a model's description which gears it has."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING, Any, Final

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import feed_checks
from lpbench_acl._gears import Gear, Gears

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import TensorInfo
    from lpbench_acl._calls import Calls
    from lpbench_acl._gears import Kind

    Row = tuple[int, ...]

GEAR_INPUT: Final = "ascend_mbatch_shape_data"
"""The input that AscendCL adds to hold the gear (ACL_DYNAMIC_TENSOR_NAME)."""
PREPROCESSING_INPUT: Final = "ascend_dynamic_aipp_data"
"""The input that AscendCL adds to hold the settings of its preprocessing (ACL_DYNAMIC_AIPP_NAME)."""
ALL: Final = -1
"""For the index of an input: gears are the whole model's."""
MOST_GEARS: Final = 4096
"""As many as get_input_dynamic_dims returns at most."""
LARGEST: Final = 1 << 40
"""Elements of the largest tensor that is believed."""
LISTED: Final = 16
"""Sizes of a gear that an error lists."""
NAMES: Final[Mapping[Kind, tuple[str, ...]]] = {"batch": ("batch",), "image": ("height", "width")}
"""What the open dimensions of an input are called."""
REMEDY: Final = (
    "convert the model again, with gears: lpbench convert APP --to om --set batches=1,4 (or image_sizes, dims)"
)


def gears(calls: Calls, description: int, inputs: Sequence[TensorInfo]) -> Gears | None:
    """Return the gears of a dynamic model; None for a model of one shape.

    :param inputs: All of the model's; None is a dimension that differs between gears.
    :raises EngineError: Its shapes are not a matter of gears, or AscendCL tells gears that do not fit the inputs.
    """
    names = [info.name for info in inputs]
    if PREPROCESSING_INPUT in names:
        raise EngineError(
            "the model takes the settings of its preprocessing (AIPP) at each run, of which lpbench gives none",
            hint="convert it without --insert_op_conf, or with settings that are fixed (aipp_mode: static)",
        )
    fed = [info for info in inputs if info.name != GEAR_INPUT]
    if GEAR_INPUT not in names:
        _refuse_ranges(fed)
        return None
    if batches := _batches(calls, description):
        return _built("batch", fed, [(batch,) for batch in batches])
    if images := _images(calls, description):
        return _built("image", fed, images)
    if rows := _rows(calls, description):
        return _built("dims", fed, rows)
    raise EngineError("the model has an input for its gear, and no gears", hint=REMEDY)


def _refuse_ranges(inputs: Sequence[TensorInfo]) -> None:
    """Refuse a model without gears whose inputs have open dimensions.

    :raises EngineError: An input has one.
    """
    for info in inputs:
        if info.dynamic:
            raise EngineError(
                f'input "{info.name}" is {feed_checks.text(info.shape)}: the model was converted for a range of '
                "shapes, of which AscendCL tells the outputs' memory only during a run",
                hint="convert it for one shape, or with gears: lpbench convert APP --to om --set batches=1,4 "
                "(or image_sizes, dims)",
            )


def _batches(calls: Calls, description: int) -> list[int]:
    told = calls.call("mdl.get_dynamic_batch", description)
    found = _listed(told, "batch", "batchCount")
    if found is None or not all(map(_is_size, found)):
        raise calls.refused("mdl.get_dynamic_batch", told)
    return found


def _images(calls: Calls, description: int) -> list[Row]:
    told = calls.call("mdl.get_dynamic_hw", description, ALL)
    found = _listed(told, "hw", "hwCount")
    if found is None or not all(_is_row(row) and len(row) == 2 for row in found):  # noqa: PLR2004 - height and width
        raise calls.refused("mdl.get_dynamic_hw", told)
    return [tuple(row) for row in found]


def _rows(calls: Calls, description: int) -> list[Row]:
    count = calls.number("mdl.get_input_dynamic_gear_count", description, ALL)
    if not 0 < count <= MOST_GEARS:
        return []
    told = calls.call("mdl.get_input_dynamic_dims", description, ALL, count)
    found = [_listed(gear, "dims", "dimCount") for gear in told] if isinstance(told, list) else []
    if len(found) != count or not all(map(_is_row, found)):
        raise calls.refused("mdl.get_input_dynamic_dims", told)
    return [tuple(row) for row in found if row is not None]


def _listed(told: object, key: str, count_key: str) -> list[Any] | None:
    """Return a list from an answer, as long as it says, empty if it has none; None if it cannot be believed."""
    if not isinstance(told, dict):
        return None
    found = told.get(key, [])
    if not isinstance(found, list):
        return None
    count = told.get(count_key, len(found))
    if not isinstance(count, int) or not 0 <= count <= min(len(found), MOST_GEARS):
        return None
    return found[:count]


def _is_row(row: object) -> bool:
    return isinstance(row, (list, tuple)) and all(map(_is_size, row))


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST


def _built(kind: Kind, inputs: Sequence[TensorInfo], rows: Sequence[Row]) -> Gears:
    shaped = _cut if kind == "dims" else _filled
    made = [Gear(row, shaped(inputs, row)) for row in dict.fromkeys(rows)]
    for gear in made:
        if any(math.prod(shape) > LARGEST for shape in gear.shapes):
            raise EngineError(f"a gear of the model is too large: {feed_checks.text(gear.sizes)}", hint=REMEDY)
    return Gears(kind, [_named(info, NAMES.get(kind, ())) for info in inputs], made)


def _filled(inputs: Sequence[TensorInfo], row: Row) -> tuple[Row, ...]:
    """Return the inputs' shapes with a batch size, or with height and width, in their open dimensions."""
    return tuple(_with(info, row) for info in inputs)


def _with(info: TensorInfo, row: Row) -> Row:
    places = list(info.dynamic)
    if places and len(places) != len(row):
        raise _misfit(info, row)
    values = iter(row)
    return tuple(size if isinstance(size, int) else next(values) for size in info.shape)


def _cut(inputs: Sequence[TensorInfo], row: Row) -> tuple[Row, ...]:
    """Return the inputs' shapes, which stand one after the other."""
    ends = list(itertools.accumulate(len(info.shape) for info in inputs))
    found = tuple(row[end - len(info.shape) : end] for info, end in zip(inputs, ends, strict=True))
    for info, shape in zip(inputs, found, strict=True):
        if not feed_checks.fits(shape, info.shape):
            raise _misfit(info, row)
    if len(row) != ends[-1]:
        raise _misfit(inputs[-1], row)
    return found


def _named(info: TensorInfo, names: Sequence[str]) -> TensorInfo:
    """Return an input with names of its open dimensions."""
    left = iter(names)
    return dataclasses.replace(info, shape=tuple(next(left, None) if size is None else size for size in info.shape))


def _misfit(info: TensorInfo, row: Row) -> EngineError:
    return EngineError(
        f'gear {feed_checks.text(row[:LISTED])} does not fit input "{info.name}", which is '
        f"{feed_checks.text(info.shape)}",
        hint="convert the model with --input_shape in the order of its inputs, all of them",
    )
