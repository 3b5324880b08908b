"""TensorRT for lpbench: the engine ``tensorrt`` on NVIDIA's GPUs and DLA cores, and a converter from ONNX to plans.

Importing this module imports neither tensorrt nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import ConverterSpec, EngineSpec

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIRES = ("tensorrt|tensorrt_rtx",)
HINT = (
    "on a PC: pip install tensorrt; on a Jetson, TensorRT comes with JetPack: "
    "make lpbench's environment with python3 -m venv --system-site-packages"
)
DISTRIBUTIONS = (  # each provides the module tensorrt or tensorrt_rtx
    "tensorrt",
    "tensorrt-cu13",
    "tensorrt-cu12",
    "tensorrt-cu11",
    "tensorrt-lean",
    "tensorrt-rtx",
    "tensorrt-rtx-cu13",
    "tensorrt-rtx-cu12",
)


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register TensorRT."""
    register(
        EngineSpec(
            "tensorrt",
            "lpbench_trt._engine:TensorrtEngine",
            summary="TensorRT on NVIDIA's GPUs and on the DLA cores of Jetson boards",
            requires=REQUIRES,
            hint=HINT,
            aliases=("trt",),
            formats={"plan": (".plan", ".engine"), "onnx": (".onnx",)},
            config="lpbench_trt.config:TensorrtConfig",
            probe="lpbench_trt._probe:probe",
            case="lpbench_trt.case:case",
            distributions=DISTRIBUTIONS,
            dynamic_shapes=True,
            streams=True,
            batches=True,
            operators="lpbench_trt._operators:operators",
            app_options=("precision",),
        )
    )


@hookimpl
def lpbench_register_converters(register: Callable[[ConverterSpec], None]) -> None:
    """Register TensorRT's builder as a converter to plans."""
    register(
        ConverterSpec(
            "tensorrt",
            "lpbench_trt._convert:TensorrtConverter",
            summary="ONNX to a TensorRT plan for the GPU of this machine",
            requires=REQUIRES,
            hint=HINT,
            reads="onnx",
            writes="plan",
            precisions=("F32", "F16", "BF16", "S8", "auto"),
            config="lpbench_trt.config:PlanConfig",
            bound="lpbench_trt._convert:bound",
            distributions=DISTRIBUTIONS,
        )
    )
