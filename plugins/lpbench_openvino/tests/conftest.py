"""Models written on the spot with onnx.helper, and one way to open them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import onnx

import lpbench_openvino
from lpbench.testing import fixtures, onnx_models

os.environ.setdefault(
    "CI", "true"
)  # before openvino is imported, as workers do: else it counts uses in the home folder

if TYPE_CHECKING:
    from pathlib import Path


class Models(onnx_models.Graphs):
    """Writes small models into one folder."""

    def quantised(self) -> Path:
        """Save a convolution between quantising operators, of 16 channels, with int8 weights."""
        weights = np.random.default_rng(8).integers(-127, 127, (16, 16, 3, 3)).astype(np.int8)
        constants = {"s": np.float32(0.05), "z": np.uint8(128), "sw": np.float32(0.01), "zw": np.int8(0), "w": weights}
        nodes = [
            onnx.helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="quantise"),
            onnx.helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], name="input"),
            onnx.helper.make_node("DequantizeLinear", ["w", "sw", "zw"], ["dw"], name="weights"),
            onnx.helper.make_node("Conv", ["d", "dw"], ["y"], name="conv", pads=[1] * 4),
        ]
        shape = (1, 16, 8, 8)
        weights_ = {name: np.asarray(value) for name, value in constants.items()}
        return self.save(nodes, [("x", onnx_models.FLOAT, shape)], [("y", onnx_models.FLOAT, shape)], weights_)

    def ir(self, path: Path | None = None) -> Path:
        """Save an ONNX model in OpenVINO's own format: an .xml with a .bin beside it."""
        import openvino

        network = openvino.Core().read_model(str(path or self.convolution()))
        openvino.save_model(network, str(self.folder / "model.xml"), compress_to_fp16=False)
        return self.folder / "model.xml"


open_session = fixtures.opener(lpbench_openvino, "openvino", threads=1)
models = fixtures.in_folder(Models)
