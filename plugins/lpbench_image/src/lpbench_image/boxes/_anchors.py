"""Generates the anchors of an SSD, in the order of the model's rows."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from lpbench_image.config import pair

if TYPE_CHECKING:
    import numpy.typing as npt

    from lpbench_image.boxes.config import Anchors

Shape = tuple[float, float]
"""Width and height of an anchor, as shares of the input's width and height."""
REDUCED = ((0.5, 1.0), (1.0, 2.0), (1.0, 0.5))
"""Anchors of a reduced map: factor of the first scale, and ratio."""


def anchors(config: Anchors) -> npt.NDArray[np.float32]:
    """Return centre x, y, width and height of each anchor, ``(N, 4)``, as shares of the input.

    Rows run through each map line by line, and through all anchors of a cell before the next cell.
    """
    layers = zip(map(pair, config.maps), _shapes(config), strict=True)
    merged = itertools.groupby(layers, key=lambda layer: layer[0])
    return np.concatenate([_grid(size, [shape for _, shapes in group for shape in shapes]) for size, group in merged])


def _shapes(config: Anchors) -> list[list[Shape]]:
    """Return, for each map, the shapes of the anchors of one cell."""
    count = len(config.maps)
    if config.scales is None:
        per_cell = len(config.ratios) + (config.interpolated is not None)
        return [[(1.0, 1.0)] * per_cell] * count
    scales = [*np.linspace(*config.scales, count).tolist(), 1.0]
    shapes = [_layer(config, scale, following) for scale, following in itertools.pairwise(scales)]
    if config.reduced:
        shapes[0] = [_shape(scales[0] * factor, ratio) for factor, ratio in REDUCED]
    return shapes


def _layer(config: Anchors, scale: float, following: float) -> list[Shape]:
    shapes = [_shape(scale, ratio) for ratio in config.ratios]
    if config.interpolated is not None:
        shapes.append(_shape((scale * following) ** 0.5, config.interpolated))
    return shapes


def _shape(scale: float, ratio: float) -> Shape:
    return scale * ratio**0.5, scale / ratio**0.5


def _grid(size: tuple[int, int], shapes: list[Shape]) -> npt.NDArray[np.float32]:
    """Return the anchors of one map."""
    height, width = size
    grid = np.empty((height, width, len(shapes), 4), np.float32)
    grid[..., 0] = ((np.arange(width) + 0.5) / width)[:, None]
    grid[..., 1] = ((np.arange(height) + 0.5) / height)[:, None, None]
    grid[..., 2:] = shapes
    return grid.reshape(-1, 4)
