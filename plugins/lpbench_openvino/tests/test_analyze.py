"""What an analysis of a model in OpenVINO's format counts, against sums done by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import openvino
import pytest
from openvino import opset13 as ops

from lpbench.errors import AnalysisError
from lpbench.plugin.engine import Model
from lpbench.testing import onnx_models
from lpbench_openvino._analyze import OpenvinoAnalyzer
from lpbench_openvino._operators import operators

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from plugins.lpbench_openvino.tests.conftest import Models

    from lpbench.plugin.analyzer import Analysis

FLOAT = onnx_models.FLOAT
node = onnx.helper.make_node


def analysed(path: Path, shapes: Mapping[str, tuple[int, ...]] | None = None) -> Analysis:
    return OpenvinoAnalyzer(Model("openvino", path)).analyze(shapes or {})


def saved(folder: Path, outputs: list[Any], inputs: list[Any], **how: Any) -> Path:
    openvino.save_model(openvino.Model(outputs, inputs, "network"), str(folder / "model.xml"), **how)
    return folder / "model.xml"


def parameter(name: str, shape: list[int]) -> Any:
    made = ops.parameter(shape, np.float32, name)
    made.output(0).set_names({name})
    return made


def random(*shape: int) -> Any:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def test_a_convolution_is_counted_to_the_last_operation(models: Models) -> None:
    found = analysed(models.ir(), {"x": (2, 3, 8, 6)})
    assert found.flop == 2 * 2 * 8 * 8 * 6 * 27
    assert (found.params, found.storage_bytes, found.precision) == (8 * 27, 4 * 8 * 27, "F32")
    assert found.inputs[0].shape == (2, 3, 8, 6)
    assert found.outputs[0].shape == (2, 8, 1, 1)
    assert found.outputs[0].name == "y"
    assert found.activation_bytes == 2 * 4 * 2 * 8 * 8 * 6
    assert [layer.type for layer in found.layers] == ["Convolution", "Relu", "ReduceMean"]


def test_open_dimensions_are_open_and_shapes_that_do_not_fit_are_refused(models: Models) -> None:
    path = models.ir()
    assert OpenvinoAnalyzer(Model("openvino", path)).inputs[0].shape == (None, 3, None, None)
    assert analysed(path).activation_bytes is None
    with pytest.raises(AnalysisError, match=r'does not accept "x" 1x4x8x8'):
        analysed(path, {"x": (1, 4, 8, 8)})


def test_other_operators_with_products_follow_their_own_layouts(tmp_path: Path) -> None:
    x = parameter("x", [1, 6, 8, 8])
    grouped = ops.group_convolution(x, random(3, 4, 2, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
    wide = ops.convolution_backprop_data(grouped, random(12, 5, 2, 2), strides=[2, 2])
    a, b = parameter("a", [2, 7, 4]), parameter("b", [2, 7, 5])
    product = ops.matmul(a, b, transpose_a=True, transpose_b=False)
    found = analysed(saved(tmp_path, [wide, product], [x, a, b], compress_to_fp16=False))
    assert {layer.type: layer.flop for layer in found.layers} == {
        "GroupConvolution": 2 * 12 * 64 * 2 * 9,
        "ConvolutionBackpropData": 2 * 12 * 64 * 5 * 4,
        "MatMul": 2 * 2 * 4 * 5 * 7,
    }
    assert found.params == 3 * 4 * 2 * 9 + 12 * 5 * 4


def test_a_recurrent_layer_is_counted_by_gates_and_steps(tmp_path: Path) -> None:
    """Of an LSTM with 6 inputs and a state of 5, over 7 steps."""
    x = parameter("x", [1, 7, 6])
    start = ops.constant(np.zeros((1, 1, 5), np.float32))
    cell = ops.lstm_sequence(
        x, start, start, ops.constant(np.array([7])), random(1, 20, 6), random(1, 20, 5), random(1, 20), 5, "forward"
    )
    found = analysed(saved(tmp_path, [cell.output(0)], [x], compress_to_fp16=False))
    assert sum(layer.flop or 0 for layer in found.layers) == 2 * 7 * 4 * 5 * (6 + 5)


def test_weights_stored_in_half_count_as_such_and_widening_is_no_layer(tmp_path: Path) -> None:
    x = parameter("x", [1, 64])
    found = analysed(saved(tmp_path, [ops.matmul(x, random(64, 96), transpose_a=False, transpose_b=False)], [x]))
    assert found.operators == {"MatMul": 1}
    assert (found.params, found.storage_bytes, found.precision) == (6144, 2 * 6144, "F16")


def test_quantised_weights_keep_their_scales_apart(models: Models) -> None:
    found = analysed(models.ir(models.quantised()))
    assert (found.params, found.precision) == (16 * 16 * 9, "S8")
    assert 16 * 16 * 9 < found.storage_bytes < 16 * 16 * 9 + 100
    assert found.flop == 2 * 16 * 64 * 16 * 9


def test_statistics_are_stored_and_not_learned(tmp_path: Path) -> None:
    x = parameter("x", [1, 3, 4, 4])
    norm = ops.batch_norm_inference(x, random(3), random(3), random(3), abs(random(3)), 1e-5)
    found = analysed(saved(tmp_path, [norm], [x], compress_to_fp16=False))
    assert (found.flop, found.params, found.storage_bytes) == (0, 6, 48)


def test_operators_without_a_rule_are_named(tmp_path: Path) -> None:
    x = parameter("x", [4, 8])
    found = analysed(saved(tmp_path, [ops.einsum([x, ops.constant(random(8, 8))], "ab,bc->ac")], [x]))
    assert found.uncounted == {"Einsum": 1}


def test_a_damaged_file_is_refused_by_name(models: Models) -> None:
    path = models.ir()
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(AnalysisError, match=r"model\.xml"):
        OpenvinoAnalyzer(Model("openvino", path))


def test_a_name_that_is_no_text_is_refused(models: Models) -> None:
    path = models.ir()
    path.write_bytes(path.read_bytes().replace(b'name="conv"', b'name="c\x8bnv"'))
    with pytest.raises(AnalysisError, match="is not UTF-8"):
        analysed(path)


def test_operators_that_openvino_lacks_are_named_with_their_layers(models: Models) -> None:
    nodes = [
        node("Relu", ["x"], ["a"], name="relu"),
        node("NoSuchOperator", ["a"], ["b"], name="one"),
        node("NoSuchOperator", ["b"], ["c"], name="two"),
        node("Other", ["c"], ["y"], name="three", domain="acme"),
    ]
    ends: list[onnx_models.Value] = [(name, FLOAT, (1, 4)) for name in ("x", "y")]
    found = operators(Model("onnx", models.save(nodes, ends[:1], ends[1:])), None)
    assert {each.type: each.names for each in found} == {"NoSuchOperator": ("one", "two"), "acme.Other": ("three",)}
    assert operators(Model("onnx", models.convolution()), None) == ()
