"""The recipe of published networks with random weights: valid for measuring speed, not for predictions.

The onnx wheel contains graphs of published networks in which large weights are ``ConstantOfShape`` nodes.  Every weight
becomes an initialiser drawn with a fixed seed, the last layer is scaled so that the scores vary as much as those of a
trained network, and the graph is written in the opset of the other apps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from lpbench_image.apps._graph import BATCH, IR_VERSION, OPSET
from lpbench_image.apps._writing import component, write_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Shapes = dict[str, tuple[int, ...]]
    Weights = dict[str, NDArray[np.float32]]

SEED = 0
SPREAD = 2.0
"""Standard deviation of the scores before the softmax."""
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
JUDGED_OPSET = 15
LAYERS = {
    *("Add", "AveragePool", "BatchNormalization", "Concat", "Conv", "Gemm", "GlobalAveragePool", "LRN"),
    *("MaxPool", "Mul", "Relu", "Softmax", "Sum"),
}
"""Operators with the same meaning in the graphs' opset, 9, and in ``OPSET``; Softmax only for two dimensions."""


def random_classifier(members: Path, app: Path) -> None:
    """Write the classifier of the graph ``light.onnx`` as an app without labels."""
    model = materialised(onnx.load(members / "light.onnx"))
    (app / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    pre = {"resize": {"mode": "short-side", "size": 256}, "crop": 224, "normalise": IMAGENET}
    post = {"type": "classification", "activation": "none", "top_k": 1}
    write_config(app, "image_classification", [component("classifier", {"onnx": "model.onnx"}, pre, post)])


def materialised(light: onnx.ModelProto) -> onnx.ModelProto:
    """Return the network with initialisers as weights, from ``input`` to ``scores``.

    :raises ValueError: A layer, or the use of a weight, is not supported.
    """
    graph = light.graph
    shapes = _weight_shapes(graph)
    nodes = list(_layers(graph, shapes))
    weights = _drawn(nodes, shapes)
    read = {name for node in nodes for name in node.input}
    (picture,) = (info for info in graph.input if info.name in read - shapes.keys())
    size = [dimension.dim_value for dimension in picture.type.tensor_type.shape.dim]
    names = {picture.name: "input", graph.output[0].name: "scores"}
    for node in nodes:
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(name, name) for name in tensors]
    _rescale(nodes, weights, size)
    return _model(graph.name, nodes, weights, size)


def _weight_shapes(graph: onnx.GraphProto) -> Shapes:
    """Return the shapes of all float weights by name; reshaped weights are included under their new names."""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    shapes = {name: tuple(tensor.dims) for name, tensor in stored.items() if tensor.data_type == TensorProto.FLOAT}
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            shapes[node.output[0]] = _integers(stored[node.input[0]])
        elif node.op_type == "Reshape" and node.input[0] in shapes:
            shapes[node.output[0]] = _integers(stored[node.input[1]])
    return shapes


def _integers(tensor: onnx.TensorProto) -> tuple[int, ...]:
    return tuple(map(int, numpy_helper.to_array(tensor)))


def _layers(graph: onnx.GraphProto, weights: Shapes) -> Iterator[onnx.NodeProto]:
    """Yield the layers; those for training only are dropped, and a Reshape with a fixed batch becomes a Flatten."""
    renamed: dict[str, str] = {}
    flat: set[str] = set()
    for node in graph.node:
        inputs = [renamed.get(name, name) for name in node.input]
        if node.output[0] in weights:
            continue
        if node.op_type == "Dropout":
            renamed[node.output[0]] = inputs[0]
            continue
        if node.op_type == "Softmax" and inputs[0] not in flat:
            inputs = [f"{inputs[0]}_flat"]
            yield helper.make_node("Flatten", [renamed.get(node.input[0], node.input[0])], inputs, axis=1)
        if node.op_type not in LAYERS | {"Reshape"}:
            raise ValueError(f"layers of type {node.op_type} are not supported")
        flat |= set(node.output) if node.op_type in {"Gemm", "Reshape"} else set()
        yield _layer(node, inputs)


def _layer(node: onnx.NodeProto, inputs: list[str]) -> onnx.NodeProto:
    if node.op_type == "Reshape":
        return helper.make_node("Flatten", inputs[:1], node.output, node.name, axis=1)
    layer = onnx.NodeProto()
    layer.CopyFrom(node)
    layer.input[:] = inputs
    if node.op_type == "Softmax":
        del layer.attribute[:]  # default: the last axis, the only one besides the batch
    return layer


def _drawn(nodes: list[onnx.NodeProto], shapes: Shapes) -> Weights:
    """Draw the weights of all layers, in the order of the layers."""
    random = np.random.default_rng(SEED)
    weights: Weights = {}
    for node in nodes:
        for at, name in enumerate(node.input):
            if name in shapes and name not in weights:
                weights[name] = _draw(random, node, at, shapes[name]).astype(np.float32)
    return weights


def _draw(random: np.random.Generator, node: onnx.NodeProto, at: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Draw a weight according to its position in a layer: kernels as in He et al., arXiv:1502.01852, equation 10."""
    place = (node.op_type, at)
    if place in {("Conv", 1), ("Gemm", 1)}:
        transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        wide = math.prod(shape[1:]) if node.op_type == "Conv" or transposed else shape[0]
        return random.normal(0, math.sqrt(2 / wide), shape)
    if place in {("BatchNormalization", 1), ("BatchNormalization", 4), ("Mul", 1)}:  # scale, variance
        return random.uniform(0.9, 1.1, shape)
    if at in {1, 2, 3}:  # biases and means; not zero, since an engine might optimise zeros away
        return random.normal(0, 0.01, shape)
    raise ValueError(f"a weight as input {at} of {node.op_type} is not supported")


def _rescale(nodes: list[onnx.NodeProto], weights: Weights, size: list[int]) -> None:
    """Scale the last layer with weights so that the scores of noise have the standard deviation ``SPREAD``."""
    last = max(at for at, node in enumerate(nodes) if node.op_type in {"Conv", "Gemm"})
    score = nodes[last].output[0]
    kernel, bias = nodes[last].input[1:3]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("input", score)]
    graph = helper.make_graph(nodes[: last + 1], "scores", ports[:1], ports[1:], _tensors(weights))
    # the reference evaluator runs batch normalisation before opset 14 in training mode
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", JUDGED_OPSET)], ir_version=IR_VERSION)
    noise = np.random.default_rng(SEED).standard_normal(size, np.float32)
    (scores,) = ReferenceEvaluator(model).run(None, {"input": noise})
    factor = np.float32(SPREAD / np.asarray(scores, np.float64).std())
    weights[kernel], weights[bias] = weights[kernel] * factor, weights[bias] * factor


def _model(name: str, nodes: list[onnx.NodeProto], weights: Weights, size: list[int]) -> onnx.ModelProto:
    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, [BATCH, *size[1:]])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, name, [picture], [scores], _tensors(weights))
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="lpbench")
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    model.graph.output[0].CopyFrom(inferred.graph.output[0])
    onnx.checker.check_model(model)
    return model


def _tensors(weights: Weights) -> list[onnx.TensorProto]:
    return [numpy_helper.from_array(values, name) for name, values in weights.items()]
