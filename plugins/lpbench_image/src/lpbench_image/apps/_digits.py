"""The recipe of ``digits-mlp``: a small network, trained on scikit-learn's digits when the app is built.

The data are 1797 grey digits of 8x8 pixels with values 0 to 16: Alpaydin and Kaynak, "Optical Recognition of
Handwritten Digits", UCI Machine Learning Repository, doi.org/10.24432/C50P49.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lpbench_image.apps._graph import BATCH, IR_VERSION, OPSET
from lpbench_image.apps._writing import LABELLED, component, write_config, write_labelled, write_picture

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SIDE = 8
GREATEST = 16
TRAIN = 1297
"""Number of digits used for training, from the first on; the others measure the quality."""
CLASSES = 10
HIDDEN = 64
STEPS = 300
RATE = 0.01
DECAY = 1e-3
SEED = 0
LEAST = 0.92
"""Lowest acceptable accuracy on the digits that are not used for training."""
GRID = 1024
"""Weights are rounded to multiples of 1 / GRID, so that they do not depend on the order of summation."""
SAMPLES = 10


def digits(members: Path, app: Path) -> None:
    """Train the network, check it and write the app.

    :raises ValueError: The network's accuracy is below ``LEAST``.
    """
    pixels, labels = read(members / "digits.csv.gz")
    values = pixels.reshape(len(pixels), -1) / 255
    weights = train(values[:TRAIN], labels[:TRAIN])
    right = float(np.mean(logits(values[TRAIN:], weights).argmax(1) == labels[TRAIN:]))
    if right < LEAST:
        raise ValueError(
            f"the network recognises {right:.1%} of the digits that it was not trained on; expected {LEAST:.0%} or more"
        )
    (app / "model.onnx").write_bytes(model(weights).SerializeToString(deterministic=True))
    pictures = [(f"{at:04d}", pixels[at], str(labels[at])) for at in range(TRAIN, len(pixels))]
    write_labelled(app / LABELLED, pictures)
    for name, picture, _ in pictures[:SAMPLES]:
        write_picture(app / "samples" / f"{name}.png", picture)
    write_config(
        app,
        "image_classification",
        [component("digits", {"onnx": "model.onnx"}, {}, {"type": "classification", "top_k": 3})],
        labels=map(str, range(CLASSES)),
        quality={"metric": "top1", "reference": right, "at_least_of_reference": 0.99},
    )


def read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the digits as pictures (n, 8, 8), 0 to 255, and their labels."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        table = np.loadtxt(file, delimiter=",")
    pixels = np.rint(table[:, :-1] * (255 / GREATEST)).astype(np.uint8)
    return pixels.reshape(-1, SIDE, SIDE), table[:, -1].astype(np.int64)


def train(values: Floats, labels: NDArray[np.int64]) -> list[NDArray[np.float32]]:
    """Return kernel (in, hidden), bias, kernel (hidden, classes) and bias of a perceptron with one hidden layer.

    Adam on the whole data set (Kingma and Ba, arXiv:1412.6980), with cross entropy and weight decay.

    :param values: (n, in), 0 to 1.
    """
    random = np.random.default_rng(SEED)
    inputs = values.shape[1]
    kernels = [random.normal(0, (2 / wide) ** 0.5, (wide, out)) for wide, out in ((inputs, HIDDEN), (HIDDEN, CLASSES))]
    weights = [kernels[0], np.zeros(HIDDEN), kernels[1], np.zeros(CLASSES)]
    means, squares = ([np.zeros_like(weight) for weight in weights] for _ in range(2))
    targets = np.eye(CLASSES)[labels]
    for step in range(1, STEPS + 1):
        for at, gradient in enumerate(gradients(values, targets, weights)):
            means[at] += 0.1 * (gradient - means[at])
            squares[at] += 0.001 * (gradient**2 - squares[at])
            step_size = np.sqrt(squares[at] / (1 - 0.999**step)) + 1e-8
            weights[at] -= RATE * means[at] / (1 - 0.9**step) / step_size
    return [(np.rint(weight * GRID) / GRID).astype(np.float32) for weight in weights]


def gradients(values: Floats, targets: Floats, weights: list[Floats]) -> list[Floats]:
    """Return the gradients of the mean cross entropy plus weight decay with respect to each of the weights."""
    first, first_bias, second, second_bias = weights
    hidden = np.maximum(values @ first + first_bias, 0)
    scores = hidden @ second + second_bias
    shares = np.exp(scores - scores.max(1, keepdims=True))
    error = (shares / shares.sum(1, keepdims=True) - targets) / len(values)
    back = (error @ second.T) * (hidden > 0)
    return [values.T @ back + DECAY * first, back.sum(0), hidden.T @ error + DECAY * second, error.sum(0)]


def logits(values: Floats, weights: list[NDArray[np.float32]]) -> NDArray[Any]:
    """Return the scores (n, classes) of the trained network."""
    first, first_bias, second, second_bias = weights
    scores: NDArray[Any] = np.maximum(values @ first + first_bias, 0) @ second + second_bias
    return scores


def model(weights: list[NDArray[np.float32]]) -> onnx.ModelProto:
    """Return the network as ONNX: ``input`` f32[batch,1,8,8], 0 to 1, to ``logits`` f32[batch,10]."""
    names = ("hidden.weight", "hidden.bias", "out.weight", "out.bias")
    nodes = [
        helper.make_node("Flatten", ["input"], ["flat"], "flatten", axis=1),
        helper.make_node("Gemm", ["flat", *names[:2]], ["hidden"], "hidden"),
        helper.make_node("Relu", ["hidden"], ["active"], "relu"),
        helper.make_node("Gemm", ["active", *names[2:]], ["logits"], "out"),
    ]
    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, [BATCH, 1, SIDE, SIDE])
    scores = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [BATCH, CLASSES])
    constants = [numpy_helper.from_array(weight, name) for weight, name in zip(weights, names, strict=True)]
    graph = helper.make_graph(nodes, "digits_mlp", [picture], [scores], constants)
    opset = helper.make_opsetid("", OPSET)
    built = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="lpbench")
    onnx.checker.check_model(built, full_check=True)
    return built
