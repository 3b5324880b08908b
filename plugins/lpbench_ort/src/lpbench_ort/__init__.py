"""ONNX Runtime for lpbench: the engine ``onnxruntime``, execution providers as devices, and S8 and F16 for ONNX files.

Importing this module imports neither onnxruntime nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.converter import Limits
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import AnalyzerSpec, ConverterSpec, EngineSpec

if TYPE_CHECKING:
    from collections.abc import Callable

DISTRIBUTIONS = (  # each provides the module onnxruntime, so none can be a hard dependency
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-openvino",
    "onnxruntime-qnn",
    "onnxruntime-migraphx",
    "onnxruntime-rocm",
    "onnxruntime-cann",
    "onnxruntime-webgpu",
    "onnxruntime-directml",
    "onnxruntime-training",
    "ort-nightly",
    "ort-nightly-gpu",
)


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register ONNX Runtime."""
    register(
        EngineSpec(
            "onnxruntime",
            "lpbench_ort._engine:OrtEngine",
            summary="ONNX Runtime on CPUs and on the devices of its execution providers",
            requires=("onnxruntime",),
            hint='pip install "lpbench[ort]"',
            aliases=("ort", "onnx", "lne", "lpdnn"),
            formats={"onnx": (".onnx", ".ort")},
            config="lpbench_ort.config:OrtConfig",
            probe="lpbench_ort._probe:probe",
            case="lpbench_ort.case:case",
            distributions=DISTRIBUTIONS,
            environment={"ORT_DISABLE_TELEMETRY": "1"},
            dynamic_shapes=True,
            owned_outputs=True,
            streams=True,
            batches=True,
            reference={"graph_optimization": "disabled"},
            exposes=("onnx",),
            operators="lpbench_ort._operators:operators",
            app_options=("graph_optimization", "execution_mode", "arena", "memory_pattern"),
        )
    )


@hookimpl
def lpbench_register_converters(register: Callable[[ConverterSpec], None]) -> None:
    """Register ONNX Runtime's tools for shorter precisions."""
    register(
        ConverterSpec(
            "onnxruntime",
            "lpbench_ort._convert:OnnxNarrowing",
            summary="ONNX in F32 to ONNX in S8 or F16",
            requires=("onnxruntime", "onnx"),
            hint='pip install "lpbench-ort[convert]"',
            reads="onnx",
            writes="onnx",
            precisions=("S8", "F16"),
            distributions=DISTRIBUTIONS,
            calibrated=frozenset({"S8"}),
            limits={"S8": Limits(largest=0.3, mean=0.06, cosine=0.8)},  # what is broken; how good it is, quality says
        )
    )


@hookimpl
def lpbench_register_analyzers(register: Callable[[AnalyzerSpec], None]) -> None:
    """Register the analyzer of ONNX models, which needs no engine."""
    register(
        AnalyzerSpec(
            "onnx",
            "lpbench_ort.analysis.analyzer:OnnxAnalyzer",
            summary="operations, weights and memory of ONNX models",
            requires=("onnx",),
            hint="pip install onnx",
            formats=("onnx",),
            version="1",
            distributions=("onnx",),
        )
    )
