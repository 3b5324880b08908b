"""Judges predictions by quality metrics, with the very session that is timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.plugin import registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.specs import MetricSpec


def ready(name: str) -> MetricSpec:
    """Return the metric of this name.

    :raises LpbenchError: There is none, or what it needs is not installed.
    """
    spec = registry.current().get(registry.METRICS, name).spec
    available = spec.availability()
    if not available:
        raise LpbenchError(f'metric "{name}" is not ready: {available.reason}', hint=available.hint)
    return spec


def metrics_for(app_class: str, stated: str, asked: Sequence[str]) -> list[str]:
    """Return the metrics to judge an app by: those asked for, else the one it states and those of its class.

    :param stated: The metric of the app's quality gate; empty where it has none.
    :raises LpbenchError: There is none.
    """
    names = [*asked] or [*([stated] if stated else []), *_of_class(app_class)]
    if not names:
        every = ", ".join(registry.current().all(registry.METRICS))
        raise LpbenchError(
            f'no metric serves the class "{app_class}"',
            hint=f"name one: --quality METRIC ({every or 'none is installed'})",
        )
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
