"""Agreement of real engines: small ONNX models, one with a wrong weight, a softmax of four dimensions, bfloat16."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - fixtures
from typing import Any

import pytest

pytestmark = pytest.mark.long

for needed in ("numpy", "onnxruntime", "lpbench_ort", "openvino", "lpbench_openvino"):
    pytest.importorskip(needed, reason=f"needs {needed}")
onnx = pytest.importorskip("onnx", reason="needs onnx")

import numpy as np  # noqa: E402 - after the skips

from lpbench.errors import ConversionError, LpbenchError  # noqa: E402
from lpbench.jobs.agreement import agree  # noqa: E402
from lpbench.jobs.conversion import convert  # noqa: E402
from lpbench.testing import onnx_models  # noqa: E402
from lpbench.testing.setups import write_app  # noqa: E402

FLOAT = onnx.TensorProto.FLOAT
CHANNELS = 8


def save(path: Path, nodes: list[Any], output: list[int], weights: dict[str, Any], opset: int = 13) -> Path:
    """Save a graph from x (1, 3, 16, 16) to y."""
    ends = ("x", FLOAT, (1, 3, 16, 16)), ("y", FLOAT, output)
    return onnx_models.save(path, nodes, ends[:1], ends[1:], weights, opset=opset)


def network(path: Path, *, damaged: bool = False) -> Path:
    """Save five convolutions with ReLU, then pooling; the damage is one weight of the third."""
    random = np.random.default_rng(11)
    weights, nodes, before = {}, [], "x"
    for at in range(5):
        shape = (CHANNELS, CHANNELS if at else 3, 3, 3)
        weights[f"w{at}"] = (random.standard_normal(shape) / 6).astype(np.float32)
        nodes += [
            onnx.helper.make_node("Conv", [before, f"w{at}"], [f"c{at}"], name=f"conv{at}", pads=[1] * 4),
            onnx.helper.make_node("Relu", [f"c{at}"], [f"r{at}"], name=f"relu{at}"),
        ]
        before = f"r{at}"
    if damaged:
        weights["w2"][1, 4, 0, 2] += 0.02
    nodes.append(onnx.helper.make_node("GlobalAveragePool", [before], ["y"], name="pool"))
    return save(path, nodes, [1, CHANNELS, 1, 1], weights)


def app(folder: Path, models: dict[str, Any], post: dict[str, Any]) -> Path:
    """Write an app around models that take tensors."""
    return write_app(folder, models, post=post, ai_app_class="image_classification")


def with_converted(folder: Path, *, damaged: bool) -> Path:
    """Write an app whose ONNX model is right, and whose model for OpenVINO may have been damaged on the way."""
    import openvino

    network(folder / "model.onnx")
    source = network(folder / "source.onnx", damaged=damaged)
    openvino.save_model(openvino.Core().read_model(str(source)), str(folder / "ir.xml"), compress_to_fp16=False)
    models = {"onnx": {"file": "model.onnx"}, "openvino": {"file": "ir.xml", "extra": ["ir.bin"]}}
    return app(folder, models, {"type": "tensors"})


def test_engines_agree_on_a_small_network_each_as_users_run_it(tmp_path: Path) -> None:
    found = agree(network(tmp_path / "model.onnx"), ["onnxruntime", "openvino"])
    assert found.reference_options == {"graph_optimization": "disabled"}
    assert [each.agrees for each in found.engines] == [True, True]
    assert all(each.facts["precision"] == "F32" for each in found.engines)
    assert all(each.deviation and each.deviation.max_absolute < 1e-5 for each in found.engines)


def test_one_wrong_weight_is_caught_and_bisecting_names_the_tensor(tmp_path: Path) -> None:
    (row,) = agree(with_converted(tmp_path, damaged=True), ["openvino"], bisect=True).engines
    assert "above" in row.reason
    at = row.divergence
    assert at is not None
    assert (at.tensor, at.last, at.shape, at.makers[0]) == ("c2", "r1", (1, CHANNELS, 16, 16), "Conv conv2")


def test_a_conversion_that_is_right_agrees(tmp_path: Path) -> None:
    assert agree(with_converted(tmp_path, damaged=False), ["openvino"], bisect=True).agree


def test_bfloat16_is_no_single_precision(tmp_path: Path) -> None:
    (row,) = agree(network(tmp_path / "model.onnx"), ["openvino:precision=auto"], bisect=True).engines
    if row.facts["precision"] == "F32":
        pytest.skip("needs a CPU that computes in BF16: OpenVINO computes in F32 on this one")
    assert row.reason.startswith("y: ")
    assert row.deviation is not None
    assert row.deviation.mean_relative > 1e-3
    assert row.divergence is not None
    assert row.divergence.tensor == "c0"


def indices(path: Path, first: int) -> Path:
    """Save a graph that puts out the place of the greatest channel, counted from ``first``."""
    nodes = [
        onnx.helper.make_node("ArgMax", ["x"], ["at"], axis=1, keepdims=0),
        onnx.helper.make_node("Add", ["at", "first"], ["y"]),
    ]
    ends = ("x", FLOAT, (1, 3, 4, 4)), ("y", onnx.TensorProto.INT64, (1, 4, 4))
    return onnx_models.save(path, nodes, ends[:1], ends[1:], {"first": np.array([first])})


@pytest.mark.parametrize("first", [39_998, 39_999])
def test_indices_are_equal_or_not(tmp_path: Path, first: int) -> None:
    """One beside the other is nearer than a ten-thousandth of either, and another token."""
    import openvino

    indices(tmp_path / "model.onnx", 39_998)
    source = openvino.Core().read_model(str(indices(tmp_path / "source.onnx", first)))
    openvino.save_model(source, str(tmp_path / "ir.xml"))
    models = {"onnx": {"file": "model.onnx"}, "openvino": {"file": "ir.xml", "extra": ["ir.bin"]}}
    (row,) = agree(app(tmp_path, models, {"type": "tensors"}), ["openvino"]).engines
    assert row.agrees == (first == 39_998)
    assert row.agrees or row.reason.startswith("y: 16 of 16 whole numbers differ")


@pytest.mark.parametrize("range_", [None, (0, 100)])
def test_whole_numbers_that_are_all_zero_are_told(tmp_path: Path, range_: tuple[int, int] | None) -> None:
    """Without samples and without a range, token ids are zeros."""
    ends = ("ids", onnx.TensorProto.INT64, (1, 4)), ("y", onnx.TensorProto.INT64, (1, 4))
    nodes = [onnx.helper.make_node("Neg", ["ids"], ["y"])]
    model = onnx_models.save(tmp_path / "ids.onnx", nodes, ends[:1], ends[1:])
    found = agree(model, ["onnxruntime"], ranges={"ids": range_} if range_ else {})
    assert found.agree
    said = 'synthetic values of "ids" are 0 everywhere, which shows little: give a range, or samples'
    assert found.notes == (() if range_ else (said,))


def noise(path: Path) -> Path:
    """Save a graph that adds random numbers."""
    nodes = [
        onnx.helper.make_node("RandomNormalLike", ["x"], ["r"]),
        onnx.helper.make_node("Add", ["x", "r"], ["y"]),
    ]
    return save(path, nodes, [1, 3, 16, 16], {})


def test_a_model_with_random_numbers_is_blamed_on_no_engine(tmp_path: Path) -> None:
    found = agree(noise(tmp_path / "noise.onnx"), ["onnxruntime"])
    (row,) = found.engines
    assert (row.compared, row.reason) == (False, "")
    assert row.not_compared.startswith("y: the model does not repeat itself")
    assert not found.agree


def test_a_conversion_of_it_is_refused_for_that_reason(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r'the source does not repeat itself.*output "y" differs by '):
        convert(noise(tmp_path / "noise.onnx"), "openvino")


def test_the_keys_of_a_map_and_their_values_are_compared(tmp_path: Path) -> None:
    """A classifier of scikit-learn, say: texts by index, and a sequence with a map for each sample."""
    nodes = [
        onnx.helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_strings=["cat", "dog", "cow"]),
    ]
    helper = onnx.helper
    maps = helper.make_sequence_type_proto(
        helper.make_map_type_proto(onnx.TensorProto.STRING, helper.make_tensor_type_proto(FLOAT, None))
    )
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", FLOAT, (1, 3))],
        [helper.make_value_info("y", maps)],
    )
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    path = tmp_path / "maps.onnx"
    onnx.save(helper.make_model(graph, opset_imports=versions, ir_version=8), str(path))
    (row,) = agree(path, ["onnxruntime"]).engines
    assert row.agrees, row
    counts = {array.name: array.count for array in row.values}
    assert counts == {"y.length": 4, "y[0].keys": 12, "y[0].values": 12}  # of four samples


@pytest.mark.parametrize("off", [0, 1, 2])
def test_a_rounding_step_of_a_quantised_file_is_within_tolerance(tmp_path: Path, off: int) -> None:
    """LiteRT beside its own kernels, and OpenVINO on a copy whose scores are off by some steps."""
    for each in ("ai_edge_litert", "lpbench_tflite"):
        pytest.importorskip(each, reason=f"needs {each}")
    from lpbench_tflite._write import ADD, NONE, Network, Number

    def save(path: Path, steps: int) -> Path:
        network, quantised = Network(), (0.5, -10)
        x = network.tensor("x", (1, 4), "int8", quantised=quantised)
        more = network.tensor("more", (1, 4), "int8", data=np.full((1, 4), steps - 10, np.int8), quantised=quantised)
        y = network.tensor("y", (1, 4), "int8", quantised=quantised)
        network.operator(ADD, [x, more], [y], {0: Number("b", NONE)})
        path.write_bytes(network.save([x], [y]))
        return path

    import openvino

    save(tmp_path / "model.tflite", 0)
    copy = openvino.Core().read_model(str(save(tmp_path / "copy.tflite", off)))
    openvino.save_model(copy, str(tmp_path / "ir.xml"))
    scores = [{"name": "y", "scale": 0.5, "zero_point": -10}]
    ir = {"file": "ir.xml", "extra": ["ir.bin"], "outputs": scores}
    folder = app(tmp_path, {"openvino": ir, "tflite": {"file": "model.tflite"}}, {"type": "tensors"})
    own, other = agree(folder, ["tflite", "openvino"]).engines
    assert own.agrees, own
    assert other.deviation is not None
    assert other.deviation.max_absolute == pytest.approx(off * 0.5)
    assert other.agrees == (off < 2), other


def softmax(folder: Path, axis: int) -> dict[str, Any]:
    """Save a softmax over the channels of four dimensions, and for ncnn one that takes the dimension asked for."""
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1] * 4),
        onnx.helper.make_node("GlobalAveragePool", ["c"], ["p"], name="pool"),
        onnx.helper.make_node("Softmax", ["p"], ["y"], name="softmax", axis=1),
    ]
    weights = np.random.default_rng(3).standard_normal((5, 3, 3, 3)).astype(np.float32)
    save(folder / "model.onnx", nodes, [1, 5, 1, 1], {"w": weights}, opset=9)
    layers = [
        "Input x 0 1 x 0=16 1=16 2=3",
        "Convolution conv 1 1 x c 0=5 1=3 4=1 6=135",
        "Pooling pool 1 1 c p 0=1 4=1",
        "Reshape keep 1 1 p q 0=1 1=1 2=5",
        f"Softmax softmax 1 1 q y 0={axis} 1=1",
    ]
    (folder / "model.param").write_text("\n".join(["7767517", "5 5", *layers, ""]), encoding="ascii")
    (folder / "model.bin").write_bytes(bytes(4) + weights.tobytes())
    shape = {"name": "x", "dtype": "float32", "shape": [1, 3, 16, 16]}
    ncnn = {"file": "model.param", "extra": ["model.bin"], "inputs": [shape]}
    return {"onnx": {"file": "model.onnx"}, "ncnn": ncnn}


@pytest.mark.parametrize("axis", [0, 1])
def test_a_softmax_of_four_dimensions_agrees_and_one_over_another_dimension_is_caught(
    tmp_path: Path, axis: int
) -> None:
    """What some converters make of it without complaint: every score becomes 1."""
    for each in ("lpbench_image", "ncnn", "lpbench_ncnn"):
        pytest.importorskip(each, reason=f"needs {each}")
    folder = app(tmp_path, softmax(tmp_path, axis), {"type": "classification", "activation": "none"})
    right, checked = agree(folder, ["openvino", "ncnn"]).engines
    assert right.agrees
    assert right.top == (4, 4)
    assert checked.agrees == (axis == 0), checked
    if axis:
        assert checked.reason.startswith("scores: max absolute error")


def test_a_tile_is_that_of_the_reference_too_and_batches_are_refused(tmp_path: Path) -> None:
    """The model is open, so that without the tile nobody could open it."""
    nodes = [onnx.helper.make_node("Relu", ["x"], ["y"])]
    sizes = (1, 3, "H", "W")
    model = onnx_models.save(tmp_path / "open.onnx", nodes, [("x", FLOAT, sizes)], [("y", FLOAT, sizes)])
    found = agree(model, ["onnxruntime:tile=8x6", "onnxruntime:tile=8x6:batch=2"], ranges={"x": (0, 1)}, number=2)
    tiled, batches = found.engines
    assert tiled.ran
    assert not tiled.reason
    assert "answers are compared sample by sample" in batches.state
    with pytest.raises(LpbenchError, match="only where they run the same tile"):
        agree(model, ["onnxruntime:tile=8x6", "onnxruntime:tile=6x8"], ranges={"x": (0, 1)})


def test_shapes_that_are_asked_of_engines_are_those_of_the_reference_too(tmp_path: Path) -> None:
    """Else the answers to other inputs would be compared."""
    nodes = [onnx.helper.make_node("Relu", ["x"], ["y"])]
    model = onnx_models.save(tmp_path / "open.onnx", nodes, [("x", FLOAT, ("N",))], [("y", FLOAT, ("N",))])
    (row,) = agree(model, ["onnxruntime:shape.x=5"], number=2).engines
    assert row.agrees
    with pytest.raises(LpbenchError, match="only where they run the same shapes"):
        agree(model, ["onnxruntime:shape.x=5", "onnxruntime:shape.x=6"])
