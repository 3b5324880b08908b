"""Average precision of boxes, as defined by COCO and by PASCAL VOC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import LpbenchError
from lpbench.plugin.quality import Quality, QualityMetric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Intersections over union that COCO averages over."""
RECALLS = np.linspace(0, 1, 101)
"""Recalls at which COCO samples the precision."""
MOST = 100
"""Boxes of a class that COCO evaluates in one picture, by descending score."""
VOC_OVERLAP = 0.5


@dataclass(frozen=True)
class Picture:
    """The boxes of one class in one picture.

    :param scores: ``(n,)``: scores of the predicted boxes, descending.
    :param overlaps: ``(n, m)``: overlaps of the predicted boxes with the true ones.
    :param aside: ``(m,)``: true boxes that do not count, such as crowds and difficult ones.
    """

    scores: Floats
    overlaps: Floats
    aside: Flags


@dataclass
class Pictures:
    """The pictures with predicted or true boxes of a class."""

    every: list[Picture] = field(default_factory=list)

    @property
    def there(self) -> int:
        """Number of true boxes that count."""
        return sum(int((~picture.aside).sum()) for picture in self.every)


class _AveragePrecision(QualityMetric):
    """Collects boxes by class; subclasses define the average precision."""

    aside = "crowd"
    """Key that marks a true box as one that does not count."""

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._by_label: dict[str, Pictures] = {}
        self._n = 0

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Add the boxes of one picture.

        :raises LpbenchError: The data or the app's predictions have no ``items`` with boxes.
        """
        predicted, true = _items(described, "the app's predictions"), _items(truth, "the data")
        self._n += 1
        for label in {_label(item) for item in (*predicted, *true)}:
            pictures = self._by_label.setdefault(label, Pictures())
            of_label = [[item for item in items if _label(item) == label] for items in (predicted, true)]
            pictures.every.append(self._picture(*of_label))

    def result(self) -> Quality:
        """Return the mean over the classes with true boxes, and the value of each class."""
        known = {label: pictures for label, pictures in sorted(self._by_label.items()) if pictures.there}
        parts = {label: self._of(pictures) for label, pictures in known.items()}
        if not parts:
            return Quality(None, self._n, "the data contain no boxes" if self._n else "no sample was evaluated")
        return Quality(float(np.mean(list(parts.values()))), self._n, parts=parts)

    def _of(self, pictures: Pictures) -> float:
        raise NotImplementedError

    def _picture(self, predicted: Sequence[Mapping[str, Any]], true: Sequence[Mapping[str, Any]]) -> Picture:
        scores = np.array([item["score"] for item in predicted], np.float64)
        order = np.argsort(-scores, kind="stable")
        boxes = np.array([item["box"] for item in predicted], np.float64).reshape(-1, 4)[order]
        true_boxes = np.array([item["box"] for item in true], np.float64).reshape(-1, 4)
        aside = np.array([bool(item.get(self.aside)) for item in true], np.bool_)
        return Picture(scores[order], self._overlaps(boxes, true_boxes, aside), aside)

    def _overlaps(self, found: Floats, there: Floats, aside: Flags) -> Floats:
        return overlaps(found, there, aside)


class CocoAveragePrecision(_AveragePrecision):
    """Mean average precision as in COCO's evaluation: AP at IoU .50 to .95, all areas, 100 detections.

    Lin et al., "Microsoft COCO", arXiv:1405.0312; cocodataset.org/#detection-eval.
    """

    def _of(self, pictures: Pictures) -> float:
        cut = [Picture(picture.scores[:MOST], picture.overlaps[:MOST], picture.aside) for picture in pictures.every]
        return float(np.mean([_coco_at(cut, threshold, pictures.there) for threshold in THRESHOLDS]))


class VocAveragePrecision(_AveragePrecision):
    """Mean average precision as in PASCAL VOC since 2010: the area under the monotonic precision curve, at IoU .5.

    Everingham et al., "The PASCAL Visual Object Classes Challenge: A Retrospective", 2015, section 2.
    """

    aside = "difficult"

    def _of(self, pictures: Pictures) -> float:
        scores, hits = _in_order(pictures.every, [_voc_matches(picture) for picture in pictures.every])
        precision, recall = _curve(hits, pictures.there)
        steps = np.diff(recall, prepend=0.0)
        return float((steps * precision).sum()) if scores.size else 0.0

    def _overlaps(self, found: Floats, there: Floats, aside: Flags) -> Floats:
        return overlaps(found, there, np.zeros_like(aside))


def overlaps(found: Floats, there: Floats, crowds: Flags) -> Floats:
    """Return the intersection over union, ``(n, m)``; for crowds, the intersection over the predicted box alone.

    :param found: ``(n, 4)``: predicted boxes as left, top, right, bottom.
    :param there: ``(m, 4)``: true boxes.
    :param crowds: ``(m,)``: true boxes that are crowds.
    """
    low = np.maximum(found[:, None, :2], there[None, :, :2])
    high = np.minimum(found[:, None, 2:], there[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area, true_area = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (found, there))
    union = np.where(crowds[None], area[:, None], area[:, None] + true_area[None] - shared)
    shares: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares


def _coco_at(pictures: Sequence[Picture], threshold: float, there: int) -> float:
    """Return the mean of the precision at 101 recalls."""
    _, hits = _in_order(pictures, [_coco_matches(picture, threshold) for picture in pictures])
    precision, recall = _curve(hits, there)
    at = np.searchsorted(recall, RECALLS, side="left")
    return float(np.append(precision, 0.0)[np.minimum(at, len(precision))].mean())


def _coco_matches(picture: Picture, threshold: float) -> npt.NDArray[np.int8]:
    """Return 1 for a hit, 0 for a miss and -1 for a box that does not count, in the order of the scores.

    Each predicted box is matched with the free true box that it overlaps most; boxes that count have priority over
    those that do not, and a crowd can be matched several times.
    """
    matches = np.zeros(len(picture.scores), np.int8)
    free = np.ones(len(picture.aside), np.bool_)
    for at, row in enumerate(picture.overlaps):
        for group in (~picture.aside & free, picture.aside):
            fit = np.where(group, row, -1.0)
            best = len(fit) - 1 - int(fit[::-1].argmax()) if fit.size else 0
            if fit.size and fit[best] >= min(threshold, 1 - 1e-10):
                matches[at] = -1 if picture.aside[best] else 1
                free[best] = False
                break
    return matches


def _voc_matches(picture: Picture) -> npt.NDArray[np.int8]:
    """Return the same by VOC's rule: a box is matched with the true box that it overlaps most, which the first wins."""
    matches = np.zeros(len(picture.scores), np.int8)
    taken: set[int] = set()
    for at, row in enumerate(picture.overlaps):
        best = int(row.argmax()) if row.size else 0
        if not row.size or row[best] < VOC_OVERLAP:
            continue
        if picture.aside[best]:
            matches[at] = -1
        elif best not in taken:
            matches[at] = 1
            taken.add(best)
    return matches


