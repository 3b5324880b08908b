"""Published networks with random weights: the architecture of the papers, and nothing that looks like knowledge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs onnx")
ort = pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from plugins.lpbench_image.tests.light_graphs import light  # noqa: E402 - after what may skip this file

from lpbench.app import catalogue  # noqa: E402
from lpbench.app.model import load_app  # noqa: E402
from lpbench.util import atomic_folders  # noqa: E402
from lpbench_image import apps  # noqa: E402
from lpbench_image.apps import _entries_random, _random_weights  # noqa: E402
from lpbench_image.apps._drawn import DrawnGraph  # noqa: E402
from lpbench_image.apps._random_app import SPREAD, spread_scores  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CACHE = atomic_folders.cache_folder().parent
"""The user's: what was pulled before is not built again."""


def test_random_weights_are_marked() -> None:
    """Whoever lists them, or reads their descriptor, learns that they are for speed only."""
    named = {each.name: each for each in vars(_entries_random).values() if isinstance(each, catalogue.Entry)}
    marked = [each for each in apps.ENTRIES if each.name.endswith("-random")]
    assert len(marked) == 9
    assert all("random weights: speed only" in each.summary for each in marked)
    assert all("random weights: speed only" in named[each.name].source for each in marked)


def test_every_weight_becomes_a_random_initialiser() -> None:
    """One input, one output, any batch; nothing constant, nothing of training; scores that spread; the same bytes."""
    model = _random_weights.materialised(light(), 8)
    spread_scores(model)
    assert [node.op_type for node in model.graph.node] == [
        *("Conv", "BatchNormalization", "Relu", "Flatten", "Gemm", "Softmax")
    ]
    weights = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    assert {name: each.shape for name, each in weights.items()} == {
        "w": (4, 3, 3, 3),
        **dict.fromkeys(("b", "scale", "bias", "mean", "var"), (4,)),
        "k": (5, 64),
        "h": (5,),
    }
    assert all(len(np.unique(each)) == each.size for each in weights.values())
    assert weights["w"].std() == pytest.approx((2 / 27) ** 0.5, rel=0.2)
    assert weights["var"].min() > 0.5
    assert [each.name for each in model.graph.input] == ["input"]
    session = ort.InferenceSession(model.SerializeToString())
    (scores,) = session.run(["scores"], {"input": np.random.default_rng(0).standard_normal((2, 3, 8, 8), np.float32)})
    assert scores.sum(1) == pytest.approx([1, 1])
    assert np.log(scores[0]).std() == pytest.approx(SPREAD, rel=0.8)
    again = _random_weights.materialised(light(), 8)
    spread_scores(again)
    assert again.SerializeToString(deterministic=True) == model.SerializeToString(deterministic=True)


def test_a_layer_without_a_rule_is_refused() -> None:
    """An operator whose meaning may have changed between the opsets, and a weight where none was thought of."""
    with pytest.raises(ValueError, match="layers of type Upsample are not supported"):
        _random_weights.materialised(light(extra="Upsample"), 8)
    model = light()
    model.graph.node[-1].input[0] = "g"
    with pytest.raises(ValueError, match="a weight as input 0 of Flatten is not supported"):
        _random_weights.materialised(model, 8)


def test_scores_of_more_dimensions_are_flattened_before_the_softmax() -> None:
    """A network that ends in a convolution: the softmax goes over all scores, as opset 9 has it."""
    model = light()
    nodes = [node for node in model.graph.node if node.op_type in {"ConstantOfShape", "Conv", "Softmax"}]
    nodes[-1].input[0] = "c"
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    found = _random_weights.materialised(model, 8)
    assert [node.op_type for node in found.graph.node] == ["Conv", "Flatten", "Softmax"]
    session = ort.InferenceSession(found.SerializeToString())
    (scores,) = session.run(None, {"input": np.ones((1, 3, 8, 8), np.float32)})
    assert scores.shape == (1, 64)
    assert scores.sum() == pytest.approx(1)


def test_a_network_that_averages_its_map_takes_every_tile() -> None:
    """One that flattens its map keeps its size; pooling rounds up, as when the networks were published."""
    fixed = _random_weights.materialised(light(), 8)
    assert [each.dim_value for each in fixed.graph.input[0].type.tensor_type.shape.dim[2:]] == [8, 8]
    model = _random_weights.materialised(light(pooled=True), 8)
    assert [node.op_type for node in model.graph.node][3:6] == ["MaxPool", "GlobalAveragePool", "Flatten"]
    (pool,) = (node for node in model.graph.node if node.op_type == "MaxPool")
    model.graph.output.append(onnx.helper.make_tensor_value_info(pool.output[0], onnx.TensorProto.FLOAT, None))
    session = ort.InferenceSession(model.SerializeToString())
    for height, width in ((8, 8), (16, 12)):
        scores, pooled = session.run(None, {"input": np.ones((1, 3, height, width), np.float32)})
        assert scores.shape == (1, 5)
        assert pooled.shape[2:] == (height // 4, -(-width // 4))


def ran(graph: DrawnGraph, output: str, image: NDArray[Any]) -> NDArray[Any]:
    """Return a tensor of a graph under construction for an image."""
    model = graph.classifier(graph.pool(output), 2, "test")
    model.graph.output.insert(0, onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None))
    found, _ = ort.InferenceSession(model.SerializeToString()).run(None, {"input": image})
    return np.asarray(found)


