"""Chooses the quality metrics of an app and applies its quality gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, setting
from lpbench.plugin import registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import MetricSpec


def ready(name: str) -> Offer[MetricSpec]:
    """Return the metric of this name.

    :raises LpbenchError: No plugin offers it, or a module that it needs is not installed.
    """
    offer = registry.current().get(registry.METRICS, name)
    available = offer.availability()
    if not available:
        raise LpbenchError(f'metric "{name}" is not ready: {available.reason}', hint=available.hint)
    return offer


def metrics_for(app_class: str, stated: str, asked: Sequence[str]) -> list[str]:
    """Return the metrics for an app: those asked for, else the metric of its gate and those of its class.

    :param stated: The metric of the app's quality gate; empty if it has none.
    :param asked: The metrics that the user asks for; may be empty.
    :raises LpbenchError: No metric supports the class, or one is not ready.
    """
    names = [*asked] or [*([stated] if stated else []), *_of_class(app_class)]
    if not names:
        every = ", ".join(registry.current().all(registry.METRICS))
        raise LpbenchError(
            f'no metric supports the class "{app_class}"',
            hint=f"name one: {setting('quality', 'METRIC')} ({every or 'no metric is installed'})",
        )
    for name in names:
        ready(name)
    return list(dict.fromkeys(names))


def _of_class(app_class: str) -> list[str]:
    every = registry.current().all(registry.METRICS)
    return [name for name, offer in every.items() if app_class in offer.spec.classes and offer.availability()]


def gate(app_gate: Mapping[str, Any] | None, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether a measured quality passes the app's gate: at least a fraction of the reference.

    For an error metric, where lower is better, the limit is the reference divided by that fraction.

    :param app_gate: The app's quality gate, or None.
    :param found: The measured quality, with ``metric`` and ``value``.
    :returns: ``reference``, ``limit`` and ``passes``; empty if there is no gate, it has another metric, or there is no
        value.
    """
    if not app_gate or app_gate["metric"] != found["metric"] or found["value"] is None:
        return {}
    share, reference = app_gate["at_least_of_reference"], app_gate["reference"]
    higher = registry.current().get(registry.METRICS, found["metric"]).spec.higher_is_better
    limit = reference * share if higher else reference / share
    passes = found["value"] >= limit if higher else found["value"] <= limit
    return {"reference": reference, "limit": limit, "passes": bool(passes)}
