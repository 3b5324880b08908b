"""Quality metrics that need no library: labels, scores, values and texts."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.plugin.quality import Quality, QualityMetric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BEST = 5
QUANTILE = 1.959963984540054
"""Of the normal distribution, for 95 %."""
NONE = "no sample was judged"


def wilson(right: int, n: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a share (Wilson, 1927); None where nothing was counted."""
    if not n:
        return None
    square = QUANTILE**2
    middle = (right + square / 2) / (n + square)
    half = QUANTILE / (n + square) * math.sqrt(right * (n - right) / n + square / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


class Top1(QualityMetric):
    """Counts samples whose right label is the best one."""

    among = 1

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._right: Counter[str] = Counter()
        self._all: Counter[str] = Counter()

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Compare the best labels with the true one.

        :raises LpbenchError: The data have no labels, or the app predicts none.
        """
        label = str(_needed(truth, "label", "the data say no label"))
        self._all[label] += 1
        self._right[label] += label in candidates(described)[: self.among]

    def result(self) -> Quality:
        """Return the share, with Wilson's interval and by label."""
        n, right = self._all.total(), self._right.total()
        parts = {label: self._right[label] / count for label, count in sorted(self._all.items())}
        return Quality(right / n if n else None, n, "" if n else NONE, wilson(right, n), parts)


class Top5(Top1):
    """Counts samples whose right label is among the best five."""

    among = BEST


class MacroF1(QualityMetric):
    """Harmonic mean of precision and recall by class, and the mean over the classes that are true of some sample."""

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._pairs: Counter[tuple[str, str]] = Counter()

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Note the true and the best label."""
        label = str(_needed(truth, "label", "the data say no label"))
        self._pairs[label, next(iter(candidates(described)), "")] += 1

    def result(self) -> Quality:
        """Return the mean, and each class's."""
        n = self._pairs.total()
        parts = {label: self._of(label) for label in sorted({label for label, _ in self._pairs})}
        return Quality(sum(parts.values()) / len(parts) if parts else None, n, "" if n else NONE, None, parts)

    def _of(self, label: str) -> float:
        hit = self._pairs[label, label]
        true = sum(count for (one, _), count in self._pairs.items() if one == label)
        said = sum(count for (_, other), count in self._pairs.items() if other == label)
        return 2 * hit / (true + said)


class Auc(QualityMetric):
    """Area under the ROC curve: the chance that a true sample has a higher score than a false one; ties count half."""

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._scores: tuple[list[float], list[float]] = ([], [])

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Note the score of a true (1) or false (0) sample."""
        value = _needed(truth, "value", "the data say no value, 1 or 0")
        if value not in {0, 1}:
            raise LpbenchError(f"the value {value} is neither 1 nor 0")
        self._scores[int(value)].append(score_of(described))

    def result(self) -> Quality:
        """Return the area; None where all samples are true, or none is."""
        false, true = self._scores
        n = len(false) + len(true)
        if not false or not true:
            return Quality(None, n, "it takes samples that are true and samples that are false")
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
    """Mean of the precision at each true sample, from the highest score down; samples of one score come together."""

    def _value(self, false: list[float], true: list[float]) -> float:
        hits, misses = Counter(true), Counter(false)
        found = wrong = 0
        total = 0.0
        for score in sorted(hits.keys() | misses.keys(), reverse=True):
            found, wrong = found + hits[score], wrong + misses[score]
            total += hits[score] * found / (found + wrong)
        return total / len(true)


class MeanAbsoluteError(QualityMetric):
    """Mean distance of a predicted value from the true one."""

    power = 1

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._errors: list[float] = []

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Note how far a value is off."""
        true = float(_needed(truth, "value", "the data say no value"))
        self._errors.append(abs(_value_of(described) - true) ** self.power)

    def result(self) -> Quality:
        """Return the mean."""
        n = len(self._errors)
        return Quality(math.fsum(self._errors) / n if n else None, n, "" if n else NONE)


class MeanSquaredError(MeanAbsoluteError):
    """Mean squared distance of a predicted value from the true one."""

    power = 2


class CharacterErrorRate(QualityMetric):
    """Edits (insert, delete, replace a character) that turn the texts read into the true ones, by their length.

    Space at the ends of lines and empty lines do not count.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._edits = self._length = self._n = 0

    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Count the edits of one sample."""
        true = _needed(truth, "text", "the data say no text")
        wanted = _lines(true if isinstance(true, list) else str(true).splitlines())
        self._edits += edits(_lines(list(texts(described))), wanted)
        self._length += len(wanted)
        self._n += 1

    def result(self) -> Quality:
        """Return the rate over all samples together."""
        if not self._length:
            return Quality(None, self._n, "no true text was given" if self._n else NONE)
        return Quality(self._edits / self._length, self._n)


def candidates(described: Mapping[str, Any]) -> list[str]:
    """Return the labels of a prediction, the best first.

    :raises LpbenchError: It has none.
    """
    found = described.get("top")
    if found is None:
        raise LpbenchError(
            "the app's predictions are no labels",
            hint="another metric serves this class: lpbench plugins -v lists them",
        )
    return [str(each.get("label")) for each in found]


def score_of(described: Mapping[str, Any]) -> float:
    """Return how sure a prediction is: its score, or that of the surest thing found, 0 where nothing was."""
    if isinstance(described.get("score"), (int, float)):
        return float(described["score"])
    found = described.get("items", described.get("top"))
    if found is None:
        raise LpbenchError("the app's predictions have no score")
    return max((float(each["score"]) for each in found), default=0.0)


def texts(described: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts in a prediction, those of a chain's later components too, in their order."""
    if "text" in described:
        yield str(described["text"])
        return
    for value in described.values():
        if isinstance(value, list):
            for each in value:
                if isinstance(each, dict) and "item" in each:
                    yield from texts(each)


def edits(first: str, second: str) -> int:
    """Return the Levenshtein distance of two texts; memory grows with the shorter, time with the product."""
    long, short = (first, second) if len(first) >= len(second) else (second, first)
    row = list(range(len(short) + 1))
    for at, one in enumerate(long, start=1):
        before, row[0] = row[0], at
        for column, other in enumerate(short, start=1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (one != other))
    return row[-1]


def _lines(found: Sequence[str]) -> str:
    return "\n".join(filter(None, (str(each).strip() for each in found)))


def _value_of(described: Mapping[str, Any]) -> float:
    for key in ("value", "age"):
        if isinstance(described.get(key), (int, float)):
            return float(described[key])
    raise LpbenchError("the app's predictions have no value")


def _needed(truth: Mapping[str, Any], key: str, what: str) -> Any:
    if key not in truth:
        raise LpbenchError(what, hint=f"they say {', '.join(truth)}")
    return truth[key]
