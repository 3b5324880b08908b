"""A plugin for kills and full disks: engines that need no library, one of which starts processes; an app of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.app.catalogue import Entry
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import AppSpec, EngineSpec

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = {"victim": (".victim",)}
LARGE_APP = Entry(
    name="victim-app",
    version="1",
    app_class="signal_processing",
    licence="MIT",
    source="written on the spot",
    packages=(),
    recipe="lpbench_victims.recipe:build",
)


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register the engines."""
    for name, target in (("steady", "Steady"), ("second", "Steady"), ("starting", "Starting")):
        register(EngineSpec(name, f"lpbench_victims.engine:{target}", "adds one", formats=FORMATS))


@hookimpl
def lpbench_register_apps(register: Callable[[AppSpec], None]) -> None:
    """Register the app."""
    register(AppSpec("victim-app", "lpbench_victims:LARGE_APP", "a few hundred kilobytes"))
