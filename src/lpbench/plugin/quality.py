"""The contract of a quality metric: predictions and what is true become one number."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Quality", "QualityMetric"]


@dataclass(frozen=True)
class Quality:
    """What a metric found.

    :param value: In the spec's unit; None where it cannot be said.
    :param n: How many things were judged.
    :param reason: Why there is no value.
    :param interval: Where the true value lies with a confidence of 95 %, for samples drawn like these; None where the
        metric has none.
    :param parts: The value by class, by threshold and so on.
    """

    value: float | None
    n: int
    reason: str = ""
    interval: tuple[float, float] | None = None
    parts: Mapping[str, float | None] = field(default_factory=dict)


class QualityMetric(abc.ABC):
    """Judges the predictions of one configuration; built once for each measurement, lives in the worker.

    :param labels: The app's class names; may be empty.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = labels

    @abc.abstractmethod
    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Take in one sample.

        :param described: What the postprocessor's ``describe`` says of the prediction; in a chain, what later
            components found under their names.
        :param truth: What the dataset says of the sample: ``label``, ``items`` with ``box`` and ``label``, ``points``,
            ``mask`` (a file or run lengths), ``text``, ``value``.
        :raises LpbenchError: The two do not fit together.
        """

    @abc.abstractmethod
    def result(self) -> Quality:
        """Return the quality over all samples."""
