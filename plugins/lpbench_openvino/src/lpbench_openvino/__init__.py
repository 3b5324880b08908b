"""OpenVINO for lpbench: the engine ``openvino`` on Intel's and other CPUs, and on Intel's GPUs and NPUs.

Importing this module imports neither openvino nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.hookspecs import hookimpl
from lpbench.specs import EngineSpec

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Offer OpenVINO."""
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
            # importing openvino counts uses in ~/intel and reports them, unless it takes this for a CI job
            environment={"CI": "true"},
            dynamic_shapes=True,
            streams=True,
            batches=True,
            exposes=("openvino", "onnx"),
        )
    )