def test_activations_and_excitation_are_those_of_the_papers() -> None:
    """Swish, hard swish and a squeeze-and-excitation whose layers multiply each channel by a known factor."""
    image = np.random.default_rng(0).normal(0, 3, (1, 3, 5, 4)).astype(np.float32)
    graph = DrawnGraph()
    np.testing.assert_allclose(ran(graph, graph.swish("input"), image), image / (1 + np.exp(-image)), atol=1e-5)
    graph = DrawnGraph()
    wanted = image * np.clip(image + 3, 0, 6) / 6
    np.testing.assert_allclose(ran(graph, graph.hard_swish("input"), image), wanted, atol=1e-5)
    graph = DrawnGraph()
    excited = ran(graph, graph.excite("input", 8, "relu", "sigmoid"), image)
    factors = excited / image
    assert np.ptp(factors, axis=(2, 3)) == pytest.approx(0, abs=1e-4)
    assert ((factors > 0) & (factors < 1)).all()
    assert len(np.unique(factors[0, :, 0, 0].round(4))) == 3


def test_signals_neither_vanish_nor_explode() -> None:
    """Thirty layers with rectifiers: the deviation stays within a factor of three, so half precision holds it."""
    graph = DrawnGraph()
    x = graph.layer("input", 64, 3, "relu")
    for _ in range(30):
        x = graph.layer(x, 64, 3, "relu")
    image = np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype(np.float32)
    assert 1 / 3 < ran(graph, x, image).std() < 3


PUBLISHED = {
    "imagenet-mobilenet-v2": ((224, 224), "0.6", "3.5", "14.0"),
    "alexnet-random": ((227, 227), "1.4", "61.0", "243.9"),
    "efficientnet-b0-random": ((224, 224), "0.8", "5.3", "21.1"),
    "googlenet-random": ((224, 224), "3.2", "7.0", "28.0"),
    "mobilenet-random": ((224, 224), "1.1", "4.2", "16.9"),
    "mobilenet-v3-large-random": ((223, 224), "0.4", "5.5", "21.9"),
    "mobilenet-v3-small-random": ((223, 224), "0.1", "2.9", "11.8"),
    "resnet18-random": ((224, 224), "3.6", "11.7", "46.7"),
    "resnet50-random": ((224, 224), "7.7", "25.5", "102.1"),
    "squeezenet-random": ((227, 227), "0.8", "1.2", "4.9"),
}
"""Width and height, GFLOP, millions of parameters and megabytes as in D6.4, to the printed digit.

Only of ResNet-18 the table has 3.7 and 46.8: it counts more operators, and the statistics of batch normalisations.
"""


def figures(path: Path, tile: tuple[int, int]) -> tuple[str, str, str]:
    """Count a classifier's operations, 2 for each multiplication of convolutions and matrices, and its weights."""
    model = onnx.load(path)
    shapes: dict[str, tuple[int, ...]] = {each.name: tuple(each.dims) for each in model.graph.initializer}
    weights = sum(math.prod(shape) for shape in shapes.values())
    for tensor in model.graph.initializer:
        tensor.ClearField("raw_data")  # shape inference would copy it
    for side, size in zip(model.graph.input[0].type.tensor_type.shape.dim, (1, 3, *tile[::-1]), strict=True):
        side.dim_value = size
    inferred = onnx.shape_inference.infer_shapes(model)
    for info in (*inferred.graph.value_info, *inferred.graph.output):
        shapes[info.name] = tuple(side.dim_value for side in info.type.tensor_type.shape.dim)
    products = sum(
        math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
        for node in model.graph.node
        if node.op_type in {"Conv", "Gemm"}
    )
    return f"{2 * products / 1e9:.1f}", f"{weights / 1e6:.1f}", f"{4 * weights / 1e6:.1f}"


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_networks_are_those_of_the_published_table(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """GFLOP, parameters and storage of the apps that were pulled on this machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
    folder = catalogue.find(name)
    if folder is None:
        pytest.skip(f"needs network: lpbench pull {name}")
    tile, *wanted = PUBLISHED[name]
    (part,) = load_app(folder).components
    assert figures(part.models[0].path, tile) == tuple(wanted)
