"""Shapes on ATC's command line: of inputs, and of the gears to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._atc_errors import AtcError, invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._atc_options import Options
    from ._om import Tensor

_FEWEST, _MOST = 2, 100
CHOICES = {"dynamic_batch_size": "batch", "dynamic_image_size": "hw", "dynamic_dims": "dims", "": ""}
_IMAGE = 4


def input_shapes(text: str, names: Sequence[str]) -> dict[str, list[int]]:
    """Return the dims by input, -1 where they are left open; a range counts as open."""
    found: dict[str, list[int]] = {}
    for part in filter(None, text.split(";")):
        name, colon, dims = part.rpartition(":")
        if not colon or not name:
            raise invalid("input_shape", text, f"[{part}] must be in the form name:dims.")
        if name not in names:
            told = f"Opname [{name}] in --input_shape is not found in the model. Check whether this opname exists"
            raise AtcError("E10016", told, "Check the names of the model's inputs.")
        found[name] = [_dim(each, text) for each in dims.split(",") if dims]
    return found


def _dim(text: str, whole: str) -> int:
    try:
        low, _, high = text.strip().partition("~")
        number = -1 if high else int(low)
    except ValueError:
        raise invalid("input_shape", whole, f"[{text}] is not a number.") from None
    if number < -1 or number == 0:
        raise invalid("input_shape", whole, f"[{text}] must be positive, or -1.")
    return number


def gear_values(options: Options) -> list[list[int]]:
    """Return the gears in the order in which they are given."""
    name = options.gears
    if not name:
        return []
    text = options[name]
    parts = text.split(",") if name == "dynamic_batch_size" else text.split(";")
    try:
        found = [[int(number) for number in part.split(",")] for part in parts if part.strip()]
    except ValueError:
        raise invalid(name, text, "Gears are positive integers.") from None
    _check(name, text, found)
    return found


def _check(name: str, text: str, gears: list[list[int]]) -> None:
    if len(gears) < _FEWEST:
        raise AtcError("E10035", f"--{name} has {len(gears)} profile, which is less than the minimum ({_FEWEST}).")
    if len(gears) > _MOST:
        raise AtcError("E10036", f"--{name} has {len(gears)} profiles, which is greater than the maximum ({_MOST}).")
    if any(number <= 0 for gear in gears for number in gear):
        raise AtcError("E10037", f"--{name} [{text}] contains a value that is not positive.")
    if len({tuple(gear) for gear in gears}) < len(gears):
        raise AtcError("E10039", f"--{name} [{text}] contains duplicate profiles.")


def placed(options: Options, inputs: Sequence[Tensor], gear: Sequence[int]) -> list[list[int]]:
    """Return the dims of the inputs in a gear."""
    name, left = options.gears, list(gear)
    dims = []
    for each in inputs:
        if name == "dynamic_dims":
            dims.append([left.pop(0) if place < 0 and left else _missing(name, place) for place in each.dims])
        else:
            dims.append(_filled(name, each.dims, gear))
    if name == "dynamic_dims" and left:
        raise AtcError("E10042", f"--{name} has more values in a profile than --input_shape has -1.")
    return dims


def _missing(name: str, place: int) -> int:
    if place < 0:
        raise AtcError("E10042", f"--{name} has fewer values in a profile than --input_shape has -1.")
    return place


def _filled(name: str, dims: Sequence[int], gear: Sequence[int]) -> list[int]:
    """Put a batch, or a height and width, where the dims are open."""
    open_places = [place for place, each in enumerate(dims) if each < 0]
    if not open_places:
        return list(dims)
    allowed = [0] if name == "dynamic_batch_size" else [2, 3]
    if open_places != allowed or (name == "dynamic_image_size" and (len(dims) != _IMAGE or len(gear) != len(allowed))):
        told = "only N may be -1" if allowed == [0] else "H and W, and only they, must be -1"
        raise AtcError("E10012", f"--input_shape does not fit --{name}: {told}.")
    filled = list(dims)
    for place, number in zip(allowed, gear, strict=True):
        filled[place] = number
    return filled
