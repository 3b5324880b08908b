"""Models written on the spot with onnx.helper, and one way to open them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import onnx

import lpbench_ort
from lpbench.testing import fixtures, onnx_models

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before onnxruntime is imported, as workers do

if TYPE_CHECKING:
    from pathlib import Path


class Models(onnx_models.Graphs):
    """Writes small ONNX models into one folder."""

    opset = 19
    ir_version = 9

    def identity(self, element: int, shape: onnx_models.Shape = ("N", 3)) -> Path:
        """Y = x, of any element type."""
        return self.one("Identity", shape, element)

    def double(self, shape: onnx_models.Shape | None = ("N", 3)) -> Path:
        """Y = x + x in float32."""
        node = onnx.helper.make_node("Add", ["x", "x"], ["y"], name="add")
        return self.save([node], [("x", onnx_models.FLOAT, shape)], [("y", onnx_models.FLOAT, shape)])


open_session = fixtures.opener(lpbench_ort, "onnxruntime", threads=1)
models = fixtures.in_folder(Models)
