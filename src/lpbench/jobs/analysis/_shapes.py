"""Completes the shapes of a model's inputs: what was asked for, then the tile, the app's statements, and the file's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import AnalysisError, nearest, setting
from lpbench.util.bounds import refuse_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Shapes, TensorInfo

WIDTH_AND_HEIGHT = {"NCHW": (3, 2), "NHWC": (2, 1)}
"""Where they stand, by layout."""
RANK = 4
CHANNELS = (1, 3, 4)


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


def complete(inputs: Sequence[TensorInfo], stated: Sequence[TensorInfo], asked: Asked) -> Shapes:
    """Return the shape of every input.

    :param inputs: As the file states them.
    :param stated: The app's statements on them, for open dimensions and layouts.
    :raises AnalysisError: An input is unknown or not of that many dimensions, a dimension stays open, or no input is
        an image.
    """
    names = [info.name for info in inputs]
    for name in asked.shapes:
        if name not in names:
            raise AnalysisError(f'the model has no input "{name}"', hint=nearest(name, names))
    by_name = {info.name: info for info in stated}
    settled = {info.name: _settled(info, by_name.get(info.name), asked) for info in inputs}
    if asked.tile is not None:
        name, layout = _image(inputs, by_name)
        if name not in asked.shapes:
            settled[name] = _tiled(settled[name], layout, asked.tile)
    closed = {info.name: _closed(info, settled[info.name], asked) for info in inputs}
    refuse_shapes(closed)
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


def _image(inputs: Sequence[TensorInfo], stated: Mapping[str, TensorInfo]) -> tuple[str, str]:
    """Return the name and the layout of the first input that is an image."""
    for info in inputs:
        said = stated.get(info.name)
        layout = (said.layout if said is not None else "") or info.layout or _likely(info)
        if layout in WIDTH_AND_HEIGHT and len(info.shape) == RANK:
            return info.name, layout
    have = ", ".join(f"{info.name} {_question(info.shape)}" for info in inputs)
    raise AnalysisError(f"no input is known to be an image, which has a tile: {have}", hint=setting("shapes"))


def _likely(info: TensorInfo) -> str:
    """Return the layout that an input's channels, or its open dimensions, make likely; empty if they do not."""
    if len(info.shape) != RANK:
        return ""
    opened = {axis for axis in info.dynamic if axis}
    if info.shape[1] in CHANNELS or opened == {2, 3}:
        return "NCHW"
    return "NHWC" if info.shape[3] in CHANNELS or opened == {1, 2} else ""


def _tiled(sizes: Sequence[int | None], layout: str, tile: tuple[int, int]) -> list[int | None]:
    changed = list(sizes)
    for axis, size in zip(WIDTH_AND_HEIGHT[layout], tile, strict=True):
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
