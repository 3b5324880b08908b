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

from lpbench_image.apps._graph import BATCH, IR_VERSION, OPSET, TILE
from lpbench_image.apps._random_app import SEED, write_random_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Shapes = dict[str, tuple[int, ...]]
    Weights = dict[str, NDArray[np.float32]]

LAYERS = {
    *("Add", "AveragePool", "BatchNormalization", "Concat", "Conv", "Gemm", "GlobalAveragePool", "LRN"),
    *("MaxPool", "Mul", "Relu", "Softmax", "Sum"),
}
"""Operators with the same meaning in the graphs' opset, 9, and in ``OPSET``; Softmax only for two dimensions."""


def random_224(members: Path, app: Path) -> None:
    """Write the classifier of the graph ``light.onnx`` as an app without labels, for tiles of 224x224."""
    _write(members, app, 224)


def random_227(members: Path, app: Path) -> None:
    """As ``random_224``, for tiles of 227x227."""
    _write(members, app, 227)


def _write(members: Path, app: Path, tile: int) -> None:
    write_random_app(materialised(onnx.load(members / "light.onnx"), tile), app, tile, activation="none")


def materialised(light: onnx.ModelProto, tile: int) -> onnx.ModelProto:
    """Return the network with initialisers as weights, from ``input`` to ``scores``.

    Its height and width are open, or where a layer depends on them, ``tile``.

    :raises ValueError: A layer, or the use of a weight, is not supported.
    """
    graph = light.graph
    shapes = _weight_shapes(graph)
    nodes = list(_layers(graph, shapes))
    weights = _drawn(nodes, shapes)
    read = {name for node in nodes for name in node.input}
    (picture,) = (info for info in graph.input if info.name in read - shapes.keys())
    names = {picture.name: "input", graph.output[0].name: "scores"}
    for node in nodes:
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(name, name) for name in tensors]
    return _model(graph.name, nodes, weights, TILE if _is_open(nodes) else (tile, tile))


def _is_open(nodes: list[onnx.NodeProto]) -> bool:
    """Return whether a network takes pictures of any size: it flattens only what was averaged over both sides."""
    averaged = {node.output[0] for node in nodes if node.op_type == "GlobalAveragePool"}
    return all(node.input[0] in averaged for node in nodes if node.op_type == "Flatten")


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
    """Yield the layers without what fixes the size: a Reshape with a fixed batch becomes a Flatten.

    Layers for training only are dropped.
    """
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
    if node.op_type == "AveragePool":  # in all of these graphs the last pooling, whose window is the whole map
        return helper.make_node("GlobalAveragePool", inputs, node.output, node.name)
    layer = onnx.NodeProto()
    layer.CopyFrom(node)
    layer.input[:] = inputs
    if node.op_type == "Softmax":
        del layer.attribute[:]  # default: the last axis, the only one besides the batch
    if node.op_type == "MaxPool":
        _round_up(layer)
    return layer


def _round_up(pool: onnx.NodeProto) -> None:
    """Have a pooling with a stride of 2 and without padding round its size up, as Caffe did when these were published.

    The wheel's graphs round down.  With an odd window, this is one more row and column at the end.
    """
    attributes = {attribute.name: attribute.ints for attribute in pool.attribute}
    if list(attributes["strides"]) == [2, 2] and not any(attributes["pads"]):
        attributes["pads"][:] = [0, 0, 1, 1]


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


def _model(
    name: str, nodes: list[onnx.NodeProto], weights: Weights, tile: tuple[int | str, int | str]
) -> onnx.ModelProto:
    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, [BATCH, 3, *tile])
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
