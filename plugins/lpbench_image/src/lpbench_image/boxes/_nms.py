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


def suppress(corners: Floats, classes: Indices | None, overlap: float, limit: int) -> Indices:
    """Return the indices of the boxes that stay, best first.

    A box is dropped where its intersection over union with a better one that stays
    exceeds ``overlap``.  A box without area overlaps nothing.

    :param corners: ``(4, n)``: left, top, right, bottom; the best box first.
    :param classes: ``(n,)``: only boxes of one class compete; None for all.
    :param limit: Of boxes that stay.
    """
    sides = corners[2:] - corners[:2]
    width, height = np.maximum(sides, NOUGHT, out=sides)
    count, factor = corners.shape[1], np.array(1 + overlap, np.float32)
    boxes = Boxes(corners, width * height * np.array(overlap, np.float32), classes, np.arange(count))
    if count <= BLOCK:
        return np.array(_greedy(_drops(boxes, boxes, factor), limit), np.int64)
    kept: list[int] = []
    for start in range(0, count, TILE):
        tile = boxes.span(start, start + TILE)
        for at in range(0, len(kept), GROUP):
            tile = _left(boxes.some(kept[at : at + GROUP]), tile, factor)
        kept += _tile(tile, factor, limit - len(kept))
        if len(kept) >= limit:
            break
    return np.array(kept, np.int64)


def _tile(tile: Boxes, factor: Floats, limit: int) -> list[int]:
    """Return the indices of those that stay among themselves."""
    kept: list[int] = []
    while len(tile.indices) and len(kept) < limit:
        block, rest = tile.span(0, BLOCK), tile.span(BLOCK, None)
        chosen = block.some(_greedy(_drops(block, block, factor), limit - len(kept)))
        kept += chosen.indices.tolist()
        tile = _left(chosen, rest, factor)
    return kept


def _left(better: Boxes, others: Boxes, factor: Floats) -> Boxes:
    """Return the others that none of the better ones drops."""
    return others.some(np.flatnonzero(~_drops(better, others, factor).any(axis=0)))


def _drops(better: Boxes, others: Boxes, factor: Floats) -> Bools:
    """Return whether each of ``better`` drops each of ``others``, ``(m, n)``.

    ``common / (a + b - common) > overlap`` without a division: ``common (1 + overlap) > overlap a + overlap b``.
    """
    mine, theirs = better.corners[:, :, None], others.corners[:, None]
    sides = np.minimum(mine[2:], theirs[2:])
    sides -= np.maximum(mine[:2], theirs[:2])
    common, other = sides
    np.maximum(common, NOUGHT, out=common)  # two negative sides would make an area
    common *= other
    common *= factor
    drops: Bools = common > better.share[:, None] + others.share
    if better.classes is not None and others.classes is not None:
        drops &= better.classes[:, None] == others.classes
    return drops


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
