"""Which boxes score enough: found on the model's own numbers, so that only theirs are activated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int64]

LOWEST = -80.0
"""Logits below are none: their exponential would overflow, and their score is less than 1e-34."""
ROUNDING = np.float32(1e-3)
ONE = np.ones((), np.float32)


class Candidates(NamedTuple):
    """Boxes that score enough, in the order of rows, and of classes where a row has several.

    :param rows: ``(n,)``.
    :param classes: ``(n,)``.
    :param scores: ``(n,)``.
    """

    rows: Indices
    classes: Indices
    scores: Floats


NOBODY = Candidates(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


class UnsoundError(ValueError):
    """Scores hold NaN or infinity."""


class Rule:
    """When a score is enough.

    :param threshold: Least score.
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
        """Return how many classes a row of this width has."""
        return width - (self._background is not None)

    def pick(self, values: Floats) -> Candidates:
        """Return what scores enough.

        :param values: ``(N, width)``, the model's own numbers.
        :raises UnsoundError: NaN is among them, or infinity; minus infinity is a score of 0.
        """
        if self._softmax:
            return self._pick_softmax(values)
        rows = None
        if values.size and values.flags.f_contiguous and not values.flags.c_contiguous:  # classes lie apart
            best = np.maximum.reduce(values.T[self._classes], axis=0)
            sound(best)
            rows = (best >= self._bound).nonzero()[0]
            values = values[rows]
        elif sound(values) < self._bound:
            return NOBODY
        found = _above(values, self._bound, rows, self._background)
        return Candidates(found.rows, found.classes, sigmoid(found.scores)) if self._sigmoid else found

    def settled(self, scores: Floats, rows: Indices | None) -> Candidates:
        """Return what reaches the threshold of scores that are final.

        :param rows: What the rows of the scores are called; None for their numbers.
        """
        return _above(scores, self._threshold, rows)

    def full(self, values: Floats) -> Floats:
        """Return all scores, in the form of the values less the background."""
        if self._softmax:
            return _softmax(values)[:, self._classes]
        scored = values[..., self._classes]
        return sigmoid(np.maximum(scored, np.float32(LOWEST))) if self._sigmoid else scored

    def _pick_softmax(self, values: Floats) -> Candidates:
        """Of a class that has a share of at least t, the background's is at most 1 - t: few rows are left to sum up."""
        sound(values)
        rows = None
        if self._background is not None:
            margins = values[:, self._classes] - values[:, self._background, None]
            rows = (margins >= self._bound - ROUNDING).any(axis=1).nonzero()[0]
            values = values[rows]
        return self.settled(_softmax(values)[:, self._classes], rows)


def sound(values: Floats) -> float:
    """Return the highest value; minus infinity of none.

    :raises UnsoundError: It is NaN, which it is where one is among them, or infinity.
    """
    together = values.ravel() if values.flags.c_contiguous else values
    peak = float(np.maximum.reduce(together, axis=None, initial=-np.inf))
    if math.isnan(peak) or peak == math.inf:
        raise UnsoundError(str(peak))
    return peak


def sigmoid(values: Floats) -> Floats:
    """Return the logistic function of logits that are not below ``LOWEST``."""
    found: Floats = np.exp(-values)
    found += ONE
    np.reciprocal(found, out=found)
    return found


def _above(scores: Floats, bound: Floats, rows: Indices | None, background: int | None = None) -> Candidates:
    """Return what reaches the bound.

    :param rows: What the rows of the scores are called; None for their numbers.
    :param background: Column to leave out: searching all numbers is faster where they lie together.
    """
    at = (scores >= bound).ravel().nonzero()[0]
    width = scores.shape[1]
    if width == 1:
        return Candidates(at if rows is None else rows[at], np.zeros(len(at), np.int64), scores[:, 0][at])
    found = at // width
    classes = at - found * width
    if background is not None:
        kept = classes != background % width
        found, classes = found[kept], classes[kept]
    picked = scores[found, classes]
    return Candidates(found if rows is None else rows[found], classes - (background == 0), picked)


def _softmax(values: Floats) -> Floats:
    exponentials: Floats = np.exp(values - values.max(axis=1, keepdims=True, initial=-np.inf))
    exponentials /= exponentials.sum(axis=1, keepdims=True)
    return exponentials


def _number(value: float) -> Floats:
    """Return a number as an array, of which numpy makes less ado; logits are cut at ``LOWEST``."""
    return np.array(max(value, LOWEST), np.float32)


def _logit(share: float) -> float:
    if share in {0.0, 1.0}:
        return math.inf if share else -math.inf
    return math.log(share / (1 - share))
