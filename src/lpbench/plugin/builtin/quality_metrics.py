"""Quality metrics that need no library: labels, scores, values and texts."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, either
from lpbench.plugin.quality import Quality, QualityMetric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BEST = 5
QUANTILE = 1.959963984540054
"""Quantile of the normal distribution for a 95 % interval."""
LONGEST = 20_000
"""Characters of a true text: comparing takes time by the product of the lengths of two."""
LARGEST = 1e140
"""Greatest error: the sum of the squares of many is still a number."""
NONE = "no sample was evaluated"


def wilson(right: int, n: int) -> tuple[float, float] | None:
    """Return the 95 % confidence interval of a proportion (Wilson, 1927); None if ``n`` is 0."""
    if not n:
        return None
    square = QUANTILE**2
    middle = (right + square / 2) / (n + square)
    half = QUANTILE / (n + square) * math.sqrt(right * (n - right) / n + square / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


class Top1(QualityMetric):
    """Counts samples whose true label is the best one."""

    among = 1

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._right: Counter[str] = Counter()
        self._all: Counter[str] = Counter()

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Compare the best labels with the true one.

        :raises LpbenchError: The data have no label, or the app's predictions have none.
        """
        label = str(_needed(truth, "label", "the data have no label"))
        self._all[label] += 1
        self._right[label] += label in candidates(described)[: self.among]

    def result(self) -> Quality:
        """Return the share of right samples, with Wilson's interval, and the share by label."""
        n, right = self._all.total(), self._right.total()
        parts = {label: self._right[label] / count for label, count in sorted(self._all.items())}
        return Quality(right / n if n else None, n, "" if n else NONE, wilson(right, n), parts)


class Top5(Top1):
    """Counts samples whose true label is among the best five."""

    among = BEST


class MacroF1(QualityMetric):
    """F1 score (harmonic mean of precision and recall) by class, and its mean over the classes in the ground truth."""

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._pairs: Counter[tuple[str, str]] = Counter()

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Record the true and the best label."""
        label = str(_needed(truth, "label", "the data have no label"))
        self._pairs[label, next(iter(candidates(described)), "")] += 1

    def result(self) -> Quality:
        """Return the mean F1 score, and that of each class."""
        n = self._pairs.total()
        parts = {label: self._score(label) for label in sorted({label for label, _ in self._pairs})}
        return Quality(sum(parts.values()) / len(parts) if parts else None, n, "" if n else NONE, None, parts)

    def _score(self, label: str) -> float:
        hits = self._pairs[label, label]
        occurrences = sum(count for (true, _), count in self._pairs.items() if true == label)
        predictions = sum(count for (_, predicted), count in self._pairs.items() if predicted == label)
        return 2 * hits / (occurrences + predictions)


class Auc(QualityMetric):
    """Area under the ROC curve: the probability that a positive sample outscores a negative one; ties count half."""

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._scores: tuple[list[float], list[float]] = ([], [])

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Record the score of a positive (1) or negative (0) sample."""
        value = _needed(truth, "value", "the data have no value, 1 or 0")
        if value not in {0, 1}:
            raise LpbenchError(f"the value {value} is neither 1 nor 0")
        self._scores[int(value)].append(score_of(described))

    def result(self) -> Quality:
        """Return the area; no value if all samples are positive or all are negative."""
        false, true = self._scores
        n = len(false) + len(true)
        if not false or not true:
            return Quality(None, n, "it needs both positive (1) and negative (0) samples")
        return Quality(self._value(sorted(false), sorted(true)), n)

    def _value(self, false: list[float], true: list[float]) -> float:
        below = equal = wins = 0
        for score in true:
            while below < len(false) and false[below] < score:
                below += 1
            equal = max(equal, below)
            while equal < len(false) and false[equal] == score:
                equal += 1
            wins += 2 * below + (equal - below)
        return wins / (2 * len(true) * len(false))


