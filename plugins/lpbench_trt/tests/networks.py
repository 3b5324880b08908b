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
PROFILE = {"x": ((1, 3), (2, 3), (4, 3))}
X = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)


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


def counted(folder: Path) -> str:
    """Write a model whose output is as long as the data say; returns its path."""
    return save(
        folder, [helper.make_node("NonZero", ["x"], ["y"])], [value("x", [2, 3])], [value("y", [2, "count"], 7)]
    )


def reshaped(folder: Path) -> str:
    """Write a model with an input whose values are a shape; returns its path."""
    inputs = [value("x", [2, 3]), value("shape", [2], TensorProto.INT64)]
    return save(folder, [helper.make_node("Reshape", ["x", "shape"], ["y"])], inputs, [value("y", ["a", "b"])])


def quantised(folder: Path, *, symmetric: bool = True) -> str:
    """Write a model that quantises and dequantises; returns its path."""
    constants = {"s": np.float32(0.1), "z": np.int8(0) if symmetric else np.uint8(128)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="quantise"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], name="dequantise"),
    ]
    return save(folder, nodes, [value("x", [2, 3])], [value("y", [2, 3])], constants)


def doubled(folder: Path, kind: int, shape: Sequence[int]) -> str:
    """Write a model that adds its input to itself, in any type; returns its path."""
    node = helper.make_node("Add", ["x", "x"], ["y"])
    return save(folder, [node], [value("x", shape, kind)], [value("y", shape, kind)])
