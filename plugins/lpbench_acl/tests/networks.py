"""ONNX models for the tests of AscendCL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from plugins.lpbench_acl.tests.bare import WEIGHTS

from lpbench.testing.onnx_models import FLOAT, save

if TYPE_CHECKING:
    from pathlib import Path

X = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)


def network(folder: Path, batch: int | str = 2) -> Path:
    """Write a model that multiplies by a matrix and cuts off what is negative; returns its path."""
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "w"], ["h"], name="multiply"),
        onnx.helper.make_node("Relu", ["h"], ["y"], name="cut"),
    ]
    inputs, outputs = [("x", FLOAT, (batch, 3))], [("y", FLOAT, (batch, 4))]
    return save(folder / "net.onnx", nodes, inputs, outputs, {"w": WEIGHTS})


def sums(folder: Path, shape: tuple[int | str, ...] = ("n", "m")) -> Path:
    """Write a model of two inputs, ``total`` is ``a + b``; returns its path."""
    node = onnx.helper.make_node("Add", ["a", "b"], ["total"], name="add")
    return save(folder / "sums.onnx", [node], [(name, FLOAT, shape) for name in ("a", "b")], [("total", FLOAT, shape)])


def pooled(folder: Path) -> Path:
    """Write a model of images of any size, (1, 3, H, W) to (1, 3, H / 2, W / 2); returns its path."""
    node = onnx.helper.make_node("MaxPool", ["x"], ["y"], name="pool", kernel_shape=[2, 2], strides=[2, 2])
    return save(folder / "pooled.onnx", [node], [("x", FLOAT, (1, 3, "h", "w"))], [("y", FLOAT, (1, 3, "h2", "w2"))])
