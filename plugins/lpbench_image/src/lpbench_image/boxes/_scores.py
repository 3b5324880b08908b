"""Selects boxes by score: thresholds apply to the model's raw values, so that only selected ones are activated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int64]

LOWEST = -80.0
"""Lowest logit that is distinguished: below it the exponential overflows, and the score is less than 1e-34."""
ROUNDING = np.float32(1e-3)
ONE = np.ones((), np.float32)


class Candidates(NamedTuple):
    """Boxes that reach the threshold, ordered by row, and by class within a row.

    :param rows: ``(n,)``: row in the outputs.
    :param classes: ``(n,)``: class index.
    :param scores: ``(n,)``: score of this class.
    """

    rows: Indices
    classes: Indices
    scores: Floats


NOBODY = Candidates(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


class UnsoundError(ValueError):
    """Scores hold NaN or infinity."""


class Rule:
    """Selects scores by a threshold.

    :param threshold: Lowest score to select.
    :param activation: ``sigmoid``, ``softmax`` or ``none``.
    :param background: ``none``, ``first`` or ``last``.
    """

    def __init__(self, threshold: float, activation: str, background: str) -> None:
        self._threshold = _number(threshold)
        self._softmax, self._sigmoid = activation == "softmax", activation == "sigmoid"
        self._bound = self._threshold if activation == "none" else _number(_logit(threshold))
        self._background = {"none": None, "first": 0, "last": -1}[background]
        self._classes = slice(int(background == "first"), -1 if background == "last" else None)

    def classes(self, width: int) -> int:
        """Return the number of classes in a row of this width."""
        return width - (self._background is not None)

    def pick(self, values: Floats) -> Candidates:
        """Return the candidates that reach the threshold.

        :param values: ``(N, width)``, the model's raw values.
        :raises UnsoundError: They contain NaN or infinity; minus infinity is a score of 0.
        """
        if self._softmax:
            return self._pick_softmax(values)
        rows = None
        if (
            values.size and values.flags.f_contiguous and not values.flags.c_contiguous
        ):  # the classes of a row are not contiguous
            best = np.maximum.reduce(values.T[self._classes], axis=0)
            sound(best)
            rows = (best >= self._bound).nonzero()[0]
            values = values[rows]
        elif sound(values) < self._bound:
            return NOBODY
        above = _above(values, self._bound, rows, self._background)
        return Candidates(above.rows, above.classes, sigmoid(above.scores)) if self._sigmoid else above

    def settled(self, scores: Floats, rows: Indices | None) -> Candidates:
        """Return the candidates among final scores that reach the threshold.

        :param rows: Rows in the outputs of the rows of ``scores``; None if they are the same.
        """
        return _above(scores, self._threshold, rows)

    def full(self, values: Floats) -> Floats:
        """Return all scores in the shape of the values, without the background."""
        if self._softmax:
            return _softmax(values)[:, self._classes]
        scored = values[..., self._classes]
        return sigmoid(np.maximum(scored, np.float32(LOWEST))) if self._sigmoid else scored

    def _pick_softmax(self, values: Floats) -> Candidates:
        """Select before the softmax: where a class scores t or more, the background scores 1 - t or less."""
        sound(values)
        rows = None
        if self._background is not None:
            margins = values[:, self._classes] - values[:, self._background, None]
            rows = (margins >= self._bound - ROUNDING).any(axis=1).nonzero()[0]
            values = values[rows]
        return self.settled(_softmax(values)[:, self._classes], rows)


def sound(values: Floats) -> float:
    """Return the highest value; minus infinity if there are no values.

    :raises UnsoundError: A value is NaN or plus infinity.
    """
    together = values.ravel() if values.flags.c_contiguous else values
    peak = float(np.maximum.reduce(together, axis=None, initial=-np.inf))
    if math.isnan(peak) or peak == math.inf:
        raise UnsoundError(str(peak))
    return peak


def sigmoid(values: Floats) -> Floats:
    """Return the logistic function of logits that are not below ``LOWEST``."""
    scores: Floats = np.exp(-values)
    scores += ONE
    np.reciprocal(scores, out=scores)
    return scores


def _above(scores: Floats, bound: Floats, rows: Indices | None, background: int | None = None) -> Candidates:
    """Return the candidates that reach the bound.

    :param rows: Rows in the outputs of the rows of ``scores``; None if they are the same.
    :param background: Column to drop from the result: searching contiguous values is faster than a slice of them.
    """
    at = (scores >= bound).ravel().nonzero()[0]
    width = scores.shape[1]
    if width == 1:
        return Candidates(at if rows is None else rows[at], np.zeros(len(at), np.int64), scores[:, 0][at])
    indices = at // width
    classes = at - indices * width
    if background is not None:
        kept = classes != background % width
        indices, classes = indices[kept], classes[kept]
    picked = scores[indices, classes]
    return Candidates(indices if rows is None else rows[indices], classes - (background == 0), picked)


def _softmax(values: Floats) -> Floats:
    exponentials: Floats = np.exp(values - values.max(axis=1, keepdims=True, initial=-np.inf))
    exponentials /= exponentials.sum(axis=1, keepdims=True)
    return exponentials


def _number(value: float) -> Floats:
    """Return a number as an array, which numpy handles faster; logits are clipped at ``LOWEST``."""
    return np.array(max(value, LOWEST), np.float32)


def _logit(share: float) -> float:
    if share in {0.0, 1.0}:
        return math.inf if share else -math.inf
    return math.log(share / (1 - share))