def _in_order(
    pictures: Sequence[Picture], matches: Sequence[npt.NDArray[np.int8]]
) -> tuple[Floats, npt.NDArray[np.int8]]:
    """Return scores and matches of all pictures by descending score, without boxes that do not count."""
    scores = np.concatenate([picture.scores for picture in pictures]) if pictures else np.empty(0)
    hits = np.concatenate(matches) if matches else np.empty(0, np.int8)
    order = np.argsort(-scores, kind="stable")
    order = order[hits[order] >= 0]
    return scores[order], hits[order]


def _curve(hits: npt.NDArray[np.int8], there: int) -> tuple[Floats, Floats]:
    """Return the precision, made monotonically decreasing, and the recall after each box."""
    right = np.cumsum(hits == 1)
    precision = right / np.arange(1, len(hits) + 1)
    return np.maximum.accumulate(precision[::-1])[::-1], right / there


def _label(item: Mapping[str, Any]) -> str:
    return str(item.get("label", ""))


def _items(record: Mapping[str, Any], whose: str) -> list[Mapping[str, Any]]:
    items = record.get("items")
    if not isinstance(items, list) or not all(len(item.get("box") or ()) == 4 for item in items):  # noqa: PLR2004 - sides
        raise LpbenchError(
            f"{whose} have no boxes", hint='expected "items", each with "box": [left, top, right, bottom]'
        )
    return items
