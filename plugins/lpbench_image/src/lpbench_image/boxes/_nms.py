"""Non-maximum suppression: among overlapping boxes, only the best is kept.

Boxes are processed in tiles, and tiles in blocks.  All pairs of a block are compared at
once; a bit mask for each box marks the boxes that it would drop, so that the Python loop
visits only the boxes that are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

BLOCK = 64
"""Boxes of a block: larger blocks compare more pairs in vain, smaller ones need more iterations."""
TILE, GROUP = 480, 32
"""Boxes that are compared with the kept ones, and how many of the latter at once: their pairs take less than 128 KiB.
Larger blocks are requested from the system by C libraries each time, which takes five times as long."""
NOUGHT = np.zeros((), np.float32)
"""Zero as an array, which numpy handles faster than a Python number."""


class Boxes(NamedTuple):
    """Boxes, the best first.

    :param corners: ``(4, n)``: left, top, right, bottom.
    :param share: ``(n,)``: the area times the largest allowed overlap.
    :param classes: ``(n,)``, or None if boxes of all classes compete.
    :param indices: ``(n,)``: the caller's indices of the boxes.
    """

    corners: Floats
    share: Floats
    classes: Indices | None
    indices: Indices

    def span(self, start: int, stop: int | None) -> Boxes:
        """Return the boxes from ``start`` to before ``stop``."""
        classes = None if self.classes is None else self.classes[start:stop]
        return Boxes(self.corners[:, start:stop], self.share[start:stop], classes, self.indices[start:stop])

    def some(self, which: Indices | list[int]) -> Boxes:
        """Return copies of the boxes at some indices."""
        classes = None if self.classes is None else self.classes[which]
        return Boxes(self.corners.take(which, axis=1), self.share[which], classes, self.indices[which])


class Suppression:
    """Greedy suppression.

    A box is dropped if its intersection over union with a better box that is kept
    exceeds ``overlap``.  A box without area overlaps nothing.  Divisions are avoided:
    ``common / (a + b - common) > overlap`` is ``common (1 + overlap) > overlap a + overlap b``.
    """

    def __init__(self, overlap: float) -> None:
        self._overlap, self._factor = (np.array(value, np.float32) for value in (overlap, 1 + overlap))

    def __call__(self, corners: Floats, classes: Indices | None, limit: int) -> Indices:
        """Return the indices of the boxes to keep, best first.

        :param corners: ``(4, n)``: left, top, right, bottom; the best box first.
        :param classes: ``(n,)``: only boxes of the same class compete; None if all do.
        :param limit: Largest number of boxes to keep.
        """
        count = corners.shape[1]
        if count <= BLOCK:
            return np.array(self._block(corners, classes, limit), np.int64)
        width, height = np.maximum(corners[2:] - corners[:2], NOUGHT)
        boxes = Boxes(corners, width * height * self._overlap, classes, np.arange(count))
        kept: list[int] = []
        for start in range(0, count, TILE):
            tile = boxes.span(start, start + TILE)
            for at in range(0, len(kept), GROUP):
                tile = self._left(boxes.some(kept[at : at + GROUP]), tile)
            kept += self._tile(tile, limit - len(kept))
            if len(kept) >= limit:
                break
        return np.array(kept, np.int64)

    def _tile(self, tile: Boxes, limit: int) -> list[int]:
        """Return the indices of the boxes that suppression within the tile keeps."""
        kept: list[int] = []
        while len(tile.indices) and len(kept) < limit:
            block, rest = tile.span(0, BLOCK), tile.span(BLOCK, None)
            chosen = block.some(self._block(block.corners, block.classes, limit - len(kept)))
            kept += chosen.indices.tolist()
            tile = self._left(chosen, rest)
        return kept

    def _left(self, better: Boxes, others: Boxes) -> Boxes:
        """Return the others that no better box drops."""
        drops = _common(better.corners, others.corners) * self._factor > better.share[:, None] + others.share
        if better.classes is not None and others.classes is not None:
            drops &= better.classes[:, None] == others.classes
        return others.some((~drops.any(axis=0)).nonzero()[0])

    def _block(self, corners: Floats, classes: Indices | None, limit: int) -> list[int]:
        """Return the boxes of a block to keep, after comparing all pairs."""
        common = _common(corners, corners)
        share = common.diagonal() * self._overlap  # a box's intersection with itself is its area
        common *= self._factor
        drops: Bools = common > np.add.outer(share, share)
        if classes is not None:
            drops &= classes[:, None] == classes
        return _greedy(drops, limit)


def _common(mine: Floats, theirs: Floats) -> Floats:
    """Return the areas of all pairwise intersections, ``(m, n)``."""
    sides: Floats = np.minimum(mine[2:, :, None], theirs[2:, None])
    sides -= np.maximum(mine[:2, :, None], theirs[:2, None])
    np.maximum(sides, NOUGHT, out=sides)
    common: Floats = sides[0]
    common *= sides[1]
    return common


def _greedy(drops: Bools, limit: int) -> list[int]:
    """Return the boxes of a block to keep, given which boxes each one drops, ``(n, n)``."""
    rows = np.packbits(drops, axis=1, bitorder="little")
    size, data = rows.shape[1], rows.tobytes()
    left, kept = (1 << len(drops)) - 1, list[int]()
    while left and len(kept) < limit:
        at = (left & -left).bit_length() - 1
        kept.append(at)
        left &= ~(int.from_bytes(data[at * size : (at + 1) * size], "little") | 1 << at)
    return kept
