"""Average precision of boxes, by the definitions of COCO and of PASCAL VOC."""

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
"""Overlaps over which COCO takes the mean."""
RECALLS = np.linspace(0, 1, 101)
"""Recalls at which COCO looks up the precision."""
MOST = 100
"""Boxes of a class in one picture that COCO looks at, the surest ones."""
VOC_OVERLAP = 0.5


@dataclass(frozen=True)
class Picture:
    """The boxes of one class in one picture.

    :param scores: ``(n,)``, falling; of what was found.
    :param overlaps: ``(n, m)``, of what was found with what is there.
    :param aside: ``(m,)``, what is there and does not count: crowds, difficult ones.
    """

    scores: Floats
    overlaps: Floats
    aside: Flags


@dataclass
class Pictures:
    """The pictures in which a class was found or is there."""

    every: list[Picture] = field(default_factory=list)

    @property
    def there(self) -> int:
        """How many boxes count."""
        return sum(int((~each.aside).sum()) for each in self.every)


class _AveragePrecision(QualityMetric):
    """Collects boxes by class; what an average precision is, subclasses say."""

    aside = "crowd"
    """Key of a true box that does not count."""

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._by_label: dict[str, Pictures] = {}
        self._n = 0

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Take in the boxes of one picture.

        :raises LpbenchError: The data have no boxes, or the app predicts none.
        """
        found, there = _items(described, "the app's predictions"), _items(truth, "the data")
        self._n += 1
        for label in {_label(each) for each in (*found, *there)}:
            pictures = self._by_label.setdefault(label, Pictures())
            pictures.every.append(
                self._picture(
                    [each for each in found if _label(each) == label], [each for each in there if _label(each) == label]
                )
            )

    def result(self) -> Quality:
        """Return the mean over the classes that are there, and each class's."""
        known = {label: pictures for label, pictures in sorted(self._by_label.items()) if pictures.there}
        parts = {label: self._of(pictures) for label, pictures in known.items()}
        if not parts:
            return Quality(None, self._n, "the data have no box" if self._n else "no sample was judged")
        return Quality(float(np.mean(list(parts.values()))), self._n, parts=parts)

    def _of(self, pictures: Pictures) -> float:
        raise NotImplementedError

    def _picture(self, found: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]]) -> Picture:
        scores = np.array([each["score"] for each in found], np.float64)
        order = np.argsort(-scores, kind="stable")
        boxes = np.array([each["box"] for each in found], np.float64).reshape(-1, 4)[order]
        true = np.array([each["box"] for each in there], np.float64).reshape(-1, 4)
        aside = np.array([bool(each.get(self.aside)) for each in there], np.bool_)
        return Picture(scores[order], self._overlaps(boxes, true, aside), aside)

    def _overlaps(self, found: Floats, there: Floats, aside: Flags) -> Floats:
        return overlaps(found, there, aside)


class CocoAveragePrecision(_AveragePrecision):
    """Mean average precision as in COCO's evaluation: AP at IoU .50 to .95, all areas, 100 detections.

    Lin et al., "Microsoft COCO", arXiv:1405.0312; cocodataset.org/#detection-eval.
    """

    def _of(self, pictures: Pictures) -> float:
        cut = [Picture(each.scores[:MOST], each.overlaps[:MOST], each.aside) for each in pictures.every]
        return float(np.mean([_coco_at(cut, threshold, pictures.there) for threshold in THRESHOLDS]))


class VocAveragePrecision(_AveragePrecision):
    """Mean average precision as in PASCAL VOC from 2010 on: the area under the falling precision, at IoU .5.

    Everingham et al., "The PASCAL Visual Object Classes Challenge: A Retrospective", 2015, section 2.
    """

    aside = "difficult"

    def _of(self, pictures: Pictures) -> float:
        scores, hits = _in_order(pictures.every, [_voc_matches(each) for each in pictures.every])
        precision, recall = _curve(hits, pictures.there)
        steps = np.diff(recall, prepend=0.0)
        return float((steps * precision).sum()) if scores.size else 0.0

    def _overlaps(self, found: Floats, there: Floats, aside: Flags) -> Floats:
        return overlaps(found, there, np.zeros_like(aside))


