"""Builds monitors from their specs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.plugin import specs
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.monitor import Monitor, MonitorTarget
    from lpbench.plugin.specs import MonitorSpec


@dataclass(frozen=True)
class _NoOptions:
    """The config of a monitor without options."""


def build_monitor(spec: MonitorSpec, target: MonitorTarget, options: Mapping[str, Any]) -> Monitor:
    """Return a new monitor.

    :param options: Values of its config's fields.
    :raises ConfigError: An option is unknown, missing or of another type; or the monitor has none.
    :raises PluginError: Its module or its config cannot be imported.
    """
    kind = specs.load(spec.config, who=spec.name) if spec.config else _NoOptions
    config = dataclass_config.build(kind, options, where=f"options of monitor {spec.name}")
    monitor: Monitor = spec.load()(target, config) if spec.config else spec.load()(target)
    return monitor
