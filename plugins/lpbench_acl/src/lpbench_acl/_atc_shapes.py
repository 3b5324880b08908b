"""What ATC is told of a model's shapes: nothing of a model with fixed sizes, and the gears of one with open ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import setting
from lpbench.plugin.converter import ConversionError
from lpbench.plugin.kit.feed_checks import text
from lpbench.plugin.kit.untrusted import brief

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Shapes
    from lpbench_acl.atc_config import AtcConfig

    Sizes = tuple[int | str | None, ...]
    Place = tuple[str, int]
    """An input and the number of one of its dimensions."""

FLAGS = {"batches": "dynamic_batch_size", "image_sizes": "dynamic_image_size", "dims": "dynamic_dims"}
PICTURE = 4
"""Dimensions of a picture: NCHW."""
OPEN = -1


@dataclass(frozen=True)
class Geared:
    """The shapes of a model that is to run in several.

    :param words: ATC's options.
    :param shapes: Of all inputs; dimensions with gears are open, all others have their size.
    """

    words: tuple[str, ...]
    shapes: Mapping[str, Sizes]


def geared(stated: Mapping[str, Sizes], config: AtcConfig, shapes: Shapes) -> Geared:
    """Return how a model gets the gears of the config, which has some.

    :param stated: Shapes of all inputs, as the model states them.
    :param shapes: Sizes for open dimensions, by input: the model is checked with them.
    :raises ConversionError: The model cannot have these gears, a size is missing, or no gear has the sizes of the
        check.
    """
    kind = config.kinds[0]
    places = _places(stated, kind)
    gears: list[tuple[int, ...]] = [(size,) for size in config.batches] or [*config.image_sizes, *config.dims]
    if kind == "dims" and len(gears[0]) != len(places):
        raise ConversionError(
            f"dims: a gear has {len(gears[0])} sizes, and the model {len(places)} open dimensions",
            hint=f"give a size for each, in this order: {', '.join(_named(stated, place) for place in places)}",
        )
    _refuse_unseen(kind, gears, places, shapes)
    closed = {name: _closed(name, shape, places, shapes) for name, shape in stated.items()}
    fitted = {
        name: tuple(stated[name][at] if (name, at) in places else size for at, size in enumerate(shape))
        for name, shape in closed.items()
    }
    told = ";".join(f"{name}:{','.join(map(str, shape))}" for name, shape in closed.items())
    if any(letter in name for name in stated for letter in ";,"):
        raise ConversionError(
            "ATC's option --input_shape cannot name an input with ; or , in its name",
            hint="rename the input, or convert for one shape, without gears",
        )
    many = (",".join if kind == "batches" else ";".join)([",".join(map(str, gear)) for gear in gears])
    form = ("--input_format=ND",) if kind == "dims" else ()
    return Geared((f"--input_shape={told}", f"--{FLAGS[kind]}={many}", *form), fitted)


def _places(stated: Mapping[str, Sizes], kind: str) -> list[Place]:
    """Return the dimensions that the gears of a kind change, in the order of the inputs."""
    every = [(name, at) for name, shape in stated.items() for at, size in enumerate(shape) if not isinstance(size, int)]
    if kind == "batches":
        found = [(name, at) for name, at in every if at == 0]
        wanted = "an input with an open first dimension"
    elif kind == "image_sizes":
        tall = {name for name, at in every if at == PICTURE - 2 and len(stated[name]) == PICTURE}
        found = [
            (name, at) for name, at in every if name in tall and (name, PICTURE - 1) in every and at >= PICTURE - 2
        ]
        wanted = "an input of four dimensions (NCHW) with open height and width"
    else:
        found, wanted = every, "open dimensions"
    if not found:
        shown = ", ".join(f"{name} {text(shape)}" for name, shape in stated.items())
        raise ConversionError(
            f"{kind}: needs {wanted}; the model has {shown}",
            hint="export the model with these dimensions open (dynamic_axes in PyTorch), or convert without gears",
        )
    return found


def _refuse_unseen(kind: str, gears: Sequence[tuple[int, ...]], places: Sequence[Place], shapes: Shapes) -> None:
    """Refuse gears without the one that the model is checked in; a missing size of the check is no contradiction."""
    sizes = [shapes[name][at] if name in shapes else None for name, at in places]
    width = {"batches": 1, "image_sizes": 2}.get(kind, len(places))
    checked = [tuple(sizes[begin : begin + width]) for begin in range(0, len(sizes), width)]
    for wanted in (each for each in checked if None not in each and each not in gears):
        name = places[0][0]
        shape = ",".join(map(str, shapes[name]))
        raise ConversionError(
            f"{kind}: no gear is {','.join(map(str, wanted))}, in which the model is checked; "
            f"the gears are {brief([list(gear) for gear in gears])}",
            hint=f"add it to them, or give a shape with a gear's sizes; now it is {setting('shapes', {name: shape})}",
        )


def _closed(name: str, shape: Sizes, places: Sequence[Place], shapes: Shapes) -> tuple[int, ...]:
    """Return a shape as ATC takes it: -1 where a gear decides."""
    asked = shapes.get(name, ())
    sizes = []
    for at, size in enumerate(shape):
        if (name, at) in places:
            sizes.append(OPEN)
        elif isinstance(size, int):
            sizes.append(size)
        elif len(asked) == len(shape):
            sizes.append(asked[at])
        else:
            raise ConversionError(
                f'input "{name}" has open dimensions: {text(shape)}; the gears do not set all of them',
                hint=f"give its shape: {setting('shapes', {name: ','.join(_asked(shape))})}",
            )
    return tuple(sizes)


def _asked(shape: Sizes) -> list[str]:
    return [str(size) if isinstance(size, int) else "?" for size in shape]


def _named(stated: Mapping[str, Sizes], place: Place) -> str:
    name, at = place
    size = stated[name][at]
    return f"{name}[{at}]{f' ({size})' if size else ''}"
