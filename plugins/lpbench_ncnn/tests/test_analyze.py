"""What an analysis of a network counts, against sums done by hand and by ncnn's own runs."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.errors import AnalysisError
from lpbench.plugin.engine import Model, TensorInfo
from lpbench_ncnn._analyze import NcnnAnalyzer
from lpbench_ncnn._operators import operators
from lpbench_ncnn.config import NcnnConfig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from plugins.lpbench_ncnn.tests.conftest import Models

    from lpbench.plugin.analyzer import Analysis

SHAPES = {"in0": (1, 3, 8, 8)}
LARGE: dict[str, tuple[int, ...]] = {"in0": (1, 3, 512, 512)}
F16, S8 = 0x01306B47, 0x000D4B38


def analysed(path: Path, shapes: dict[str, tuple[int, ...]] | None = None) -> Analysis:
    return NcnnAnalyzer(Model("ncnn", path)).analyze(SHAPES if shapes is None else shapes)


def test_a_small_network_is_counted_to_the_last_operation(models: Models) -> None:
    found = analysed(models.network())
    products = 16 * 8 * 8 * 27 + 16 * 8 * 8 * 9 + 5 * 256
    assert found.flop == 2 * products
    assert {layer.name: layer.params for layer in found.layers} == {
        "conv": 432 + 16,
        "depth": 144,
        "pool": 0,
        "fc": 1280 + 5,
        "softmax": 0,
    }
    assert found.storage_bytes == 4 * found.params == 4 * (432 + 16 + 144 + 1280 + 5)
    assert found.precision == "F32"
    assert found.outputs[0].shape == (1, 5)
    assert found.activation_bytes == 4 * 2 * 16 * 8 * 8  # what the second convolution reads and writes
    assert found.uncounted == {}


@settings(max_examples=50, deadline=None)
@given(
    window=st.tuples(st.tuples(*[st.integers(3, 9)] * 2), st.tuples(*[st.integers(1, 3)] * 2), st.integers(1, 2)),
    channels=st.tuples(*[st.integers(1, 3)] * 2),
    group=st.integers(1, 3),
)
def test_convolutions_take_as_many_products_as_their_loops(
    window: tuple[tuple[int, int], tuple[int, int], int],
    channels: tuple[int, int],
    group: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    size, kernel, stride = window
    into, out = (count * group for count in channels)
    products = sum(
        1
        for _ in range(0, size[0] - kernel[0] + 1, stride)
        for _ in range(0, size[1] - kernel[1] + 1, stride)
        for _ in range(out)
        for _ in range(kernel[0] * kernel[1] * into // group)
    )
    weights = out * into // group * kernel[0] * kernel[1]
    folder = tmp_path_factory.mktemp("network")
    line = f"0={out} 1={kernel[1]} 11={kernel[0]} 3={stride} 13={stride} 6={weights} 7={group}"
    (folder / "model.param").write_text(
        f"7767517\n2 2\nInput in0 0 1 in0\nConvolutionDepthWise conv 1 1 in0 out0 {line}\n", encoding="ascii"
    )
    (folder / "model.bin").write_bytes(bytes(4 + 4 * weights))
    found = analysed(folder / "model.param", {"in0": (1, into, *size)})
    assert found.flop == 2 * products
    assert found.params == weights


@pytest.mark.parametrize(("tag", "element", "precision"), [(F16, 2, "F16"), (S8, 1, "S8"), (0, 4, "F32")])
def test_weights_count_as_they_are_stored(models: Models, tag: int, element: int, precision: str) -> None:
    """Behind them comes a padding to four bytes."""
    content = struct.pack("<I", tag) + bytes(-(-155 * element // 4) * 4) + bytes(4 * 5)
    path = models.save(["Input in0 0 1 in0", "InnerProduct fc 1 1 in0 out0 0=5 1=1 2=155"], content)
    found = analysed(path, {"in0": (1, 31)})
    assert (found.params, found.storage_bytes, found.precision) == (160, 155 * element + 4 * 5, precision)
    assert not any("of the .bin" in note for note in found.notes)


def test_a_network_quantised_to_eight_bits_keeps_its_scales_apart(models: Models) -> None:
    found = analysed(models.quantised(), {"in0": (1, 16, 4, 4)})
    assert (found.params, found.storage_bytes, found.precision) == (256, 256 + 4 * 17, "S8")
    assert found.flop == 2 * 16 * 16 * 4 * 4


def test_shapes_that_no_rule_tells_come_from_a_run(models: Models) -> None:
    """Of an interpolation, and so of the convolution behind it."""
    layers = [
        "Input in0 0 1 in0",
        "Interp larger 1 1 in0 a 0=1 1=2.0 2=2.0",
        "Convolution conv 1 1 a out0 0=4 1=1 6=12",
    ]
    found = analysed(models.save(layers, models.tagged(np.ones(12))))
    assert found.outputs[0].shape == (1, 4, 16, 16)
    assert found.flop == 2 * 12 * 16 * 16


def test_shapes_of_a_large_image_come_from_a_run(models: Models) -> None:
    """Its 3 MB are memory that the system takes back at once when an array of numpy's ends."""
    found = analysed(models.save(["Input in0 0 1 in0", "Interp smaller 1 1 in0 out0 0=1 1=0.5 2=0.5"]), LARGE)
    assert found.outputs[0].shape == (1, 3, 256, 256)


