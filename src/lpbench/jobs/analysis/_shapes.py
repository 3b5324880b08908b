"""Completes the shapes of a model's inputs: what was asked for, then the tile, the app's statements, and the file's."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import AnalysisError, OutOfRangeError, nearest, setting
from lpbench.util.bounds import refuse_shapes
from lpbench.worker import tiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Shapes, TensorInfo


@dataclass(frozen=True)
class Asked:
    """What the user asked for; it precedes everything else.

    :param shapes: By input.
    :param tile: Width and height of the image input; None for the model's own.
    :param prefix: What the user writes before the names of inputs.
    """

    shapes: Mapping[str, Sequence[int]]
    tile: tuple[int, int] | None
    prefix: str = ""

    def hint(self, name: str, sizes: Sequence[int | str | None]) -> str:
        """Return how to give a shape, with question marks for the sizes to fill in."""
        return setting("shapes", {f"{self.prefix}{name}": _question(sizes)})


def complete(
    inputs: Sequence[TensorInfo], stated: Sequence[TensorInfo], asked: Asked, *, tile: tuple[int, int] | None = None
) -> Shapes:
    """Return the shape of every input.

    :param inputs: As the file states them.
    :param stated: The app's statements on them, for open dimensions and layouts.
    :param tile: Width and height that the image input has unless others are asked for, as a benchmark opens the model;
        None where the app does not state them.
    :raises AnalysisError: An input is unknown, has other dimensions, or one stays open, is below 1 or too large.
    :raises EngineError: A tile is asked for, and no input is known to hold images.
    """
    names = [info.name for info in inputs]
    for name, shape in asked.shapes.items():
        if name not in names:
            raise AnalysisError(f'the model has no input "{name}"', hint=nearest(name, names))
        if min(shape, default=1) < 1:
            raise AnalysisError(f'the shape of "{name}" has {min(shape)} in it', hint="a size is 1 or more")
    by_name = {info.name: info for info in stated}
    settled = {info.name: _settled(info, by_name.get(info.name), asked) for info in inputs}
    laid_out = [_laid_out(info, by_name.get(info.name)) for info in inputs]
    image = tiles.image_input(laid_out) if asked.tile is None else tiles.require_image_input(laid_out)
    size = asked.tile or tile
    if size is not None and image is not None and image.name not in asked.shapes:
        settled[image.name] = _tiled(settled[image.name], tiles.places(image), size)
    closed = {info.name: _closed(info, settled[info.name], asked) for info in inputs}
    refuse_shapes(asked.shapes)
    try:
        refuse_shapes(closed)
    except OutOfRangeError as error:  # the file's own sizes
        raise AnalysisError(error.what, hint=f"{error.hint}; other shapes are given by {setting('shapes')}") from error
    return closed


def _settled(info: TensorInfo, stated: TensorInfo | None, asked: Asked) -> list[int | None]:
    """Return an input's dimensions, None where nothing tells one."""
    if (shape := asked.shapes.get(info.name)) is not None:
        if info.shape and len(shape) != len(info.shape):
            what = f'input "{info.name}" has {len(info.shape)} dimensions, not the {len(shape)} that are asked for'
            raise AnalysisError(what, hint=asked.hint(info.name, info.shape))
        return list(shape)
    said = stated.shape if stated is not None and len(stated.shape) == len(info.shape) else info.shape
    known = [ours if isinstance(ours, int) else theirs for ours, theirs in zip(info.shape, said, strict=True)]
    sizes = [size if isinstance(size, int) else None for size in known]
    return [1, *sizes[1:]] if sizes and sizes[0] is None else sizes


def _laid_out(info: TensorInfo, stated: TensorInfo | None) -> TensorInfo:
    """Return an input with the layout that the app states."""
    return dataclasses.replace(info, layout=stated.layout) if stated is not None and stated.layout else info


def _tiled(sizes: Sequence[int | None], places: Sequence[int], tile: tuple[int, int]) -> list[int | None]:
    changed = list(sizes)
    for axis, size in zip(places, tile, strict=True):
        changed[axis] = size
    return changed


def _closed(info: TensorInfo, sizes: Sequence[int | None], asked: Asked) -> tuple[int, ...]:
    known = tuple(size for size in sizes if size is not None)
    if len(known) < len(sizes):
        what = f'input "{info.name}" has open dimensions: {_question(info.shape)}'
        raise AnalysisError(what, hint=f"give its shape: {asked.hint(info.name, sizes)}")
    return known


def _question(shape: Sequence[int | str | None]) -> str:
    return ",".join("?" if size is None else str(size) for size in shape)
