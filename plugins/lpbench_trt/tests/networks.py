"""ONNX models for the tests of TensorRT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from plugins.lpbench_trt.tests.bare import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SHAPES = {"x": (2, 3)}


def save(
    folder: Path,
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    constants: dict[str, Any] | None = None,
) -> str:
    """Write a model of these parts as ``net.onnx``; returns its path."""
    weights = [numpy_helper.from_array(np.asarray(value), key) for key, value in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "net", list(inputs), list(outputs), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / "net.onnx"
    onnx.save(model, path)
    return str(path)


def value(name: str, shape: Sequence[int | str], kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def network(folder: Path, batch: int | str = "n") -> str:
    """Write a model that multiplies by a matrix and cuts off what is negative; returns its path."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="multiply"),
        helper.make_node("Relu", ["h"], ["y"], name="cut"),
    ]
    return save(folder, nodes, [value("x", [batch, 3])], [value("y", [batch, 4])], {"w": WEIGHTS})
