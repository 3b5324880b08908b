"""Which monitors are installed, and with what options they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, nearest
from lpbench.plugin import registry
from lpbench.plugin.spec_answers import availability_of
from lpbench.results.resources import Resource
from lpbench.worker.sampler.messages import ChosenMonitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.specs import MonitorSpec


@dataclass(frozen=True)
class InstalledMonitors:
    """The monitors that are asked.

    :param specs: By name, those that are ready.
    :param ranks: By name, of every monitor; the lowest counts.
    :param options: By name, those that were given.
    :param absent: What those that are not ready would tell, with the reason.
    """

    specs: Mapping[str, MonitorSpec] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    absent: tuple[Resource, ...] = ()

    @property
    def chosen(self) -> tuple[ChosenMonitor, ...]:
        """The monitors for an assignment."""
        return tuple(ChosenMonitor(name, dict(self.options.get(name, {}))) for name in self.specs)

    @property
    def deadlines(self) -> dict[str, float]:
        """Seconds that a call of each may take."""
        return {name: spec.deadline for name, spec in self.specs.items()}


def installed_monitors(options: Mapping[str, Mapping[str, Any]]) -> InstalledMonitors:
    """Return the installed monitors.

    :param options: By the name of a monitor.
    :raises ConfigError: There is no monitor of a name.
    """
    plugins = registry.current()
    specs = {name: offer.spec for name, offer in plugins.all(registry.MONITORS).items()}
    for name in options:
        if name not in specs:
            raise ConfigError(
                f'there is no monitor "{name}"', hint=f"{nearest(name, specs)} (lpbench monitors lists them)"
            )
    states = {name: availability_of(spec) for name, spec in specs.items()}
    absent = [
        Resource(metric, monitor=name, reason=state.reason, code="not-installed", hint=state.hint)
        for name, state in states.items()
        if not state
        for metric in specs[name].metrics
    ]
    ready = {name: spec for name, spec in specs.items() if states[name]}
    return InstalledMonitors(ready, {name: spec.rank for name, spec in specs.items()}, options, tuple(absent))
