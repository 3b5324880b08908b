"""Graphs as the onnx wheel has them, small."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx


def light(*, extra: str = "Relu", pooled: bool = False) -> Any:
    """Return a small graph as the onnx wheel has them: weights made by ConstantOfShape, and listed as inputs.

    :param pooled: Whether the map is reduced from 4x4, rounding down to 1x1, and averaged before it is flattened.
    """
    helper, features = onnx.helper, 4 if pooled else 64
    shapes: dict[str, tuple[int, ...]] = {"w": (4, 3, 3, 3), "g": (1, 1, 5, features)}
    shapes |= dict.fromkeys(("b", "scale", "bias", "mean", "var"), (4,))
    integers = {f"{name}_shape": shape for name, shape in shapes.items()}
    integers |= {"flat": (1, features), "folded": (5, features)}
    stored = [onnx.numpy_helper.from_array(np.array(each, np.int64), name) for name, each in integers.items()]
    stored.append(onnx.numpy_helper.from_array(np.zeros(5, np.float32), "h"))
    nodes = [helper.make_node("ConstantOfShape", [f"{name}_shape"], [name]) for name in shapes]
    pools = (
        ("MaxPool", ["d"], ["m"], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0] * 4}),
        ("AveragePool", ["m"], ["p"], {"kernel_shape": [1, 1]}),
    )
    for kind, inputs, outputs, attributes in (
        ("Conv", ["data_0", "w", "b"], ["c"], {"kernel_shape": [3, 3], "pads": [1] * 4, "strides": [2, 2]}),
        ("BatchNormalization", ["c", "scale", "bias", "mean", "var"], ["n"], {}),
        (extra, ["n"], ["r"], {}),
        ("Dropout", ["r"], ["d", "mask"], {"ratio": 0.5}),
        *(pools if pooled else ()),
        ("Reshape", ["p" if pooled else "d", "flat"], ["f"], {}),
        ("Reshape", ["g", "folded"], ["k"], {}),
        ("Gemm", ["f", "k", "h"], ["s"], {"transB": 1}),
        ("Softmax", ["s"], ["prob_1"], {}),
    ):
        nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
    floats = onnx.TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info("data_0", floats, [1, 3, 8, 8])]
    inputs += [helper.make_tensor_value_info(each.name, each.data_type, each.dims) for each in stored]
    ends = [helper.make_tensor_value_info("prob_1", floats, [1, 5])]
    graph = helper.make_graph(nodes, "light", inputs, ends, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=3)