def overlaps(found: Floats, there: Floats, crowds: Flags) -> Floats:
    """Return intersection over union, ``(n, m)``; over the found box alone where the other is a crowd.

    :param found: ``(n, 4)`` left, top, right, bottom.
    :param there: ``(m, 4)``.
    """
    low = np.maximum(found[:, None, :2], there[None, :, :2])
    high = np.minimum(found[:, None, 2:], there[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area, other = ((each[:, 2:] - each[:, :2]).prod(axis=1) for each in (found, there))
    union = np.where(crowds[None], area[:, None], area[:, None] + other[None] - shared)
    shares: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares


def _coco_at(pictures: Sequence[Picture], threshold: float, there: int) -> float:
    """Return the precision at 101 recalls, its mean."""
    _, hits = _in_order(pictures, [_coco_matches(each, threshold) for each in pictures])
    precision, recall = _curve(hits, there)
    at = np.searchsorted(recall, RECALLS, side="left")
    return float(np.append(precision, 0.0)[np.minimum(at, len(precision))].mean())


def _coco_matches(picture: Picture, threshold: float) -> npt.NDArray[np.int8]:
    """Return 1 for a hit, 0 for a miss and -1 for what does not count, in the order of the scores.

    Each box takes the one that it overlaps most of those not taken, one that counts before one that does not; a crowd
    may be taken many times.
    """
    found = np.zeros(len(picture.scores), np.int8)
    free = np.ones(len(picture.aside), np.bool_)
    for at, row in enumerate(picture.overlaps):
        for group in (~picture.aside & free, picture.aside):
            fit = np.where(group, row, -1.0)
            best = len(fit) - 1 - int(fit[::-1].argmax()) if fit.size else 0
            if fit.size and fit[best] >= min(threshold, 1 - 1e-10):
                found[at] = -1 if picture.aside[best] else 1
                free[best] = False
                break
    return found


def _voc_matches(picture: Picture) -> npt.NDArray[np.int8]:
    """Return the like by VOC's rule: a box belongs to the one that it overlaps most, and only the first may have it."""
    found = np.zeros(len(picture.scores), np.int8)
    taken: set[int] = set()
    for at, row in enumerate(picture.overlaps):
        best = int(row.argmax()) if row.size else 0
        if not row.size or row[best] < VOC_OVERLAP:
            continue
        if picture.aside[best]:
            found[at] = -1
        elif best not in taken:
            found[at] = 1
            taken.add(best)
    return found


def _in_order(
    pictures: Sequence[Picture], matches: Sequence[npt.NDArray[np.int8]]
) -> tuple[Floats, npt.NDArray[np.int8]]:
    """Return scores and matches of all pictures, the surest first, without what does not count."""
    scores = np.concatenate([each.scores for each in pictures]) if pictures else np.empty(0)
    hits = np.concatenate(matches) if matches else np.empty(0, np.int8)
    order = np.argsort(-scores, kind="stable")
    order = order[hits[order] >= 0]
    return scores[order], hits[order]


def _curve(hits: npt.NDArray[np.int8], there: int) -> tuple[Floats, Floats]:
    """Return the precision, made to fall, and the recall after each box."""
    right = np.cumsum(hits == 1)
    precision = right / np.arange(1, len(hits) + 1)
    return np.maximum.accumulate(precision[::-1])[::-1], right / there


def _label(each: Mapping[str, Any]) -> str:
    return str(each.get("label", ""))


def _items(record: Mapping[str, Any], whose: str) -> list[Mapping[str, Any]]:
    found = record.get("items")
    if not isinstance(found, list) or not all(len(each.get("box", ())) == 4 for each in found):  # noqa: PLR2004 - sides
        raise LpbenchError(f"{whose} have no boxes", hint='"items", each with "box": left, top, right, bottom')
    return found
