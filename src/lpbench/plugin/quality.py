"""The contract of a quality metric, which computes one number from predictions and ground truth."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Quality", "QualityMetric"]


@dataclass(frozen=True)
class Quality:
    """The result of a metric.

    :param value: In the spec's unit; None if it cannot be computed.
    :param n: Number of items evaluated.
    :param reason: Why there is no value.
    :param interval: The 95 % confidence interval of the value, for samples drawn like these; None if the metric has
        none.
    :param parts: The value by class, by threshold and so on.
    """

    value: float | None
    n: int
    reason: str = ""
    interval: tuple[float, float] | None = None
    parts: Mapping[str, float | None] = field(default_factory=dict)


class QualityMetric(abc.ABC):
    """Judges the predictions of one configuration; constructed in the worker, once for each measurement.

    :param labels: The app's class names; may be empty.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = labels

    @abc.abstractmethod
    def add(self, described: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Add one sample.

        :param described: The prediction as the postprocessor's ``describe`` returns it; in a chain, with the results
            of later components under their names.
        :param truth: The sample's ground truth: ``label``, ``items`` with ``box`` and ``label``, ``points``,
            ``mask`` (a file or run lengths), ``text``, ``value``.
        :raises LpbenchError: The prediction and the ground truth do not fit together.
        """

    @abc.abstractmethod
    def result(self) -> Quality:
        """Return the quality over all samples."""
