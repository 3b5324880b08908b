"""A plugin whose engine runs another engine, slowed down by a known share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import EngineSpec

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register the engine ``slowed``."""
    register(
        EngineSpec(
            "slowed",
            "lpbench_slowed.engine:SlowedEngine",
            summary="another engine with a tunable extra cost",
            formats={"onnx": (".onnx",), "fake": (".fake",)},
            config="lpbench_slowed.engine:SlowedConfig",
            environment={"ORT_DISABLE_TELEMETRY": "1"},
        )
    )
