"""What an analysis of a TFLite file counts, against sums done by hand and shapes that LiteRT infers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.errors import AnalysisError
from lpbench.plugin.engine import Model
from lpbench_tflite._analyze import TfliteAnalyzer
from lpbench_tflite._unsupported import operators
from lpbench_tflite._write import CONV_2D, FULLY_CONNECTED, Kind, Network, Number

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_tflite.tests.conftest import Models

    from lpbench.plugin.analyzer import Analysis

DEPTHWISE_CONV_2D, DEQUANTIZE, TRANSPOSE_CONV, BATCH_MATMUL = Kind(4, 2), Kind(6, 26), Kind(67, 49), Kind(126, 101)
LSTM, WHILE = Kind(44, 71), Kind(119, 93)


def analysed(path: Path, **shapes: tuple[int, ...]) -> Analysis:
    return TfliteAnalyzer(Model("tflite", path)).analyze(shapes)


def constant(network: Network, name: str, *shape: int, dtype: str = "float32") -> int:
    return network.tensor(name, shape, dtype, data=np.ones(shape, dtype))


def test_a_convolution_is_counted_to_the_last_operation(models: Models) -> None:
    found = analysed(models.convolution(), x=(1, 6, 5, 3))
    conv, softmax = found.layers
    assert (conv.name, conv.type, conv.kind, conv.shape) == ("inner", "CONV_2D", "convolution", (1, 6, 5, 4))
    assert found.flop == conv.flop == 2 * 6 * 5 * 4 * 27
    assert softmax.flop == 0
    assert (found.params, found.storage_bytes, found.precision) == (4 * 27 + 4, 4 * (4 * 27 + 4), "F32")
    assert found.activation_bytes == 4 * 30 * (4 + 4)
    assert found.bytes_moved == 4 * (30 * (3 + 4) + 112) + 4 * 30 * 8
    assert found.inputs[0].shape == (1, 6, 5, 3)


@settings(max_examples=50, deadline=None)
@given(
    size=st.tuples(*[st.integers(1, 4)] * 2),
    kernel=st.tuples(*[st.integers(1, 3)] * 2),
    channels=st.tuples(*[st.integers(1, 3)] * 2),
    group=st.integers(1, 3),
)
def test_convolutions_take_as_many_products_as_their_loops(
    size: tuple[int, int],
    kernel: tuple[int, int],
    channels: tuple[int, int],
    group: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Weights of a convolution in groups have the input channels of one group."""
    into, out = (count * group for count in channels)
    products = sum(
        1 for _ in range(size[0] * size[1]) for _ in range(out) for _ in range(kernel[0] * kernel[1] * channels[0])
    )
    network = Network()
    x = network.tensor("x", (1, size[0] + kernel[0] - 1, size[1] + kernel[1] - 1, into))
    y = network.tensor("y", (1, *size, out))
    network.operator(CONV_2D, [x, constant(network, "w", out, *kernel, channels[0])], [y], {})
    path = tmp_path_factory.mktemp("network") / "model.tflite"
    path.write_bytes(network.save([x], [y]))
    assert TfliteAnalyzer(Model("tflite", path)).analyze({}).flop == 2 * products


def test_other_operators_with_products_follow_their_own_layouts(models: Models) -> None:
    network = Network()
    x = network.tensor("x", (1, 6, 5, 3))
    depth, wide = network.tensor("depth", (1, 6, 5, 6)), network.tensor("wide", (1, 12, 10, 2))
    network.operator(DEPTHWISE_CONV_2D, [x, constant(network, "d", 1, 3, 3, 6)], [depth], {3: Number("i", 2)})
    size = network.tensor("size", (4,), "int32", data=np.array([1, 12, 10, 2], np.int32))
    network.operator(TRANSPOSE_CONV, [size, constant(network, "t", 2, 2, 2, 6), depth], [wide], {})
    a, b, product = (
        network.tensor(name, shape) for name, shape in (("a", (2, 7, 4)), ("b", (2, 7, 5)), ("p", (2, 4, 5)))
    )
    network.operator(BATCH_MATMUL, [a, b], [product], {0: Number("b", 1)})
    found = analysed(models.save(network, [x, a, b], [wide, product]))
    assert [layer.flop for layer in found.layers] == [
        2 * 6 * 5 * 6 * 9,
        2 * 6 * 5 * 6 * 2 * 2 * 2,
        2 * 2 * 4 * 5 * 7,
    ]
    assert found.params == 54 + 48  # the shape of an output is no weight


