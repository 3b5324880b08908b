"""Non-maximum suppression: of boxes that overlap, the best stays.

Boxes are taken in tiles and those in blocks.  In a block all pairs are compared at
once, and a number's bits say which boxes each would drop, so that Python visits only
those that stay.
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
"""Boxes whose pairs are all compared: more pairs that do not matter, or more blocks."""
TILE, GROUP = 480, 32
"""Boxes that are compared with those that stay, and how many of these at once: their pairs take less than 128 KiB,
for more of which C libraries ask the system each time, which takes five times as long."""
NOUGHT = np.zeros((), np.float32)
"""As an array, of which numpy makes less ado than of a number."""


class Boxes(NamedTuple):
    """Boxes, the best first.

    :param corners: ``(4, n)``: left, top, right, bottom.
    :param share: ``(n,)``: the part of the area that another may cover.
    :param classes: ``(n,)``, or None where all compete.
    :param indices: ``(n,)``: what the caller calls them.
    """

    corners: Floats
    share: Floats
    classes: Indices | None
    indices: Indices

    def span(self, start: int, stop: int | None) -> Boxes:
        """Return those from one to before another."""
        classes = None if self.classes is None else self.classes[start:stop]
        return Boxes(self.corners[:, start:stop], self.share[start:stop], classes, self.indices[start:stop])

    def some(self, which: Indices | list[int]) -> Boxes:
        """Return copies of some."""
        classes = None if self.classes is None else self.classes[which]
        return Boxes(self.corners.take(which, axis=1), self.share[which], classes, self.indices[which])


class Suppression:
    """Greedy suppression.

    A box is dropped where its intersection over union with a better one that stays
    exceeds ``overlap``.  A box without area overlaps nothing.  There is no division:
    ``common / (a + b - common) > overlap`` is ``common (1 + overlap) > overlap a + overlap b``.
    """

    def __init__(self, overlap: float) -> None:
        self._overlap, self._factor = (np.array(each, np.float32) for each in (overlap, 1 + overlap))

    def __call__(self, corners: Floats, classes: Indices | None, limit: int) -> Indices:
        """Return the indices of the boxes that stay, best first.

        :param corners: ``(4, n)``: left, top, right, bottom; the best box first.
        :param classes: ``(n,)``: only boxes of one class compete; None for all.
        :param limit: Of boxes that stay.
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
        """Return the indices of those that stay among themselves."""
        kept: list[int] = []
        while len(tile.indices) and len(kept) < limit:
            block, rest = tile.span(0, BLOCK), tile.span(BLOCK, None)
            chosen = block.some(self._block(block.corners, block.classes, limit - len(kept)))
            kept += chosen.indices.tolist()
            tile = self._left(chosen, rest)
        return kept

    def _left(self, better: Boxes, others: Boxes) -> Boxes:
        """Return the others that none of the better ones drops."""
        drops = _common(better.corners, others.corners) * self._factor > better.share[:, None] + others.share
        if better.classes is not None and others.classes is not None:
            drops &= better.classes[:, None] == others.classes
        return others.some((~drops.any(axis=0)).nonzero()[0])

    def _block(self, corners: Floats, classes: Indices | None, limit: int) -> list[int]:
        """Return which of a few stay among themselves, all compared with all."""
        common = _common(corners, corners)
        share = common.diagonal() * self._overlap  # what a box has in common with itself is its area
        common *= self._factor
        drops: Bools = common > np.add.outer(share, share)
        if classes is not None:
            drops &= classes[:, None] == classes
        return _greedy(drops, limit)


def _common(mine: Floats, theirs: Floats) -> Floats:
    """Return the area of the intersection of each with each, ``(m, n)``."""
    sides: Floats = np.minimum(mine[2:, :, None], theirs[2:, None])
    sides -= np.maximum(mine[:2, :, None], theirs[:2, None])
    np.maximum(sides, NOUGHT, out=sides)
    common: Floats = sides[0]
    common *= sides[1]
    return common


def _greedy(drops: Bools, limit: int) -> list[int]:
    """Return which of a block stay, given which drop which."""
    rows = np.packbits(drops, axis=1, bitorder="little")
    size, data = rows.shape[1], rows.tobytes()
    left, kept = (1 << len(drops)) - 1, list[int]()
    while left and len(kept) < limit:
        at = (left & -left).bit_length() - 1
        kept.append(at)
        left &= ~(int.from_bytes(data[at * size : (at + 1) * size], "little") | 1 << at)
    return kept
