"""AscendCL for lpbench: the engine ``acl`` on Ascend NPUs, the converter ``atc`` from ONNX, and a monitor.

Importing this module imports neither acl nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.hookspecs import hookimpl
from lpbench_acl._spec import AclMonitorSpec, AclSpec, AtcSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.specs import ConverterSpec, EngineSpec, MonitorSpec

SLOW_S = 10.0
"""Seconds that loads need to describe a mean: over which stretch of time each is, CANN does not document."""


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register AscendCL."""
    register(
        AclSpec(
            "acl",
            "lpbench_acl._engine:AclEngine",
            summary="AscendCL (CANN) on Ascend NPUs",
            aliases=("ascendcl", "ascend"),
            formats={"om": (".om",)},
            config="lpbench_acl.config:AclConfig",
            probe="lpbench_acl._probe:probe",
            operators="lpbench_acl._operators:operators",
            case="lpbench_acl.case:case",
            dynamic_shapes=True,
            streams=True,
            batches=True,
        )
    )


@hookimpl
def lpbench_register_converters(register: Callable[[ConverterSpec], None]) -> None:
    """Register CANN's compiler of models."""
    register(
        AtcSpec(
            "atc",
            "lpbench_acl._convert:AtcConverter",
            summary="ONNX to an offline model for an Ascend NPU",
            requires=("onnx",),
            hint='pip install "lpbench-acl[convert]"',
            reads="onnx",
            writes="om",
            precisions=("F16", "F32", "auto", "S8"),
            config="lpbench_acl.atc_config:AtcConfig",
            bound="lpbench_acl._convert:bound",
        )
    )


@hookimpl
def lpbench_register_monitors(register: Callable[[MonitorSpec], None]) -> None:
    """Register the monitor of NPUs."""
    register(
        AclMonitorSpec(
            "acl-npu",  # lpbench check acl is to mean the engine
            "lpbench_acl._monitor:AclMonitor",
            summary="load and memory of Ascend NPUs through AscendCL",
            metrics=("NPU_LOAD", "NPU_MEM"),
            rank=30,  # behind npu-smi, beside which it is silent
            window=SLOW_S,
            interval=1.0,  # each question goes to the NPU under test
            deadline=20.0,  # of starting AscendCL
        )
    )
