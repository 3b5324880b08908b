"""Judges predictions by quality metrics, with the very session that is timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench import registry
from lpbench.errors import LpbenchError
from lpbench.quality import Quality
from lpbench.specs import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.quality import QualityMetric
    from lpbench.specs import MetricSpec


class Judge:
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


def ready(name: str) -> MetricSpec:
    """Return the metric of this name.

    :raises LpbenchError: There is none, or what it needs is not installed.
    """
    spec = registry.current().get(registry.METRICS, name).spec
    available = spec.availability()
    if not available:
        what = f'metric "{name}" is not ready: {available.reason}'
        raise LpbenchError(what, hint=available.hint)
    return spec


def metrics_for(app_class: str, stated: str, asked: Sequence[str]) -> list[str]:
    """Return the metrics to judge an app by: those asked for, else the one it states and those of its class.

    :param stated: The metric of the app's quality gate; empty where it has none.
    :raises LpbenchError: There is none.
    """
    names = [*asked] or [*([stated] if stated else []), *_of_class(app_class)]
    if not names:
        every = ", ".join(registry.current().all(registry.METRICS))
        what = f'no metric serves the class "{app_class}"'
        raise LpbenchError(what, hint=f"name one: --quality METRIC ({every or 'none is installed'})")
    for name in names:
        ready(name)
    return list(dict.fromkeys(names))


def _of_class(app_class: str) -> list[str]:
    every = registry.current().all(registry.METRICS)
    return [name for name, offer in every.items() if app_class in offer.spec.classes and offer.availability()]


def gate(app_gate: Mapping[str, Any] | None, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether a measured quality passes the app's gate: at least a share of the reference.

    Of an error, where less is better, at most the reference over that share.  Empty where there is no gate, or it
    is of another metric.
    """
    if not app_gate or app_gate["metric"] != found["metric"] or found["value"] is None:
        return {}
    share, reference = app_gate["at_least_of_reference"], app_gate["reference"]
    higher = registry.current().get(registry.METRICS, found["metric"]).spec.higher_is_better
    limit = reference * share if higher else reference / share
    passes = found["value"] >= limit if higher else found["value"] <= limit
    return {"reference": reference, "limit": limit, "passes": bool(passes)}


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
