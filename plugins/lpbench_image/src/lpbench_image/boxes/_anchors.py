"""The anchors of an SSD, in the order of the model's rows."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from lpbench_image.config import pair

if TYPE_CHECKING:
    import numpy.typing as npt

    from lpbench_image.boxes.config import Anchors

Shape = tuple[float, float]
"""Width and height of an anchor, as shares of the input's."""
REDUCED = ((0.5, 1.0), (1.0, 2.0), (1.0, 0.5))
"""Share of the first scale and ratio of the anchors of a reduced map."""


def anchors(config: Anchors) -> npt.NDArray[np.float32]:
    """Return centre x, y, width and height of each anchor, ``(N, 4)``, as shares of the input.

    Rows go through a map line by line, and through all anchors of a cell before the next.
    """
    layers = zip(map(pair, config.maps), _shapes(config), strict=True)
    merged = itertools.groupby(layers, key=lambda layer: layer[0])
    return np.concatenate([_grid(size, [shape for _, shapes in group for shape in shapes]) for size, group in merged])


def _shapes(config: Anchors) -> list[list[Shape]]:
    """Return the anchors of each map's cells."""
    count = len(config.maps)
    if config.scales is None:
        each = len(config.ratios) + (config.interpolated is not None)
        return [[(1.0, 1.0)] * each] * count
    scales = [*np.linspace(*config.scales, count).tolist(), 1.0]
    found = [_layer(config, scale, following) for scale, following in itertools.pairwise(scales)]
    if config.reduced:
        found[0] = [_shape(scales[0] * share, ratio) for share, ratio in REDUCED]
    return found


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
    found = np.empty((height, width, len(shapes), 4), np.float32)
    found[..., 0] = ((np.arange(width) + 0.5) / width)[:, None]
    found[..., 1] = ((np.arange(height) + 0.5) / height)[:, None, None]
    found[..., 2:] = shapes
    return found.reshape(-1, 4)
