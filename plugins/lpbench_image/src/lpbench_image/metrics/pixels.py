"""Quality metrics of masks and of points."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lpbench.errors import LpbenchError
from lpbench.plugin.kit.untrusted import read_regular
from lpbench.plugin.quality import Quality, QualityMetric
from lpbench_image._decode import FILE_BYTES, decode, decode_values
from lpbench_image.post import run_lengths
from lpbench_image.post.run_lengths import MAX_PIXELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Flags = npt.NDArray[np.bool_]

HALF = 128
"""Lowest grey value, of 255, of the pixels that belong to a mask given as a picture."""


class MeanIntersectionOverUnion(QualityMetric):
    """Intersection over union of masks, counted in pixels over all pictures; the mean over the classes."""

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._counts: dict[str, npt.NDArray[np.int64]] = {}
        self._n = 0

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Count the pixels of one picture.

        :param truth: ``mask``: run lengths, or the path of a picture, in which a single class is lighter than half of
            white and several classes have their indices as values; or ``masks``: run lengths by label.
        :raises LpbenchError: A mask is missing, has colours in place of indices, or its size is not the prediction's.
        """
        predicted = _predicted(described)
        single = "mask" in described
        true = _true(truth, self.labels, next(iter(predicted), ""), single=single)
        self._n += 1
        for label in predicted.keys() | true.keys():
            counts = self._counts.setdefault(label, np.zeros(3, np.int64))
            counts += _pixels(predicted.get(label), true.get(label), label)

    def result(self) -> Quality:
        """Return the mean over the classes, and the value of each class."""
        parts = {label: self._of(*counts.tolist()) for label, counts in sorted(self._counts.items())}
        known = [value for value in parts.values() if value is not None]
        if not known:
            return Quality(None, self._n, "all masks are empty" if self._n else "no sample was evaluated")
        return Quality(float(np.mean(known)), self._n, parts=parts)

    def _of(self, both: int, predicted: int, true: int) -> float | None:
        either = predicted + true - both
        return both / either if either else None


class Dice(MeanIntersectionOverUnion):
    """Dice coefficient: twice the intersection divided by the sum of both masks; the mean over the classes."""

    def _of(self, both: int, predicted: int, true: int) -> float | None:
        return 2 * both / (predicted + true) if predicted + true else None


class NormalisedMeanError(QualityMetric):
    """Mean distance of points, divided by the size of the true points' bounding box: the root of its area.

    As for faces in Zhu et al., "Face Alignment Across Large Poses", arXiv:1511.07212, section 5.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._errors: list[float] = []

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Add the error of one picture.

        :raises LpbenchError: The prediction has no points, or their number differs from that of the true ones.
        """
        points, true = _points(described), np.asarray(truth.get("points", ()), np.float64)
        if points is None or true.ndim != 2 or not len(true) or len(true) != len(points):  # noqa: PLR2004 - two numbers
            raise LpbenchError(f"{len(true)} true points for {0 if points is None else len(points)} predicted ones")
        size = float(np.sqrt(np.ptp(true[:, :2], axis=0).prod()))
        distance = np.linalg.norm(points[:, :2] - true[:, :2], axis=1).mean()
        self._errors.append(float(distance) / size if size else float("nan"))

    def result(self) -> Quality:
        """Return the mean over the pictures."""
        known = [error for error in self._errors if np.isfinite(error)]
        return Quality(float(np.mean(known)) if known else None, len(known), "" if known else "no sample was evaluated")


def _predicted(described: Mapping[str, Any]) -> dict[str, Flags]:
    if "mask" in described:
        label = next(iter(described.get("share", {})), "")
        return {label: _decoded(described["mask"])}
    if "masks" in described:
        return {label: _decoded(mask) for label, mask in described["masks"].items()}
    raise LpbenchError("the app's predictions have no mask")


def _true(truth: Mapping[str, Any], labels: Sequence[str], label: str, *, single: bool) -> dict[str, Flags]:
    if isinstance(truth.get("masks"), dict):
        return {name: _decoded(encoded) for name, encoded in truth["masks"].items()}
    mask = truth.get("mask")
    if isinstance(mask, dict):
        return {label: _decoded(mask)}
    if not isinstance(mask, str):
        raise LpbenchError("the data have no mask", hint='set "mask": a picture beside the manifest, or run lengths')
    try:
        data = read_regular(Path(mask), limit=FILE_BYTES, error=LpbenchError)
        if single:
            return {label: cv2.cvtColor(decode(data, MAX_PIXELS), cv2.COLOR_BGR2GRAY) >= HALF}
        values = decode_values(data, MAX_PIXELS)
    except (LpbenchError, ValueError) as error:
        reason = error.what if isinstance(error, LpbenchError) else error
        raise LpbenchError(f"cannot be read as a picture: {reason}", where=Path(mask).name) from error
    return {_name(at, labels): np.asarray(values == at) for at in np.unique(values).tolist()}


def _decoded(encoded: Mapping[str, Any]) -> Flags:
    try:
        return run_lengths.decode(encoded)
    except (KeyError, TypeError, ValueError) as error:
        raise LpbenchError(f"the run lengths of a mask are invalid: {error}") from error


def _name(at: int, labels: Sequence[str]) -> str:
    return labels[at] if at < len(labels) else str(at)


def _pixels(predicted: Flags | None, true: Flags | None, label: str) -> npt.NDArray[np.int64]:
    """Return the number of pixels in both masks, in the predicted one and in the true one."""
    if predicted is not None and true is not None and predicted.shape != true.shape:
        raise LpbenchError(f'the mask of "{label}" has {list(predicted.shape)} pixels, the true one {list(true.shape)}')
    both = int((predicted & true).sum()) if predicted is not None and true is not None else 0
    return np.array([both, *(0 if mask is None else int(mask.sum()) for mask in (predicted, true))])


def _points(described: Mapping[str, Any]) -> npt.NDArray[np.float64] | None:
    """Return the points of a prediction; in a chain, those of the first object that has any."""
    if "points" in described:
        return np.asarray(described["points"], np.float64).reshape(len(described["points"]), -1)
    nested = (item for value in described.values() if isinstance(value, list) for item in value)
    return next((points for item in nested if isinstance(item, dict) and (points := _points(item)) is not None), None)
