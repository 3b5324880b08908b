"""A tile, width and height of a model's image input, as the shape of that input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.errors import EngineError, either, setting
from lpbench.plugin.kit.feed_checks import text
from lpbench.util.spans import write_sizes
from lpbench.util.tiles import tile_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import TensorInfo

LAYOUTS = {"NCHW": (3, 2), "NHWC": (2, 1)}
"""Where width and height stand."""
RANK = 4
CHANNELS = (1, 3, 4)


def image_input(inputs: Sequence[TensorInfo]) -> TensorInfo | None:
    """Return the first input that holds images, None where none is known to."""
    return next((info for info in inputs if places(info)), None)


def shape_for(inputs: Sequence[TensorInfo], tile: tuple[int, int], base: Sequence[int] = ()) -> tuple[int, ...]:
    """Return the shape of the image input in which it takes a tile.

    :param inputs: Of the model, with the layouts that the app states.
    :param base: The shape that was asked for beside the tile; empty for the model's own.
    :raises EngineError: There is no such input, its tile is fixed to another one, the shape asked for has another one,
        or more than the tile is open.
    """
    info = require_image_input(inputs)
    sizes = list(base or info.shape)
    for place, size in zip(places(info), tile, strict=True):
        if isinstance(info.shape[place], int) and info.shape[place] != size:
            raise other_tile(info, tile)
        if base and (len(base) != RANK or base[place] != size):
            raise _contradiction(info, tile, base)
        sizes[place] = size
    if isinstance(sizes[0], str) or sizes[0] is None:
        sizes[0] = 1
    if not all(isinstance(size, int) for size in sizes):
        what = f'input "{info.name}" {text(info.shape)} has more open dimensions than batch, width and height'
        raise EngineError(what, hint=f"give its whole shape: {setting('shapes')}")
    return tuple(map(int, sizes))  # type: ignore[arg-type] # all of them are, as seen above


def is_open(info: TensorInfo, tile: tuple[int, int]) -> bool:
    """Say whether an image input takes a tile as it is stated."""
    return all(info.shape[at] == size or at in info.dynamic for at, size in zip(places(info), tile, strict=True))


def refuse_other_tile(inputs: Sequence[TensorInfo], tile: tuple[int, int]) -> None:
    """Refuse a session whose image input has another tile than was asked for.

    :raises EngineError: Naming both.
    """
    info = require_image_input(inputs)
    if not is_open(info, tile):
        raise other_tile(info, tile)


def require_image_input(inputs: Sequence[TensorInfo]) -> TensorInfo:
    """Return the image input.

    :raises EngineError: There is none, or it cannot be told where its width and height stand.
    """
    found = image_input(inputs)
    if found is None:
        have = ", ".join(f"{info.name} {text(info.shape)}" for info in inputs)
        hint = f"state its layout in the app's config, or give the whole shape: {setting('shapes')}"
        raise EngineError(f"no input is known to hold images, which a tile is the size of: {have}", hint=hint)
    return found


def other_tile(info: TensorInfo, tile: tuple[int, int]) -> EngineError:
    """Return the error for a model that takes one tile alone."""
    own = [info.shape[at] for at in places(info)]
    size = "x".join(str(each) if isinstance(each, int) else "?" for each in own)
    convert = either("lpbench convert --shape", "lpbench.convert(shapes=…)")
    return EngineError(
        f'input "{info.name}" takes {size} alone, not the tile {tile_text(tile)}',
        hint=f"ask for {setting('tile', size)}, export the model with open width and height, or, where its source is "
        f"open, convert it for that tile: {convert}",
    )


def _contradiction(info: TensorInfo, tile: tuple[int, int], shape: Sequence[int]) -> EngineError:
    what = f'input "{info.name}" is asked for with the tile {tile_text(tile)} and with the shape {write_sizes(shape)}'
    return EngineError(what, hint="leave one of them out")


def places(info: TensorInfo) -> tuple[int, ...]:
    """Return where width and height stand; empty where that is not known."""
    if len(info.shape) != RANK:
        return ()
    return LAYOUTS.get(info.layout or _likely(info), ())


def _likely(info: TensorInfo) -> str:
    """Return the layout that an input of unstated layout has by its open dimensions, or by its channels."""
    opened = set(info.dynamic) - {0}
    if opened in ({2, 3}, {1, 2}):
        return "NCHW" if 3 in opened else "NHWC"  # noqa: PLR2004 - the last axis
    if info.shape[1] in CHANNELS:
        return "NCHW"
    return "NHWC" if info.shape[3] in CHANNELS else ""
