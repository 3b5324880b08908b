"""Writes a network with random weights as an app, and scales its scores to those of a trained network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from lpbench_image.apps._graph import IR_VERSION, tiled
from lpbench_image.apps._imagenet import SHORT_SIDE, STATISTICS
from lpbench_image.apps._writing import component, write_config

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

SEED = 0
SPREAD = 2.0
"""Standard deviation of the scores before the softmax."""
PROBE = 32
"""Height and width at which the scores of a network of open size are measured."""
JUDGED_OPSET = 15


def write_random_app(model: onnx.ModelProto, app: Path, tile: int, *, activation: str = "softmax") -> None:
    """Write a classifier as an app without labels.

    :param tile: Height and width at which it runs unless the user asks for others.
    :param activation: What turns the model's output into scores.
    """
    spread_scores(model)
    (app / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    pre = {**SHORT_SIDE, "normalise": STATISTICS}
    post = {"type": "classification", "activation": activation, "top_k": 1}
    parts = [component("classifier", {"onnx": "model.onnx"}, pre, post, stated=tiled(tile, _size(model)))]
    write_config(app, "image_classification", parts, untrained=True)


def spread_scores(model: onnx.ModelProto) -> None:
    """Scale the last layer with weights so that the scores of noise have the standard deviation ``SPREAD``."""
    nodes = list(model.graph.node)
    last = max(at for at, node in enumerate(nodes) if node.op_type in {"Conv", "Gemm"})
    scores = _outputs(model, nodes[: last + 1])
    factor = np.float32(SPREAD / scores.astype(np.float64).std())
    scaled = set(nodes[last].input[1:3])
    for tensor in model.graph.initializer:
        if tensor.name in scaled:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * factor, tensor.name))


def _outputs(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return what the first nodes of a model make of noise."""
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("input", nodes[-1].output[0])]
    graph = helper.make_graph(nodes, "scores", ports[:1], ports[1:], list(model.graph.initializer))
    # the reference evaluator runs batch normalisation before opset 14 in training mode
    opset = helper.make_opsetid("", JUDGED_OPSET)
    evaluator = ReferenceEvaluator(helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION))
    size = [1, 3, *(side if isinstance(side, int) else PROBE for side in _size(model))]
    noise = np.random.default_rng(SEED).standard_normal(size, np.float32)
    (scores,) = evaluator.run(None, {"input": noise})
    return np.asarray(scores)


def _size(model: onnx.ModelProto) -> list[int | str]:
    """Return height and width of a model's input: numbers, or the names of open dimensions."""
    (picture,) = model.graph.input
    return [side.dim_value or side.dim_param for side in picture.type.tensor_type.shape.dim[2:]]
