"""OpenVINO for lpbench: the engine ``openvino`` on CPUs and on Intel's GPUs and NPUs, and a converter from ONNX.

Importing this module imports neither openvino nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.converter import Limits
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import AnalyzerSpec, ConverterSpec, EngineSpec

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register OpenVINO."""
    register(
        EngineSpec(
            "openvino",
            "lpbench_openvino._engine:OpenvinoEngine",
            summary="OpenVINO on CPUs, and on Intel's GPUs and NPUs",
            requires=("openvino",),
            hint='pip install "lpbench[openvino]"',
            formats={"openvino": (".xml",), "onnx": (".onnx",), "tflite": (".tflite",)},
            config="lpbench_openvino.config:OpenvinoConfig",
            probe="lpbench_openvino._probe:probe",
            case="lpbench_openvino.case:case",
            distributions=("openvino",),
            # importing openvino collects usage data in ~/intel and reports it, except in CI jobs
            environment={"CI": "true"},
            dynamic_shapes=True,
            streams=True,
            batches=True,
            exposes=("openvino", "onnx"),
            operators="lpbench_openvino._operators:operators",
            app_options=("precision", "signature"),
        )
    )


@hookimpl
def lpbench_register_converters(register: Callable[[ConverterSpec], None]) -> None:
    """Register OpenVINO as a converter to its own format, and NNCF."""
    register(
        ConverterSpec(
            "openvino",
            "lpbench_openvino._convert:OpenvinoConverter",
            summary="ONNX to OpenVINO's own format",
            requires=("openvino",),
            hint='pip install "lpbench[openvino]"',
            reads="onnx",
            writes="openvino",
            precisions=("F32", "F16"),
            distributions=("openvino",),
        )
    )
    register(
        ConverterSpec(
            "openvino-nncf",
            "lpbench_openvino._quantise:NncfConverter",
            summary="ONNX to OpenVINO's own format in S8",
            requires=("openvino",),
            hint='pip install "lpbench[openvino]"',
            reads="onnx",
            writes="openvino",
            precisions=("S8",),
            version="3.4.0, recipe 1",
            calibrated=frozenset({"S8"}),
            limits={"S8": Limits(largest=0.3, mean=0.06, cosine=0.8)},  # what is broken; how good it is, quality says
        )
    )


@hookimpl
def lpbench_register_analyzers(register: Callable[[AnalyzerSpec], None]) -> None:
    """Register the analyzer of models in OpenVINO's own format."""
    register(
        AnalyzerSpec(
            "openvino",
            "lpbench_openvino._analyze:OpenvinoAnalyzer",
            summary="costs of models in OpenVINO's own format",
            requires=("openvino",),
            hint='pip install "lpbench[openvino]"',
            formats=("openvino",),
            version="1",
            distributions=("openvino",),
        )
    )
