"""Which boxes score enough: found on the model's own numbers, so that only theirs are activated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int64]

LOWEST = np.float32(-80)
"""Logits below count as this: their exponential would overflow, and their score is 1e-35 anyway."""


class Candidates(NamedTuple):
    """Boxes that score enough, in the order of rows, and of classes where a row has several.

    :param rows: ``(n,)``.
    :param classes: ``(n,)``.
    :param scores: ``(n,)``.
    """

    rows: Indices
    classes: Indices
    scores: Floats


class UnsoundError(ValueError):
    """Scores hold NaN or infinity."""


class Rule:
    """When a score is enough.

    :param threshold: Least score.
    :param activation: ``sigmoid``, ``softmax`` or ``none``.
    :param background: ``none``, ``first`` or ``last``.
    """

    def __init__(self, threshold: float, activation: str, background: str) -> None:
        self._threshold = threshold
        self._softmax, self._sigmoid = activation == "softmax", activation == "sigmoid"
        self._bound = np.float32(threshold if activation == "none" else _logit(threshold))
        self._classes = {"none": slice(None), "first": slice(1, None), "last": slice(None, -1)}[background]
        self._background = {"none": None, "first": slice(0, 1), "last": slice(-1, None)}[background]

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
        scored = values[:, self._classes]
        rows = None
        if not scored.flags.c_contiguous and scored.flags.f_contiguous:  # a column of numbers for each class
            best = scored.T.max(axis=0, initial=-np.inf)
            sound(best)
            rows = np.flatnonzero(best >= self._bound)
            scored = scored[rows]
        elif sound(scored) < self._bound:
            scored = scored[:0]
        found = _above(scored, self._bound, rows)
        return found._replace(scores=sigmoid(found.scores)) if self._sigmoid else found

    def settled(self, scores: Floats, rows: Indices | None) -> Candidates:
        """Return what reaches the threshold of scores that are final.

        :param rows: What the rows of the scores are called; None for their numbers.
        """
        return _above(scores, np.float32(self._threshold), rows)

    def full(self, values: Floats) -> Floats:
        """Return all scores, in the form of the values less the background."""
        if self._softmax:
            return _softmax(values)[:, self._classes]
        scored = values[..., self._classes]
        return sigmoid(scored) if self._sigmoid else scored

    def _pick_softmax(self, values: Floats) -> Candidates:
        """Of a class that has a share of at least t, the background's is at most 1 - t: few rows are left to sum up."""
        sound(values)
        rows = None
        if self._background is not None:
            margins = values[:, self._classes] - values[:, self._background]
            rows = np.flatnonzero((margins >= self._bound - np.float32(1e-3)).any(axis=1))
            values = values[rows]
        return self.settled(_softmax(values)[:, self._classes], rows)


def sound(values: Floats) -> float:
    """Return the highest value; minus infinity of none.

    :raises UnsoundError: It is NaN, which it is where one is among them, or infinity.
    """
    peak = float(values.max(initial=-np.inf))
    if math.isnan(peak) or peak == math.inf:
        raise UnsoundError(str(peak))
    return peak


def sigmoid(values: Floats) -> Floats:
    """Return the logistic function."""
    exponentials: Floats = np.exp(-np.maximum(values, LOWEST))
    exponentials += np.float32(1)
    np.reciprocal(exponentials, out=exponentials)
    return exponentials


def _above(scores: Floats, bound: np.float32, rows: Indices | None) -> Candidates:
    """Return what reaches the bound; ``rows`` are the numbers of the rows where some are left out."""
    at = np.flatnonzero(scores >= bound)
    width = scores.shape[1]
    if width == 1:
        found, classes = at, np.zeros(len(at), np.int64)
        picked = scores[at, 0]
    else:
        found, classes = np.divmod(at, width)
        picked = scores[found, classes]
    return Candidates(found if rows is None else rows[found], classes, picked)


def _softmax(values: Floats) -> Floats:
    exponentials: Floats = np.exp(values - values.max(axis=1, keepdims=True, initial=-np.inf))
    exponentials /= exponentials.sum(axis=1, keepdims=True)
    return exponentials


def _logit(share: float) -> float:
    if share in {0.0, 1.0}:
        return math.inf if share else -math.inf
    return math.log(share / (1 - share))