class AveragePrecision(Auc):
    """Mean of the precision at each positive sample, in order of falling score; equal scores count as one step."""

    def _value(self, false: list[float], true: list[float]) -> float:
        hits, misses = Counter(true), Counter(false)
        right = wrong = 0
        total = 0.0
        for score in sorted(hits.keys() | misses.keys(), reverse=True):
            right, wrong = right + hits[score], wrong + misses[score]
            total += hits[score] * right / (right + wrong)
        return total / len(true)


class MeanAbsoluteError(QualityMetric):
    """Mean absolute difference between predicted and true values."""

    power = 1

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._errors: list[float] = []

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Record the error of a value."""
        true = float(_needed(truth, "value", "the data have no value"))
        found = _value_of(described)
        if abs(found - true) > LARGEST:
            raise LpbenchError(f"the app's value {found:g} is too far from the true one, {true:g}")
        self._errors.append(abs(found - true) ** self.power)

    def result(self) -> Quality:
        """Return the mean error."""
        n = len(self._errors)
        return Quality(math.fsum(self._errors) / n if n else None, n, "" if n else NONE)


class MeanSquaredError(MeanAbsoluteError):
    """Mean squared difference between predicted and true values."""

    power = 2


class CharacterErrorRate(QualityMetric):
    """Edits (insert, delete, replace a character) that turn the predicted texts into the true ones, by their length.

    White space at the ends of lines and empty lines do not count.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._edits = self._length = self._n = 0

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Count the edits of one sample."""
        true = _needed(truth, "text", "the data have no text")
        expected = _lines(true if isinstance(true, list) else str(true).splitlines())
        if len(expected) > LONGEST:
            raise LpbenchError(
                f"a text has {len(expected)} characters; at most {LONGEST} are compared", hint="compare it in parts"
            )
        self._edits += edits(_lines(list(texts(described))), expected)
        self._length += len(expected)
        self._n += 1

    def result(self) -> Quality:
        """Return the rate over all samples together."""
        if not self._length:
            return Quality(None, self._n, "the true texts are empty" if self._n else NONE)
        return Quality(self._edits / self._length, self._n)


def candidates(described: Mapping[str, Any]) -> list[str]:
    """Return the labels of a prediction, the best first.

    :raises LpbenchError: The prediction has no labels.
    """
    top = described.get("top")
    if top is None:
        raise LpbenchError(
            "the app's predictions have no labels",
            hint=either(
                "choose another metric: lpbench plugins -v lists them",
                "choose another metric: lpbench.plugins() has them",
            ),
        )
    return [str(candidate.get("label")) for candidate in top]


def score_of(described: Mapping[str, Any]) -> float:
    """Return the score of a prediction, or else the highest score of its items or candidates; 0 if it has none.

    :raises LpbenchError: The prediction has neither a score nor items or candidates.
    """
    if isinstance(described.get("score"), (int, float)):
        return float(described["score"])
    items = described.get("items", described.get("top"))
    if items is None:
        raise LpbenchError("the app's predictions have no score")
    return max((float(item["score"]) for item in items), default=0.0)


def texts(described: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts in a prediction in order, including those of a chain's later components."""
    if "text" in described:
        yield str(described["text"])
        return
    for value in described.values():
        if isinstance(value, list):
            for inner in value:
                if isinstance(inner, dict) and "item" in inner:
                    yield from texts(inner)


def edits(first: str, second: str) -> int:
    """Return the Levenshtein distance of two texts; memory grows with the shorter, time with the product of lengths."""
    long, short = (first, second) if len(first) >= len(second) else (second, first)
    row = list(range(len(short) + 1))
    for at, left in enumerate(long, start=1):
        before, row[0] = row[0], at
        for column, right in enumerate(short, start=1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (left != right))
    return row[-1]


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(filter(None, (str(line).strip() for line in lines)))


def _value_of(described: Mapping[str, Any]) -> float:
    for key in ("value", "age"):
        if isinstance(described.get(key), (int, float)):
            return float(described[key])
    raise LpbenchError("the app's predictions have no value")


def _needed(truth: Mapping[str, Any], key: str, what: str) -> Any:
    if key not in truth:
        raise LpbenchError(what, hint=f"they have {', '.join(truth)}")
    return truth[key]
