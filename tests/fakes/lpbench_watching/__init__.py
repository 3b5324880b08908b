"""Monitors that read nothing: two that are well, and two that fail as and when their options say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import MonitorSpec

if TYPE_CHECKING:
    from collections.abc import Callable

MODULE = "lpbench_watching.monitors"


@hookimpl
def lpbench_register_monitors(register: Callable[[MonitorSpec], None]) -> None:
    """Register them."""
    register(
        MonitorSpec(
            "steady", f"{MODULE}:Steady", "half a load, 5 W and a counter", metrics=("GPU_LOAD", "POWER_CONSUMPTION")
        )
    )
    register(MonitorSpec("worse", f"{MODULE}:Worse", "what steady tells, ranked below", metrics=("GPU_LOAD",), rank=90))
    for name, target, metric in (("faulty", "Faulty", "NPU_LOAD"), ("faulty-too", "FaultyToo", "NPU_MEM")):
        register(
            MonitorSpec(
                name,
                f"{MODULE}:{target}",
                "fails as it is told",
                metrics=(metric,),
                deadline=0.5,
                config=f"{MODULE}:Orders",
            )
        )
