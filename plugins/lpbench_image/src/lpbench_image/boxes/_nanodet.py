"""NanoDet: the distances from a cell's centre to the four sides are means of distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpbench_image.boxes._detector import SIZED, Detector, agree
from lpbench_image.boxes._readers import Levels
from lpbench_image.boxes._scores import Rule
from lpbench_image.boxes._tables import Tables
from lpbench_image.boxes.config import NanoDetConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import TensorInfo
    from lpbench_image.geometry import Extent

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int64]


class NanoDet(Detector[NanoDetConfig]):
    """Reads a detector without anchors, whose cells follow from the input's size and the strides."""

    def __init__(self, config: NanoDetConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        numbers = SIZED * config.bins
        rule = Rule(config.threshold, config.activation, "none")
        only = 1 if len(labels) == 1 and config.boxes else None
        scores = Tables("scores", config.scores, outputs, only)
        boxes = Tables("boxes", config.boxes, outputs, numbers) if config.boxes else scores
        before, behind = (None, None) if config.boxes else (slice(None, -numbers), slice(-numbers, None))
        super().__init__(config, outputs, labels, Levels(scores, rule, before), boxes, behind)
        self._sums = np.stack([np.arange(config.bins), np.ones(config.bins)], axis=1).astype(np.float32)
        self._cells: tuple[Extent, Floats] = ((0, 0), np.empty((3, 0), np.float32))

    def _decode(self, numbers: Floats, rows: Indices, size: Extent) -> Floats:
        bins = numbers.reshape(-1, self.config.bins)
        cells = self._cell(size).take(rows, axis=1)
        exponentials = np.exp(bins - bins.max(axis=1, keepdims=True))
        sums = exponentials @ self._sums  # the weighted and the plain sum in one product
        places: Floats = (sums[:, 0] / sums[:, 1]).reshape(-1, 2, 2).transpose(1, 2, 0) * cells[2]
        np.subtract(cells[:2], places[0], out=places[0])
        places[1] += cells[:2]
        return places

    def _cell(self, size: Extent) -> Floats:
        """Return centre x and y and stride of each cell, ``(3, N)``, in pixels of the input."""
        known, cells = self._cells
        if known != size:
            grids = [_grid(size, stride, self.config.offset) for stride in self.config.strides]
            words = f"strides {list(self.config.strides)} in an input of {size[0]}x{size[1]}"
            agree({self._boxes.words: self._boxes.rows, words: [grid.shape[1] for grid in grids]})
            cells = np.concatenate(grids, axis=1)
            self._cells = (size, cells)
        return cells


def _grid(size: Extent, stride: int, offset: float) -> Floats:
    """Return the cells of one level; the last ones may extend beyond the input."""
    rows, columns = (-(-side // stride) for side in size)
    y, x = np.mgrid[:rows, :columns].reshape(2, -1)
    return np.stack([(x + offset) * stride, (y + offset) * stride, np.full(len(x), stride)]).astype(np.float32)
