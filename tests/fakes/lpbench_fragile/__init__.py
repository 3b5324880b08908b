"""A plugin for tests of attacks: its engine crashes, raises or hangs on models that are not as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import EngineSpec

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register the engine, and one that has no case."""
    formats, case = {"fragile": (".fragile",)}, "lpbench_fragile.engine:case"
    register(EngineSpec("fragile", "lpbench_fragile.engine:Fragile", formats=formats, case=case))
    register(EngineSpec("caseless", "lpbench_fragile.engine:Fragile", formats=formats))
