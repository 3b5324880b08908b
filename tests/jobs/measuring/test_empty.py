"""Inputs without a value: measured, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench import benchmark, render
from lpbench.testing import onnx_models

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("numpy", reason="needs numpy")
onnx = pytest.importorskip("onnx", reason="needs onnx")


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("rows", [0, 2])
def test_a_model_that_has_nothing_to_work_on_is_marked(tmp_path: Path, engine: str, rows: int) -> None:
    pytest.importorskip(engine, reason=f"needs {engine}")
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    value: onnx_models.Value = ("x", onnx_models.FLOAT, (rows, 4))
    model = onnx_models.save(tmp_path / "model.onnx", [node], [value], [("y", onnx_models.FLOAT, (rows, 4))])
    result = benchmark(model, engine=engine, number=4, yardstick=False)
    flags = {flag["name"]: flag["reason"] for flag in result.configurations[0].flags}
    assert ("empty" in flags) == (rows == 0)
    if not rows:
        assert flags["empty"] == '"x" (0x4) holds no value: these are the times of a model without work'
        assert flags["empty"] in render.text(result)
