"""ncnn for lpbench: the engine ``ncnn`` on CPUs and on Vulkan devices, and a converter from ONNX.

Importing this module imports neither ncnn nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import AnalyzerSpec, ConverterSpec, EngineSpec

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register ncnn."""
    register(
        EngineSpec(
            "ncnn",
            "lpbench_ncnn._engine:NcnnEngine",
            summary="ncnn on CPUs and Vulkan devices",
            requires=("ncnn",),
            hint='pip install "lpbench[ncnn]"',
            formats={"ncnn": (".param",)},
            config="lpbench_ncnn.config:NcnnConfig",
            probe="lpbench_ncnn._probe:probe",
            case="lpbench_ncnn.case:case",
            distributions=("ncnn",),
            owned_outputs=True,
            streams=True,
            operators="lpbench_ncnn._operators:operators",
            app_options=(
                "precision",
                *("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "bf16_packed"),
                *("int8_inference", "light_mode", "packing_layout", "winograd", "sgemm"),
            ),
        )
    )


@hookimpl
def lpbench_register_converters(register: Callable[[ConverterSpec], None]) -> None:
    """Register pnnx."""
    register(
        ConverterSpec(
            "pnnx",
            "lpbench_ncnn._convert:Pnnx",
            summary="ONNX to ncnn",
            requires=("ncnn", "onnx"),
            hint='pip install "lpbench-ncnn[convert]"',
            reads="onnx",
            writes="ncnn",
            precisions=("F32", "F16"),
            version="20261020, recipe 2",
        )
    )


@hookimpl
def lpbench_register_analyzers(register: Callable[[AnalyzerSpec], None]) -> None:
    """Register the analyzer of networks of ncnn."""
    register(
        AnalyzerSpec(
            "ncnn",
            "lpbench_ncnn._analyze:NcnnAnalyzer",
            summary="costs of networks of ncnn",
            requires=("ncnn",),
            hint='pip install "lpbench[ncnn]"',
            formats=("ncnn",),
            version="1",
            distributions=("ncnn",),
        )
    )
