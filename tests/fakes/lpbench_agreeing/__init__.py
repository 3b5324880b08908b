"""A plugin for tests of agreement: engines that multiply matrices, with errors set by their options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import EngineSpec

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS, KINDS_CONFIG = "lpbench_agreeing.kinds:KindsEngine", "lpbench_agreeing.kinds:KindsConfig"
TARGET, CONFIG, FORMATS = "lpbench_agreeing.engine:MatrixEngine", "lpbench_agreeing.engine:MatrixConfig", {"matrix": ()}


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register a reference, a twin, and engines that hide tensors, are not installed or read another format."""
    shown = ("matrix",)
    register(EngineSpec("plain", TARGET, config=CONFIG, formats=FORMATS, reference={"size": 4}, exposes=shown))
    register(EngineSpec("twin", TARGET, config=CONFIG, formats=FORMATS, exposes=shown))
    register(EngineSpec("closed", TARGET, config=CONFIG, formats=FORMATS))
    register(EngineSpec("lost", TARGET, requires=("no_such_library",), hint="pip install it", formats=FORMATS))
    register(EngineSpec("kinds-reference", KINDS, config=KINDS_CONFIG, formats={"kinds": ()}, reference={"off": 0.0}))
    register(EngineSpec("kinds", KINDS, config=KINDS_CONFIG, formats={"kinds": ()}))
    register(EngineSpec("other", TARGET, config=CONFIG, formats={"vector": ()}))