def test_statistics_are_stored_and_not_learned_and_constants_belong_to_their_readers(models: Models) -> None:
    layers = [
        "Input in0 0 1 in0",
        "BatchNorm norm 1 1 in0 n 0=3",
        "MemoryData offsets 0 1 m 0=8 1=8 2=3",
        "Split twice 1 2 n n0 n1",
        "BinaryOp add 2 1 n0 m a 0=0",
        "BinaryOp more 2 1 a n1 out0 0=0",
    ]
    found = analysed(models.save(layers, bytes(4 * (4 * 3 + 3 * 64))))
    assert [layer.name for layer in found.layers] == ["norm", "add", "more"]
    assert (found.params, found.storage_bytes) == (6 + 192, 4 * (12 + 192))
    assert found.activation_bytes == 3 * 4 * 192  # n lives until the end, beside a and the output


def test_a_recurrent_layer_multiplies_by_its_matrices_at_each_step(models: Models) -> None:
    """Of an LSTM with 6 inputs and a state of 5, over 7 steps."""
    weights = [4 * 5 * 6, 4 * 5, 4 * 5 * 5]
    content = b"".join(models.tagged(np.ones(count)) for count in weights)
    path = models.save(["Input in0 0 1 in0", f"LSTM lstm 1 1 in0 out0 0=5 1={weights[0]}"], content)
    found = analysed(path, {"in0": (1, 7, 6)})
    assert found.flop == 2 * 7 * 4 * 5 * (6 + 5)
    assert found.params == sum(weights)


def test_a_layer_that_ncnn_does_not_have_is_not_counted_but_named(models: Models) -> None:
    found = analysed(models.save(["Input in0 0 1 in0", "NoSuchOperator strange 1 1 in0 out0"]))
    assert found.uncounted == {"NoSuchOperator": 1}
    assert found.activation_bytes is None


def test_what_the_file_does_not_tell_is_asked_for(models: Models) -> None:
    analyzer = NcnnAnalyzer(Model("ncnn", models.network()))
    assert analyzer.inputs[0].shape == ()
    with pytest.raises(AnalysisError, match='the shape of input "in0" is not known'):
        analyzer.analyze({})
    stated = NcnnAnalyzer(Model("ncnn", models.network(), inputs=(TensorInfo("in0", "float32", (1, 3, None, None)),)))
    assert stated.inputs[0].shape == (1, 3, None, None)
    assert NcnnAnalyzer(Model("ncnn", models.network("0=8 1=8 2=3"))).inputs[0].shape == (1, 3, 8, 8)


def test_shapes_precede_those_of_the_file_and_are_refused_where_they_do_not_fit(models: Models) -> None:
    with pytest.raises(AnalysisError, match="its weights are for 256 values"):
        analysed(models.network("0=8 1=8 2=3"), {"in0": (1, 3, 16, 16)})
    resized = analysed(models.relu("0=8 1=8 2=3"), {"in0": (1, 3, 16, 16)})
    assert resized.outputs[0].shape == (1, 3, 16, 16)
    with pytest.raises(AnalysisError, match="its weights are for 3 channels"):
        analysed(models.network(), {"in0": (1, 4, 8, 8)})


def test_a_stride_of_zero_is_refused(models: Models) -> None:
    with pytest.raises(AnalysisError, match="has a stride of 0"):
        analysed(models.save(["Input in0 0 1 in0", "Pooling pool 1 1 in0 out0 1=2 2=0"]))


@pytest.mark.parametrize("size", [0, 3, 1000, None])
def test_a_bin_that_is_missing_or_cut_is_refused(models: Models, size: int | None) -> None:
    path = models.network()
    beside = path.with_suffix(".bin")
    if size is None:
        beside.unlink()
    else:
        beside.write_bytes(beside.read_bytes()[:size])
    with pytest.raises(AnalysisError, match=r"model\.bin does not exist|describes|ends at byte"):
        analysed(path)


def test_a_bin_with_more_than_the_layers_need_is_noted(models: Models) -> None:
    path = models.network()
    path.with_suffix(".bin").write_bytes(path.with_suffix(".bin").read_bytes() + bytes(8))
    assert "8 bytes of the .bin" in " ".join(analysed(path).notes)


def lacking(layers: Sequence[str], models: Models, **options: Any) -> dict[str, tuple[str, ...]]:
    found = operators(Model("ncnn", models.save(layers)), NcnnConfig(**options))
    return {each.type: each.names for each in found}


def test_layers_that_ncnn_lacks_are_named_those_left_out_of_its_build_too(models: Models) -> None:
    layers = [
        "Input in0 0 1 in0",
        "NoSuchOperator one 1 1 in0 a",
        "ReLU relu 1 1 a b",
        "NoSuchOperator two 1 1 b c",
        "ArgMax best 1 1 c out0",
    ]
    assert lacking(layers, models) == {"NoSuchOperator": ("one", "two"), "ArgMax": ("best",)}
    assert lacking(["Input in0 0 1 in0", "ReLU relu 1 1 in0 out0"], models, device="vulkan") == {}
