"""The quantised model computes what its source does, in the form that TensorRT takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from lpbench.errors import ConversionError
from lpbench.testing import onnx_models
from lpbench_ort import qdq

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugins.lpbench_ort.tests.conftest import Models

SHAPE = (1, 3, 16, 16)
random = np.random.default_rng(7)


def network(models: Models, *, opset: int = 19) -> Path:
    """Save two convolutions with biases and a product; channels of the first differ in size by a factor of 1000."""
    sizes = np.logspace(-2, 1, 8, dtype=np.float32).reshape(8, 1, 1, 1)
    weights = {
        "w1": random.standard_normal((8, 3, 3, 3)).astype(np.float32) * sizes,
        "b1": random.standard_normal(8).astype(np.float32),
        "w2": random.standard_normal((4, 8, 3, 3)).astype(np.float32),
        "b2": random.standard_normal(4).astype(np.float32),
        "w3": random.standard_normal((4, 5)).astype(np.float32),
    }
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["a"], name="first"),
        node("Relu", ["a"], ["b"], name="relu"),
        node("Conv", ["b", "w2", "b2"], ["c"], name="second", strides=[2, 2]),
        node("GlobalAveragePool", ["c"], ["d"], name="pool"),
        node("Flatten", ["d"], ["e"], name="flat"),
        node("MatMul", ["e", "w3"], ["y"], name="product"),
    ]
    models.opset = opset
    path = models.save(nodes, [("x", onnx_models.FLOAT, SHAPE)], [("y", onnx_models.FLOAT, (1, 5))], weights)
    return path.rename(path.with_name("float.onnx"))


def samples(count: int) -> list[dict[str, Any]]:
    return [{"x": random.standard_normal(SHAPE).astype(np.float32)} for _ in range(count)]


def test_it_computes_what_its_source_does(models: Models, open_session: Callable[..., Any], tmp_path: Path) -> None:
    source, target = network(models), tmp_path / "int8.onnx"
    qdq.quantise(source, target, samples(32))
    exact, rounded = open_session(source), open_session(target)
    outputs = [(exact.run(feeds)["y"].copy(), rounded.run(feeds)["y"].copy()) for feeds in samples(8)]
    expected, found = (np.concatenate(side) for side in zip(*outputs, strict=True))
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()
    assert not np.array_equal(found, expected)


def test_it_has_the_form_that_tensorrt_takes(models: Models, tmp_path: Path) -> None:
    """Signed integers around zero everywhere, a scale for each output channel, and biases that stay floats."""
    qdq.quantise(network(models), tmp_path / "int8.onnx", samples(4))
    graph = onnx.load(str(tmp_path / "int8.onnx")).graph
    held = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    steps = [node for node in graph.node if node.op_type in {"QuantizeLinear", "DequantizeLinear"}]
    zeros = [held[node.input[2]] for node in steps]
    assert len(steps) >= 9
    assert {zero.dtype.name for zero in zeros} == {"int8"}
    assert all(np.all(zero == 0) for zero in zeros)
    scales = {node.input[0].removesuffix("_quantized"): held[node.input[1]] for node in steps}
    assert scales["w1"].shape == (8,)
    assert scales["w2"].shape == (4,)
    assert held["b1"].dtype == held["b2"].dtype == np.float32


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda models: network(models, opset=12), "operator set 12"),
        (lambda models: models.folder / "none.onnx", "cannot be read"),
        (lambda models: Path(__file__), "cannot be read"),
    ],
)
def test_what_cannot_be_quantised_is_refused_with_its_file(
    models: Models, make: Callable[[Models], Path], words: str, tmp_path: Path
) -> None:
    source = make(models)
    with pytest.raises(ConversionError, match=words) as caught:
        qdq.quantise(source, tmp_path / "out.onnx", samples(1))
    assert source.name in str(caught.value)
    assert not (tmp_path / "out.onnx").exists()


def test_ranges_need_samples_and_a_float_model(models: Models, tmp_path: Path) -> None:
    source, target = network(models), tmp_path / "int8.onnx"
    with pytest.raises(ConversionError, match="no samples"):
        qdq.quantise(source, target, [])
    with pytest.raises(ConversionError, match="cannot quantise"):
        qdq.quantise(source, target, [{"other": np.zeros(SHAPE, np.float32)}])
    qdq.quantise(source, target, samples(1))
    with pytest.raises(ConversionError, match="already"):
        qdq.quantise(target, tmp_path / "again.onnx", samples(1))
