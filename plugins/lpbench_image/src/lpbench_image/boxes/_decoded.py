"""Models that decode their boxes themselves, and may already have suppressed overlapping ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpbench_image._outputs import choose
from lpbench_image.boxes._detector import SIZED, Detector
from lpbench_image.boxes._nms import NOUGHT
from lpbench_image.boxes._readers import Levels, Objectness, Pairs
from lpbench_image.boxes._scores import Rule
from lpbench_image.boxes._tables import Tables
from lpbench_image.boxes.config import BoxesConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import TensorInfo
    from lpbench_image.boxes._readers import Reader
    from lpbench_image.geometry import Extent

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int64]

HALF = np.array(0.5, np.float32)
CORNERS = {"ltrb": [0, 1, 2, 3], "tlbr": [1, 0, 3, 2]}
"""Positions of left, top, right and bottom in the formats that consist of them."""


class Boxes(Detector[BoxesConfig]):
    """Reads boxes that the model has already decoded."""

    def __init__(self, config: BoxesConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        rule = Rule(config.threshold, config.activation, config.background)
        if config.output:
            boxes, reader = _together(config, rule, outputs, len(labels))
        else:
            boxes, reader = _apart(config, rule, outputs, len(labels))
        super().__init__(config, outputs, labels, reader, boxes, slice(0, SIZED) if config.output else None)

    def _decode(self, numbers: Floats, rows: Indices, size: Extent) -> Floats:
        corners = _corners(numbers.T, self.config.format).reshape(2, 2, -1)
        if self.config.unit == "share":
            corners *= np.array(size[::-1], np.float32)[:, None]
        return corners


def _together(config: BoxesConfig, rule: Rule, outputs: Sequence[TensorInfo], labels: int) -> tuple[Tables, Reader]:
    """Return the boxes and the score reader for one output with both."""
    paired = config.holds == "score, class"
    width = SIZED + 2 if paired else None
    table = Tables("output", config.output, outputs, width, transposed=config.transposed)
    if paired:
        return table, Pairs({"scores": table, "classes": table}, rule, (SIZED, SIZED + 1), None, labels)
    if config.holds == "objectness":
        return table, Objectness(table, rule, SIZED)
    return table, Levels(table, rule, slice(SIZED, None))


def _apart(config: BoxesConfig, rule: Rule, outputs: Sequence[TensorInfo], labels: int) -> tuple[Tables, Reader]:
    """Return the boxes and the score reader for separate outputs."""
    boxes = Tables("boxes", config.boxes, outputs, SIZED)
    only = 1 if config.classes or (labels == 1 and config.background == "none") else None
    scores = Tables("scores", config.scores, outputs, only)
    if not config.classes:
        return boxes, Levels(scores, rule)
    tables = {"scores": scores, "classes": Tables("classes", config.classes, outputs, 1)}
    count = choose(config.count, outputs, "count") if config.count else None
    return boxes, Pairs(tables, rule, (0, 0), count, labels)


def _corners(boxes: Floats, form: str) -> Floats:
    """Return ``(4, n)`` numbers of a given format as left, top, right, bottom."""
    if form in CORNERS:
        ordered: Floats = boxes[CORNERS[form]]
        return ordered
    corners: Floats = np.empty(boxes.shape, np.float32)
    np.subtract(boxes[:2], boxes[2:] * HALF if form == "cxcywh" else NOUGHT, out=corners[:2])
    np.add(corners[:2], boxes[2:], out=corners[2:])
    return corners
