"""The recipe of networks whose graph is real and whose weights are random: right for speed, useless for anything else.

The onnx wheel carries graphs of published networks in which large weights are ``ConstantOfShape`` nodes.  Every weight
becomes an initialiser drawn from a seed, the last layer is scaled so that the scores spread as those of a trained
network do, and the graph is written in the opset of the other apps.
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
"""Operators that mean the same in the opset of the graphs, 9, and in ours; Softmax does for two dimensions."""


def random_classifier(members: Path, app: Path) -> None:
    """Write the classifier of the graph ``light.onnx`` as an app without labels."""
    model = materialised(onnx.load(members / "light.onnx"))
    (app / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    pre = {"resize": {"mode": "short-side", "size": 256}, "crop": 224, "normalise": IMAGENET}
    post = {"type": "classification", "activation": "none", "top_k": 1}
    write_config(app, "image_classification", [component("classifier", {"onnx": "model.onnx"}, pre, post)])


def materialised(light: onnx.ModelProto) -> onnx.ModelProto:
    """Return the network with weights of its own, from ``input`` to ``scores``.

    :raises ValueError: It holds a layer or uses a weight in a way for which there is no rule.
    """
    graph = light.graph
    shapes = _weight_shapes(graph)
    nodes = list(_layers(graph, shapes))
    weights = _drawn(nodes, shapes)
    read = {name for node in nodes for name in node.input}
    (picture,) = (each for each in graph.input if each.name in read - shapes.keys())
    size = [each.dim_value for each in picture.type.tensor_type.shape.dim]
    names = {picture.name: "input", graph.output[0].name: "scores"}
    for node in nodes:
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(each, each) for each in tensors]
    _rescale(nodes, weights, size)
    return _model(graph.name, nodes, weights, size)


def _weight_shapes(graph: onnx.GraphProto) -> Shapes:
    """Return the shape of every float that is a weight, by name; one that is reshaped under its new name, too."""
    stored = {each.name: each for each in graph.initializer}
    found = {each.name: tuple(each.dims) for each in graph.initializer if each.data_type == TensorProto.FLOAT}
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            found[node.output[0]] = _integers(stored[node.input[0]])
        elif node.op_type == "Reshape" and node.input[0] in found:
            found[node.output[0]] = _integers(stored[node.input[1]])
    return found


def _integers(tensor: onnx.TensorProto) -> tuple[int, ...]:
    return tuple(map(int, numpy_helper.to_array(tensor)))


def _layers(graph: onnx.GraphProto, weights: Shapes) -> Iterator[onnx.NodeProto]:
    """Yield the layers; what only matters in training is left out, what fixes the batch is flattened instead."""
    renamed: dict[str, str] = {}
    flat: set[str] = set()
    for node in graph.node:
        inputs = [renamed.get(each, each) for each in node.input]
        if node.output[0] in weights:
            continue
        if node.op_type == "Dropout":
            renamed[node.output[0]] = inputs[0]
            continue
        if node.op_type == "Softmax" and inputs[0] not in flat:
            inputs = [f"{inputs[0]}_flat"]
            yield helper.make_node("Flatten", [renamed.get(node.input[0], node.input[0])], inputs, axis=1)
        if node.op_type not in LAYERS | {"Reshape"}:
            raise ValueError(f"there is no rule for the layer {node.op_type}")
        flat |= set(node.output) if node.op_type in {"Gemm", "Reshape"} else set()
        yield _layer(node, inputs)


def _layer(node: onnx.NodeProto, inputs: list[str]) -> onnx.NodeProto:
    if node.op_type == "Reshape":
        return helper.make_node("Flatten", inputs[:1], node.output, node.name, axis=1)
    made = onnx.NodeProto()
    made.CopyFrom(node)
    made.input[:] = inputs
    if node.op_type == "Softmax":
        del made.attribute[:]  # the last axis, the only one there is
    return made


def _drawn(nodes: list[onnx.NodeProto], shapes: Shapes) -> Weights:
    """Draw what each layer needs, in the order of the layers."""
    random = np.random.default_rng(SEED)
    weights: Weights = {}
    for node in nodes:
        for at, name in enumerate(node.input):
            if name in shapes and name not in weights:
                weights[name] = _draw(random, node, at, shapes[name]).astype(np.float32)
    return weights


def _draw(random: np.random.Generator, node: onnx.NodeProto, at: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a weight by its place in a layer: kernels as in He et al., arXiv:1502.01852, equation 10."""
    place = (node.op_type, at)
    if place in {("Conv", 1), ("Gemm", 1)}:
        transposed = any(each.name == "transB" and each.i for each in node.attribute)
        wide = math.prod(shape[1:]) if node.op_type == "Conv" or transposed else shape[0]
        return random.normal(0, math.sqrt(2 / wide), shape)
    if place in {("BatchNormalization", 1), ("BatchNormalization", 4), ("Mul", 1)}:  # scale, variance
        return random.uniform(0.9, 1.1, shape)
    if at in {1, 2, 3}:  # biases and means; not zero, which an engine might leave out
        return random.normal(0, 0.01, shape)
    raise ValueError(f"there is no rule for a weight that is input {at} of {node.op_type}")


def _rescale(nodes: list[onnx.NodeProto], weights: Weights, size: list[int]) -> None:
    """Scale the last layer with weights so that the scores of noise spread by ``SPREAD``."""
    last = max(at for at, node in enumerate(nodes) if node.op_type in {"Conv", "Gemm"})
    score = nodes[last].output[0]
    kernel, bias = nodes[last].input[1:3]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("input", score)]
    graph = helper.make_graph(nodes[: last + 1], "scores", ports[:1], ports[1:], _tensors(weights))
    # the reference takes batch normalisation before opset 14 for training
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
    return [numpy_helper.from_array(each, name) for name, each in weights.items()]