def test_a_recurrent_layer_multiplies_by_each_matrix_at_each_step(models: Models) -> None:
    """Of an LSTM with 6 inputs and a state of 5, over 7 steps: four matrices for each."""
    network = Network()
    x, y = network.tensor("x", (1, 7, 6)), network.tensor("y", (1, 7, 5))
    weights = [constant(network, f"w{at}", 5, 6 if at < 4 else 5) for at in range(8)]
    network.operator(LSTM, [x, *weights, -1, *(constant(network, f"b{at}", 5) for at in range(4))], [y], {})
    found = analysed(models.save(network, [x], [y]))
    assert found.flop == 2 * 7 * 4 * 5 * (6 + 5)
    assert found.params == 4 * 5 * (6 + 5) + 20


def test_quantised_weights_count_as_they_are_stored(models: Models) -> None:
    found = analysed(models.quantised())
    assert (found.params, found.storage_bytes, found.precision) == (40, 40, "S8")
    assert (found.flop, found.layers[0].read_bytes, found.layers[0].written_bytes) == (80, 8, 5)


def test_weights_that_are_widened_first_count_as_they_are_stored_and_widening_is_no_layer(models: Models) -> None:
    network = Network()
    x, wide = network.tensor("x", (1, 8)), network.tensor("wide", (5, 8))
    y = network.tensor("y", (1, 5))
    network.operator(DEQUANTIZE, [constant(network, "half", 5, 8, dtype="float16")], [wide])
    network.operator(FULLY_CONNECTED, [x, wide, -1], [y], {})
    found = analysed(models.save(network, [x], [y]))
    assert found.operators == {"FULLY_CONNECTED": 1}
    assert (found.params, found.storage_bytes, found.precision, found.flop) == (40, 80, "F16", 80)


def test_shapes_that_were_asked_for_follow_litert_through_the_graph(models: Models) -> None:
    path = models.convolution()
    found = analysed(path, x=(2, 12, 10, 3))
    assert found.outputs[0].shape == (2, 12, 10, 4)
    assert found.flop == 2 * 2 * 12 * 10 * 4 * 27
    with pytest.raises(AnalysisError, match="LiteRT does not accept x=1x6x5x7"):
        analysed(path, x=(1, 6, 5, 7))


def test_open_dimensions_are_open_until_they_are_given(models: Models) -> None:
    path = models.add((-1, 4))
    assert [info.shape for info in TfliteAnalyzer(Model("tflite", path)).inputs] == [(None, 4)] * 2
    assert analysed(path, a=(3, 4), b=(3, 4)).outputs[0].shape == (3, 4)


def test_operators_without_a_rule_are_named_and_other_graphs_noted(models: Models) -> None:
    found = analysed(models.of(Kind(32, custom="Strange"), WHILE, Kind(32, custom="Strange")))
    assert found.uncounted == {"Strange": 2, "WHILE": 1}
    assert any("the graphs that WHILE run" in note for note in found.notes)


def test_a_signature_names_the_graph_and_several_are_noted(models: Models) -> None:
    network = Network()
    x, y = network.tensor("x", (1, 8)), network.tensor("y", (1, 8))
    network.operator(Kind(19), [x], [y])
    network.close_graph([x], [y])
    a = network.tensor("a", (1, 8))
    b = network.dense("b", a, (1, 5), np.ones((5, 8), np.float32))
    network.signature("second", {"a": a}, {"b": b}, graph=1)
    assert analysed(models.save(network, [a], [b])).flop == 80
    network.signature("first", {"x": x}, {"y": y})
    found = analysed(models.save(network, [a], [b]))
    assert found.flop == 0
    assert any("second, first" in note for note in found.notes)


@pytest.mark.parametrize("content", [b"", b"TFL3", bytes(4) + b"TFL3" + bytes(100)])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(AnalysisError, match=r"model\.tflite"):
        TfliteAnalyzer(Model("tflite", path))


def lacking(path: Path) -> dict[str, tuple[str, ...]]:
    found: Any = operators(Model("tflite", path), None)
    return {each.type: each.names for each in found}


def test_operators_that_litert_lacks_are_named_by_what_they_write(models: Models) -> None:
    strange = Kind(32, custom="Strange")
    assert lacking(models.of(strange, Kind(19), strange, Kind(0, 11, version=99))) == {
        "Strange": ("t1", "t3"),
        "ADD version 99": ("t4",),
    }
    assert lacking(models.convolution()) == {}
