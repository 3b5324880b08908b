"""Judges predictions by quality metrics, with the very session that is timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.app.quality_gate import ready
from lpbench.errors import LpbenchError
from lpbench.plugin.quality import Quality
from lpbench.plugin.specs import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.plugin.quality import QualityMetric
    from lpbench.plugin.specs import MetricSpec


class QualityEvaluator:
    """Some metrics of one configuration.

    Predictions or data that the first metric cannot judge are an error; of the others, those that cannot judge them
    say so.

    :param names: Of the metrics, the one that matters first.
    :param labels: The app's class names.
    :raises LpbenchError: There is no such metric, or it cannot be used here.
    """

    def __init__(self, names: Sequence[str], labels: Sequence[str]) -> None:
        self._specs = [ready(name) for name in names]
        self._metrics: list[QualityMetric] = [load(spec.target, who=spec.name)(labels) for spec in self._specs]
        self._silent: dict[str, str] = {}

    def add(self, described: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """Take in predictions as they are described, each with what is true.

        :raises LpbenchError: The first metric cannot judge them.
        """
        leading, *others = zip(self._specs, self._metrics, strict=True)
        for prediction, truth in described:
            leading[1].add(prediction, truth)
            for spec, metric in others:
                if spec.name not in self._silent:
                    self._try(spec.name, metric, prediction, truth)

    def results(self) -> list[dict[str, Any]]:
        """Return what the metrics found, ready for JSON."""
        found = [
            Quality(None, 0, self._silent[spec.name]) if spec.name in self._silent else metric.result()
            for spec, metric in zip(self._specs, self._metrics, strict=True)
        ]
        return [_record(spec, each) for spec, each in zip(self._specs, found, strict=True)]

    def _try(self, name: str, metric: QualityMetric, prediction: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        try:
            metric.add(prediction, truth)
        except LpbenchError as error:
            self._silent[name] = error.what


def _record(spec: MetricSpec, found: Quality) -> dict[str, Any]:
    return {
        "metric": spec.name,
        "value": found.value,
        "unit": spec.unit,
        "n": found.n,
        "reason": found.reason,
        "interval": list(found.interval) if found.interval else None,
        "parts": dict(found.parts),
    }
