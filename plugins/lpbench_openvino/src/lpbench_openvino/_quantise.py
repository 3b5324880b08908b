"""Quantises ONNX to OpenVINO's own format in 8 bits, with NNCF in an environment of its own."""

from __future__ import annotations

import os

from lpbench.plugin.converter import Conversion, ConversionError, Converted, Converter
from lpbench.plugin.engine import EngineError, Model
from lpbench.plugin.kit import tool_calls, tool_environments
from lpbench_openvino import _convert, _nncf

VERSION = "3.4.0"
TOOL = tool_environments.Tool(
    "nncf",
    (
        f"nncf=={VERSION}",
        # its dependencies, except ninja, which builds extensions for PyTorch
        "networkx==3.4.2",
        "numpy==2.2.6",
        "openvino==2026.4.1",
        "openvino-telemetry==2025.2.0",
        "packaging==26.3",
        "psutil==7.2.2",
        "pydot==4.0.1",
        "rich==15.0.0",
        "safetensors==0.8.0",
        "scikit-learn==1.7.2",
        "scipy==1.15.3",
        "tabulate==0.10.0",
        # dependencies of those
        "joblib==1.6.0",
        "markdown-it-py==4.0.0",
        "mdurl==0.1.2",
        "pygments==2.21.0",
        "pyparsing==3.3.3",
        "threadpoolctl==3.6.0",
        "typing-extensions==4.16.0",
    ),
    pythons=((3, 13), (3, 12), (3, 11), (3, 10)),
    size=800_000_000,
)


class NncfConverter(Converter):
    """NNCF as a converter of ONNX files.  Open dimensions stay open unless a shape is given."""

    def prepare(self) -> None:
        """Create NNCF's environment unless it is in the cache.

        :raises ConversionError: A suitable Python, the network or disk space is missing.
        """
        tool_environments.environment(TOOL)

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Convert and quantise a model.

        :raises ConversionError: OpenVINO or NNCF refuses it, or there are no samples to calibrate with.
        """
        os.environ.update(_convert.TELEMETRY)
        python = tool_environments.environment(TOOL)
        target = wanted.folder / "model.xml"
        try:
            whole = wanted.scratch / "whole.xml"
            before = _convert.written(source, whole, wanted)
            called = {info.called: info.name for info in before[0]}
            samples = ({called.get(name, name): array for name, array in feeds.items()} for feeds in wanted.calibration)
            request = {
                "model": str(whole),
                "target": str(target),
                "samples": tool_calls.written(samples, wanted.scratch / "samples"),
            }
            answer = tool_calls.ToolCall("nncf", source.path, wanted.scratch).answer(python, _nncf.__file__, request)
            inputs, outputs = _convert.read_again(target, before)
        except EngineError as error:
            raise ConversionError(error.what, where=error.where or str(source.path), hint=error.hint) from error
        model = Model("openvino", target, (target.with_suffix(".bin"),), inputs, outputs)
        return Converted(model, answer["tools"])
