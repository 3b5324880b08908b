"""Quality of masks and of points."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lpbench.errors import LpbenchError
from lpbench.plugin.quality import Quality, QualityMetric
from lpbench_image.post import run_lengths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Flags = npt.NDArray[np.bool_]

HALF = 128
"""A grey value from which on a pixel of a drawn mask belongs to it."""


class MeanIntersectionOverUnion(QualityMetric):
    """Pixels that are in both masks by pixels that are in either, over all pictures; the mean over the classes."""

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._counts: dict[str, npt.NDArray[np.int64]] = {}
        self._n = 0

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Count the pixels of one picture.

        :param truth: ``mask``: run lengths, or a picture: of one class from 128 on, of several the index of the class;
            or ``masks``: run lengths by label.
        :raises LpbenchError: There is no mask, or it has another size.
        """
        found = _found(described)
        single = "mask" in described
        there = _there(truth, self.labels, next(iter(found), ""), single=single)
        self._n += 1
        for label in found.keys() | there.keys():
            one, other = found.get(label), there.get(label)
            counts = self._counts.setdefault(label, np.zeros(3, np.int64))
            counts += _pixels(one, other, label)

    def result(self) -> Quality:
        """Return the mean over the classes, and each class's."""
        parts = {label: self._of(*counts.tolist()) for label, counts in sorted(self._counts.items())}
        known = [value for value in parts.values() if value is not None]
        if not known:
            return Quality(None, self._n, "no mask holds a pixel" if self._n else "no sample was judged")
        return Quality(float(np.mean(known)), self._n, parts=parts)

    def _of(self, both: int, found: int, there: int) -> float | None:
        either = found + there - both
        return both / either if either else None


class Dice(MeanIntersectionOverUnion):
    """Twice the pixels that are in both masks by the sum of the pixels of each; the mean over the classes."""

    def _of(self, both: int, found: int, there: int) -> float | None:
        return 2 * both / (found + there) if found + there else None


class NormalisedMeanError(QualityMetric):
    """Mean distance of points by the size of the box around the true ones, the root of its area.

    As for faces in Zhu et al., "Face Alignment Across Large Poses", arXiv:1511.07212, section 5.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._errors: list[float] = []

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Note the error of one picture.

        :raises LpbenchError: There are no points, or not as many as are true.
        """
        found, there = _points(described), np.asarray(truth.get("points", ()), np.float64)
        if found is None or there.ndim != 2 or len(there) != len(found):  # noqa: PLR2004 - points have two numbers
            raise LpbenchError(f"{len(there)} true points for {0 if found is None else len(found)} predicted ones")
        size = float(np.sqrt(np.ptp(there[:, :2], axis=0).prod()))
        distance = np.linalg.norm(found[:, :2] - there[:, :2], axis=1).mean()
        self._errors.append(float(distance) / size if size else float("nan"))

    def result(self) -> Quality:
        """Return the mean over the pictures."""
        known = [each for each in self._errors if np.isfinite(each)]
        return Quality(float(np.mean(known)) if known else None, len(known), "" if known else "no sample was judged")


def _found(described: Mapping[str, Any]) -> dict[str, Flags]:
    if "mask" in described:
        label = next(iter(described.get("share", {})), "")
        return {label: _decoded(described["mask"])}
    if "masks" in described:
        return {label: _decoded(each) for label, each in described["masks"].items()}
    raise LpbenchError("the app's predictions have no mask")


def _there(truth: Mapping[str, Any], labels: Sequence[str], label: str, *, single: bool) -> dict[str, Flags]:
    if isinstance(truth.get("masks"), dict):
        return {name: _decoded(each) for name, each in truth["masks"].items()}
    mask = truth.get("mask")
    if isinstance(mask, dict):
        return {label: _decoded(mask)}
    if not isinstance(mask, str):
        raise LpbenchError("the data have no mask", hint='"mask": a picture beside the manifest, or run lengths')
    values = cv2.imread(mask, cv2.IMREAD_GRAYSCALE)
    if values is None:
        raise LpbenchError("is no picture that can be read", where=Path(mask).name)
    if single:
        return {label: np.asarray(values >= HALF)}
    return {_name(at, labels): np.asarray(values == at) for at in np.unique(values).tolist()}


def _decoded(encoded: Mapping[str, Any]) -> Flags:
    try:
        return run_lengths.decode(encoded)
    except (KeyError, TypeError, ValueError) as error:
        raise LpbenchError(f"run lengths that are no mask: {error}") from error


def _name(at: int, labels: Sequence[str]) -> str:
    return labels[at] if at < len(labels) else str(at)


def _pixels(found: Flags | None, there: Flags | None, label: str) -> npt.NDArray[np.int64]:
    """Return how many pixels are in both, in the one and in the other."""
    if found is not None and there is not None and found.shape != there.shape:
        raise LpbenchError(f'mask of "{label}" is {list(found.shape)} pixels; the true one {list(there.shape)}')
    both = int((found & there).sum()) if found is not None and there is not None else 0
    return np.array([both, *(0 if each is None else int(each.sum()) for each in (found, there))])


def _points(described: Mapping[str, Any]) -> npt.NDArray[np.float64] | None:
    """Return the points of a prediction, in a chain those of the first thing that has any."""
    if "points" in described:
        return np.asarray(described["points"], np.float64).reshape(len(described["points"]), -1)
    nested = (each for value in described.values() if isinstance(value, list) for each in value)
    return next((found for each in nested if isinstance(each, dict) and (found := _points(each)) is not None), None)
