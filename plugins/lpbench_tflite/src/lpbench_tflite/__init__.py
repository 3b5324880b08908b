"""LiteRT for lpbench: the engine ``tflite`` and a converter from ONNX.

The engine uses ai-edge-litert or tflite-runtime, whichever is installed.
Importing this module imports neither of them, nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.converter import Limits
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import AnalyzerSpec, ConverterSpec
from lpbench_tflite._spec import TfliteSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.specs import EngineSpec


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register LiteRT."""
    register(
        TfliteSpec(
            "tflite",
            "lpbench_tflite._engine:TfliteEngine",
            summary="LiteRT (TensorFlow Lite) on CPUs, with XNNPACK and delegates",
            requires=("ai_edge_litert|tflite_runtime",),
            hint='pip install "lpbench[tflite]"',
            aliases=("litert",),
            formats={"tflite": (".tflite",)},
            config="lpbench_tflite.config:TfliteConfig",
            probe="lpbench_tflite._probe:probe",
            case="lpbench_tflite.case:case",
            distributions=("ai-edge-litert", "ai-edge-litert-nightly", "tflite-runtime"),
            dynamic_shapes=True,
            owned_outputs=True,
            streams=True,
            batches=True,
            reference={"xnnpack": False},  # LiteRT's own kernels define what an operator computes
            choosing=("signature",),
            operators="lpbench_tflite._unsupported:operators",
            app_options=("xnnpack", "signature"),
        )
    )


@hookimpl
def lpbench_register_converters(register: Callable[[ConverterSpec], None]) -> None:
    """Register onnx2tf, and ai-edge-quantizer behind it and alone."""
    register(
        ConverterSpec(
            "onnx2tf",
            "lpbench_tflite._convert:Onnx2tf",
            summary="ONNX to TFLite",
            requires=("ai_edge_litert|tflite_runtime",),
            hint='pip install "lpbench[tflite]"',
            reads="onnx",
            writes="tflite",
            version="2.6.9, recipe 3",
        )
    )
    for name, target, reads, tools in (
        ("onnx2tf-quantizer", "OnnxToTfliteNarrowing", "onnx", "onnx2tf 2.6.9, recipe 3, quantizer"),
        ("tflite-quantizer", "TfliteNarrowing", "tflite", "quantizer"),
    ):
        register(
            ConverterSpec(
                name,
                f"lpbench_tflite._narrow:{target}",
                summary=f"{'ONNX' if reads == 'onnx' else 'TFLite in F32'} to TFLite in S8 or F16",
                requires=("ai_edge_litert|tflite_runtime",),
                hint='pip install "lpbench[tflite]"',
                reads=reads,
                writes="tflite",
                precisions=("S8", "F16"),
                version=f"{tools} 0.10.0, recipe 2",
                calibrated=frozenset({"S8"}),
                limits={"S8": Limits(largest=0.3, mean=0.06, cosine=0.8)},  # what is broken; quality says how good
            )
        )


@hookimpl
def lpbench_register_analyzers(register: Callable[[AnalyzerSpec], None]) -> None:
    """Register the analyzer of TFLite models."""
    register(
        AnalyzerSpec(
            "tflite",
            "lpbench_tflite._analyze:TfliteAnalyzer",
            summary="costs of TFLite models",
            requires=("ai_edge_litert",),
            hint='pip install "lpbench[tflite]"',
            formats=("tflite",),
            version="1",
            distributions=("ai-edge-litert", "ai-edge-litert-nightly"),
        )
    )
