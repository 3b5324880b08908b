"""Graph models of TensorFlow.js become ONNX models of the same numbers; what is hostile or unknown is refused."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench.errors import PullError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

onnx = pytest.importorskip("onnx", reason="needs onnx")
ort = pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from plugins.lpbench_image.tests import tfjs_graphs  # noqa: E402
from plugins.lpbench_image.tests.tfjs_graphs import Graph, convolved, depthwise, slid  # noqa: E402

from lpbench_image.apps import _tfjs  # noqa: E402 - after what may skip this file
from lpbench_image.apps._tfjs_onnx import convert  # noqa: E402

RANDOM = np.random.default_rng(0)


def floats(*shape: int) -> NDArray[np.float32]:
    return RANDOM.normal(size=shape).astype(np.float32)


def run(folder: Path, graph: Graph, x: NDArray[Any], *outputs: str, batch: str = "") -> list[NDArray[Any]]:
    """Convert and run; the outputs of the ONNX model are named after those of the graph."""
    convert(graph.write(folder), folder / "m.onnx", {f"y{at}": each for at, each in enumerate(outputs)}, batch=batch)
    options = ort.SessionOptions()
    # as written: what ONNX Runtime 1.31 makes of a Pad of zeros before a MaxPool gives other numbers
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(folder / "m.onnx"), options, providers=["CPUExecutionProvider"])
    return list(session.run([f"y{at}" for at in range(len(outputs))], {"x": x}))


def operations(folder: Path) -> list[str]:
    return sorted(node.op_type for node in onnx.load(folder / "m.onnx").graph.node)


def test_a_network_of_images_gives_the_same_numbers(tmp_path: Path) -> None:
    """Fused and plain convolutions, depthwise ones, a scale and a bias after them, a residual, a mean, scores."""
    graph, x = Graph(), floats(2, 9, 8, 3)
    kernel, bias, deep, scale, shift = floats(3, 3, 3, 4), floats(4), floats(3, 3, 4, 2), floats(8), floats(8)
    narrow, last, offset = floats(1, 1, 8, 4), floats(4, 5), floats(5)
    first = graph.window(
        "_FusedConv2D",
        graph.input((-1, 9, 8, 3)),
        graph.constant(kernel),
        graph.constant(bias),
        stride=2,
        fused_ops=["BiasAdd", "Relu6"],
    )
    second = graph.window("DepthwiseConv2dNative", first, graph.constant(deep))
    scaled = graph.add("Add", graph.add("Mul", second, graph.constant(scale)), graph.constant(shift))
    third = graph.window("Conv2D", graph.add("Relu", scaled), graph.constant(narrow), padding="VALID")
    mean = graph.add("Mean", graph.add("AddV2", third, first), graph.constant([1, 2]), keep_dims=False)
    parts = [mean, graph.constant(last), graph.constant(offset)]
    scores = graph.add("_FusedMatMul", *parts, fused_ops=["BiasAdd"], transpose_a=False, transpose_b=False)
    (found,) = run(tmp_path, graph, x, graph.add("Softmax", scores), batch="batch")

    one = np.clip(convolved(x, kernel, 2, "SAME") + bias, 0, 6)
    two = np.maximum(depthwise(one, deep, 1, "SAME") * scale + shift, 0)
    three = (convolved(two, narrow, 1, "VALID") + one).mean(axis=(1, 2)) @ last + offset
    exponentials = np.exp(three - three.max(axis=1, keepdims=True))
    np.testing.assert_allclose(found, exponentials / exponentials.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-6)
    assert operations(tmp_path) == ["Add", "Clip", *["Conv"] * 3, "Gemm", "ReduceMean", "Relu", "Softmax", "Transpose"]


def test_what_turns_images_to_and_fro_costs_nothing(tmp_path: Path) -> None:
    """A network that came from NCHW: pads and transpositions around each convolution are not nodes of their own."""
    graph, x, kernel = Graph(), floats(1, 3, 8, 8), floats(3, 3, 3, 4)
    pads, back, forth = (
        graph.constant([[0, 0], [0, 0], [1, 1], [1, 1]]),
        graph.constant([0, 2, 3, 1]),
        graph.constant([0, 3, 1, 2]),
    )
    padded = graph.add("Transpose", graph.add("Pad", graph.input((1, 3, 8, 8)), pads), back)
    convolution = graph.window("Conv2D", padded, graph.constant(kernel), padding="VALID", stride=2)
    leaky = graph.add("LeakyRelu", graph.add("Transpose", convolution, forth), alpha=0.25)
    deep = graph.add("Transpose", graph.add("PadV2", leaky, pads, graph.constant(np.float32(-np.inf))), back)
    pooled = graph.window("MaxPool", deep, padding="VALID", ksize=[1, 3, 3, 1])
    (found,) = run(tmp_path, graph, x, graph.add("Transpose", pooled, forth))

    nhwc = np.pad(x.transpose(0, 2, 3, 1), [(0, 0), (1, 1), (1, 1), (0, 0)])
    wanted = convolved(nhwc, kernel, 2, "VALID")
    wanted = np.where(wanted < 0, wanted / 4, wanted)
    wanted = slid(wanted, 3, 1, "SAME", -np.inf).max(axis=(3, 4))
    np.testing.assert_allclose(found, wanted.transpose(0, 3, 1, 2), rtol=1e-4, atol=1e-5)
    assert operations(tmp_path) == ["Conv", "LeakyRelu", "MaxPool"]


def test_a_convolution_that_is_read_twice_stays_as_it_is(tmp_path: Path) -> None:
    """PReLU written out, as Maximum and scaled Minimum of one tensor, and a bias that only one reader sees."""
    graph, x, kernel, slope, bias = Graph(), floats(1, 5, 5, 2), floats(1, 1, 2, 3), floats(3), floats(3)
    convolution = graph.window("Conv2D", graph.input((1, 5, 5, 2)), graph.constant(kernel))
    zero = graph.constant(np.float32(0))
    above, below = graph.add("Maximum", zero, convolution), graph.add("Minimum", zero, convolution)
    activated = graph.add("Add", above, graph.add("Mul", graph.constant(slope), below))
    shifted = graph.add("Add", convolution, graph.constant(bias))
    found = run(tmp_path, graph, x, activated, shifted)
    plain = convolved(x, kernel, 1, "SAME")
    np.testing.assert_allclose(found[0], np.where(plain > 0, plain, plain * slope), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[1], plain + bias, rtol=1e-4, atol=1e-6)
    assert operations(tmp_path).count("Conv") == 1


def test_the_first_pad_is_part_of_the_convolution(tmp_path: Path) -> None:
    """An input that is scaled and padded before the first convolution, as it comes: NHWC."""
    graph, x, kernel = Graph(), floats(1, 6, 6, 3), floats(3, 3, 3, 4)
    scaled = graph.add("Mul", graph.input((1, 6, 6, 3)), graph.constant(np.float32(2)))
    padded = graph.add("Pad", scaled, graph.constant([[0, 0], [1, 1], [1, 1], [0, 0]]))
    name = graph.window("Conv2D", padded, graph.constant(kernel), padding="VALID")
    (found,) = run(tmp_path, graph, x, name)
    np.testing.assert_allclose(found, convolved(2 * x, kernel, 1, "SAME"), rtol=1e-4, atol=1e-5)
    assert operations(tmp_path) == ["Conv", "Mul", "Transpose", "Transpose"]


def test_padding_of_a_pool_is_not_zero(tmp_path: Path) -> None:
    """Zeros that a model pads with itself are values like others to a MaxPool: they must stay."""
    graph, x = Graph(), -1 - np.abs(floats(1, 4, 4, 2))
    pads = graph.constant([[0, 0], [1, 1], [1, 1], [0, 0]])
    padded = graph.add(
        "Pad", graph.window("Conv2D", graph.input((1, 4, 4, 2)), graph.constant(np.eye(2)[None, None])), pads
    )
    (found,) = run(tmp_path, graph, x, graph.window("MaxPool", padded, padding="VALID", ksize=[1, 3, 3, 1]))
    assert found[0, 0].max() == found[0, :, 0].max() == 0
    assert found[0, 1:-1, 1:-1].max() < 0


def test_bilinear_resizes_are_tensorflows(tmp_path: Path) -> None:
    """Twice as large and half as large, pixel centres at halves, edges repeated."""
    graph, x = Graph(), floats(1, 4, 6, 2)
    same = graph.window("Conv2D", graph.input((1, 4, 6, 2)), graph.constant(np.eye(2)[None, None]))
    resize = {"half_pixel_centers": True, "align_corners": False}
    names = [graph.add("ResizeBilinear", same, graph.constant(size), **resize) for size in ([8, 12], [2, 3])]
    for found, size in zip(run(tmp_path, graph, x, *names), ((8, 12), (2, 3)), strict=True):
        np.testing.assert_allclose(found[0], resized(x[0], size), rtol=1e-5, atol=1e-6)


def resized(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Resize bilinearly by the definition: the value at each output pixel's centre."""
    found = np.zeros((*size, image.shape[2]))
    for at in np.ndindex(size):
        places = [(each + 0.5) * side / wanted - 0.5 for each, side, wanted in zip(at, image.shape, size, strict=False)]
        for row, column in np.ndindex(2, 2):
            corner = [int(np.floor(place)) + step for place, step in zip(places, (row, column), strict=True)]
            weight = np.prod([1 - abs(place - each) for place, each in zip(places, corner, strict=True)])
            inside = [min(max(each, 0), side - 1) for each, side in zip(corner, image.shape, strict=False)]
            found[at] += weight * image[inside[0], inside[1]]
    return found


def logistic(x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(1 / (1 + np.exp(-x)))


UNARY: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    "Relu": (lambda x: np.maximum(x, 0), {}),
    "Relu6": (lambda x: np.clip(x, 0, 6), {}),
    "Sigmoid": (logistic, {}),
    "Identity": (lambda x: x, {}),
    "Sqrt": (np.sqrt, {}),
    "LeakyRelu": (lambda x: np.where(x < 0, x * np.float32(0.1), x), {"alpha": 0.1}),
    "Cast": (lambda x: np.trunc(x).astype(np.int32), {"DstT": "DT_INT32", "SrcT": "DT_FLOAT"}),
}


@pytest.mark.parametrize("op", UNARY)
@pytest.mark.parametrize("after_a_convolution", [False, True])
def test_what_changes_each_value(tmp_path: Path, op: str, *, after_a_convolution: bool) -> None:
    """On a plain tensor, and on one that a convolution left in another order."""
    graph, x = Graph(), np.abs(floats(1, 3, 4, 2)) * 9 if op == "Sqrt" else floats(1, 3, 4, 2) * 9
    name = graph.input((1, 3, 4, 2))
    if after_a_convolution:
        name = graph.window("Conv2D", name, graph.constant(np.eye(2)[None, None]))
    reference, attributes = UNARY[op]
    half = graph.add("Mul", name, graph.constant(np.float32(0.5)))
    (found,) = run(
        tmp_path,
        graph,
        x,
        graph.add("Sub", graph.add(op, half, **attributes), graph.constant(reference(x[:1, :1, :1] / 2))),
    )
    np.testing.assert_allclose(found, reference(x / 2) - reference(x[:1, :1, :1] / 2), rtol=1e-5, atol=1e-6)


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "SquaredDifference": lambda x, y: (x - y) ** 2,
}


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("shape", [(), (2,), (4, 2), (1, 3, 4, 2), (3, 1, 1)])
@pytest.mark.parametrize("swapped", [False, True])
def test_what_joins_two_tensors(tmp_path: Path, op: str, shape: tuple[int, ...], *, swapped: bool) -> None:
    """A convolution's output and a constant of any shape that numpy would take; and two tensors of unlike rank."""
    graph, x, other = Graph(), floats(1, 3, 4, 2), floats(*shape)
    source = graph.input((1, 3, 4, 2))
    image = graph.window("Conv2D", source, graph.constant(np.eye(2)[None, None]))
    matrix = graph.add("Reshape", source, graph.constant([3, 8]))
    line = graph.add("Reshape", graph.add("Mul", matrix, graph.constant(np.float32(2))), graph.constant([3, 4, 2]))
    pair = [image, graph.constant(other)]
    names = [graph.add(op, *(pair[::-1] if swapped else pair)), graph.add(op, image, line)]
    found = run(tmp_path, graph, x, *names)
    wanted = BINARY[op](other, x) if swapped else BINARY[op](x, other)
    np.testing.assert_allclose(found[0], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[1], BINARY[op](x, 2 * x), rtol=1e-4, atol=1e-5)


def test_what_rearranges_tensors(tmp_path: Path) -> None:
    """Stacks, splits, concatenations along each axis, gathers, best indices and whole divisions below zero."""
    graph, x = Graph(), floats(1, 4, 4, 2)
    source = graph.input((1, 4, 4, 2))
    image = graph.window("Conv2D", source, graph.constant(np.eye(2)[None, None]))
    flat = graph.add("Reshape", image, graph.constant([1, -1, 2]))
    best = graph.add("ArgMax", flat, graph.constant(1), output_type="DT_INT32")
    below = graph.add("Sub", best, graph.constant(16))
    halves = graph.add("SplitV", image, graph.constant([1, 3]), graph.constant(1), num_split=2)
    rows = graph.add("Unpack", graph.add("Squeeze", source, squeeze_dims=[0]), axis=0, num=4)
    indices = graph.constant([[0, 1, 2, 1], [0, 3, 3, 0]])
    names = [
        graph.add("FloorDiv", below, graph.constant(3), T="DT_INT32"),
        f"{halves}:1",
        graph.add("Pack", f"{rows}:2", rows, axis=1),
        graph.add("GatherNd", image, indices),
        graph.add("ExpandDims", graph.add("Squeeze", source, squeeze_dims=[0]), graph.constant(0)),
        graph.add("Mean", image, graph.constant([3]), keep_dims=True),
        graph.add("Mean", image, graph.constant([1, 2]), keep_dims=True),
        graph.add("Transpose", image, graph.constant([0, 2, 1, 3])),
        graph.add(
            "MatMul",
            graph.add("Reshape", image, graph.constant([4, 8])),
            graph.constant(np.eye(8)[:3]),
            transpose_a=False,
            transpose_b=True,
        ),
        graph.add("Softmax", image),
        *(
            graph.add("ConcatV2", image, graph.constant(np.ones((1, 4, 4, 2))), graph.constant(axis))
            for axis in (-1, 1, 2)
        ),
    ]
    names[4] = graph.add("Relu", names[4])  # an input itself is no output
    found = run(tmp_path, graph, x, *names)
    wanted = [
        (x.reshape(1, -1, 2).argmax(axis=1) - 16) // 3,
        x[:, 1:],
        np.stack([x[0, 2], x[0, 0]], axis=1),
        x[[0, 0], [1, 3], [2, 3], [1, 0]],
        np.maximum(x, 0),
        x.mean(axis=3, keepdims=True),
        x.mean(axis=(1, 2), keepdims=True),
        x.transpose(0, 2, 1, 3),
        x.reshape(4, 8)[:, :3],
        np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True),
        *(np.concatenate([x, np.ones((1, 4, 4, 2))], axis=axis) for axis in (-1, 1, 2)),
    ]
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_an_open_batch_keeps_its_name(tmp_path: Path) -> None:
    """Three pictures at once through a flattening; the output's first dimension is the input's."""
    graph, x, matrix = Graph(), floats(3, 2, 2, 3), floats(12, 2)
    flat = graph.add("Reshape", graph.input((-1, 2, 2, 3)), graph.constant([-1, 12]))
    product = graph.add("MatMul", flat, graph.constant(matrix), transpose_a=False, transpose_b=False)
    (found,) = run(tmp_path, graph, x, product, batch="batch")
    np.testing.assert_allclose(found, x.reshape(3, 12) @ matrix, rtol=1e-5)
    (output,) = onnx.load(tmp_path / "m.onnx").graph.output
    assert [each.dim_param or each.dim_value for each in output.type.tensor_type.shape.dim] == ["batch", 2]


@pytest.mark.parametrize("flip", [False, True])
def test_an_image_is_flattened_in_the_right_order(tmp_path: Path, *, flip: bool) -> None:
    """A matrix behind a convolution sees row, column, channel; nothing is transposed for it, a scale is folded in."""
    graph, x, matrix = Graph(), floats(2, 3, 2, 4), floats(24, 5)
    image = graph.window("Conv2D", graph.input((-1, 3, 2, 4)), graph.constant(np.eye(4)[None, None]))
    flat = graph.add("Reshape", image, graph.constant([-1, 24]))
    held = graph.constant(matrix.T if flip else matrix)
    product = graph.add("MatMul", flat, held, transpose_a=False, transpose_b=flip)
    scaled = graph.add(
        "Add", graph.add("Mul", product, graph.constant([1.0, 2, 3, 4, 5])), graph.constant([5.0, 4, 3, 2, 1])
    )
    (found,) = run(tmp_path, graph, x, scaled, batch="batch")
    wanted = (x.reshape(2, 24) @ matrix) * [1, 2, 3, 4, 5] + [5, 4, 3, 2, 1]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert operations(tmp_path) == ["Conv", "Flatten", "Gemm", "Transpose"]


def test_sizes_that_a_model_computes_are_constants(tmp_path: Path) -> None:
    """A shape that is added to a sparse constant, as converted models do it, before a Reshape."""
    graph, x = Graph(), floats(1, 6)
    sparse = graph.add(
        "SparseToDense", graph.constant([[1]]), graph.constant([2]), graph.constant([2]), graph.constant(1)
    )
    shape = graph.add("AddV2", graph.constant([1, 1]), sparse)
    (found,) = run(tmp_path, graph, x, graph.add("Reshape", graph.input((1, 6)), shape))
    assert found.tolist() == x.reshape(2, 3).tolist()
    assert operations(tmp_path) == ["Reshape"]


@pytest.mark.parametrize(
    ("stored", "quantization", "wanted"),
    [
        (np.array([0, 128, 255], np.uint8), {"scale": 0.5, "min": -1.0}, [-1.0, 63.0, 126.5]),
        (np.array([0, 65535], np.uint16), {"scale": 2.0, "min": 1.0}, [1.0, 131071.0]),
        (np.array([1.5, -2.25], np.float16), {}, [1.5, -2.25]),
    ],
)
def test_quantised_weights_are_real_again(
    tmp_path: Path, stored: NDArray[Any], quantization: dict[str, float], wanted: list[float]
) -> None:
    """Eight and sixteen bits by scale and minimum, and half precision."""
    graph = Graph()
    name = graph.stored(stored, "float32", **quantization)
    model = _tfjs.read(graph.write(tmp_path), [name])
    assert model.weights[name].tolist() == wanted
    assert model.weights[name].dtype == np.float32


def test_quantised_integers_are_rounded(tmp_path: Path) -> None:
    """A weight of whole numbers that is stored in eight bits."""
    graph = Graph()
    name = graph.stored(np.array([0, 3], np.uint8), "int32", scale=0.9, min=1.0)
    weights = _tfjs.read(graph.write(tmp_path), [name]).weights
    assert weights[name].tolist() == [1, 4]
    assert weights[name].dtype == np.int32


def test_weights_may_lie_in_several_files(tmp_path: Path) -> None:
    """A weight that begins in one file and ends in the next."""
    graph = Graph()
    name = graph.constant([1.0, 2.0, 3.0])
    (path := graph.write(tmp_path)).write_text(
        json.dumps(graph.json()).replace('"m.bin"', '"a", "b"'), encoding="utf-8"
    )
    (tmp_path / "a").write_bytes(graph.content[:5])
    (tmp_path / "b").write_bytes(graph.content[5:])
    assert _tfjs.read(path, [name]).weights[name].tolist() == [1, 2, 3]


def small() -> tuple[Graph, str]:
    graph = Graph()
    kernel = graph.constant(np.eye(2)[None, None])
    return graph, graph.add("Relu", graph.window("Conv2D", graph.input((1, 2, 2, 2)), kernel))


def refused(folder: Path, graph: Graph, output: str, why: str, *swaps: tuple[str, str]) -> None:
    path = graph.write(folder)
    text = path.read_text("utf-8")
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PullError, match=why) as caught:
        convert(path, folder / "m.onnx", {"y": output})
    assert caught.value.where == str(path)
    assert not (folder / "m.onnx").exists()


def test_unknown_operations_are_all_named(tmp_path: Path) -> None:
    """Those that the output needs; what it does not need does not matter."""
    graph, name = small()
    graph.add("Exotic", name)
    convert(graph.write(tmp_path), tmp_path / "m.onnx", {"y": name})
    (tmp_path / "m.onnx").unlink()
    refused(
        tmp_path, graph, graph.add("Strange", graph.add("Odd", name)), "operations that are not converted: Odd, Strange"
    )


@pytest.mark.parametrize(
    ("swap", "why"),
    [
        (('"node2"', '"node3"'), "2 nodes named 'node3'"),
        (('["x", "weight0"]', '["node3", "weight0"]'), "depends on itself"),
        (('["x", "weight0"]', '["nobody", "weight0"]'), "no node 'nobody'"),
        (('["x", "weight0"]', '["x:1", "weight0"]'), r"node 'node2' \(Conv2D\) cannot be converted: KeyError"),
        (('["x", "weight0"]', '["x"]'), "cannot be converted: IndexError"),
        (('["x", "weight0"]', '["x", "x"]'), "an input that must be constant is computed"),
        (("[1, 1, 2, 2]", "[1, 1, 2, 3]"), "needs 24 bytes; 16 are left"),
        (("[1, 1, 2, 2]", "[1, 1, 2]"), "8 bytes of weights are left over"),
        (("[1, 1, 2, 2]", "[1, 1, 4, 1]"), "2 channels do not fit a kernel of 4"),
        (("[1, 1, 2, 2]", "[1, 1, -2, -2]"), "has the shape"),
        (("[1, 1, 2, 2]", "[1, 1, 2, true]"), "has the shape"),
        (("[1, 1, 2, 2]", f"[{'1, ' * 8}4]"), "has the shape"),
        (('"float32"', '"string"'), "KeyError: 'string'"),
        (('"m.bin"', '"../m.bin"'), r"file '\.\./m\.bin', which is not in its folder"),
        (('"m.bin"', '"/etc/passwd"'), "which is not in its folder"),
        (('"m.bin"', '".."'), "which is not in its folder|Is a directory"),
        (('"m.bin"', '"m.bin", "m.bin"'), "16 bytes of weights are left over"),
        (('"m.bin"', '"other.bin"'), "FileNotFoundError"),
        (('"U0FNRQ=="', '"RVhQTElDSVQ="'), "only NHWC with SAME or VALID"),
        (('"U0FNRQ=="', '"%"'), "Error"),
        (('"x", "op": "Placeholder"', '"x", "op": "Relu"'), "cannot be converted"),
        (('"size": "2"', '"size": "-1"'), "cannot be converted"),
        (('"modelTopology"', '"topology"'), "KeyError: 'modelTopology'"),
    ],
)  # fmt: skip
def test_damaged_graphs_are_refused(tmp_path: Path, swap: tuple[str, str], why: str) -> None:
    """What is wrong is named, with the node or weight, and nothing is written."""
    graph, name = small()
    refused(tmp_path, graph, name, why, swap)


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A file of weights that is a link to somewhere else."""
    graph, name = small()
    path = graph.write(tmp_path)
    (tmp_path / "m.bin").rename(tmp_path / "elsewhere")
    (tmp_path / "m.bin").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PullError, match="not in its folder"):
        convert(path, tmp_path / "m.onnx", {"y": name})


def test_a_scale_that_is_no_number_is_refused(tmp_path: Path) -> None:
    """JSON has no NaN, Python reads it all the same."""
    graph = Graph()
    name = graph.stored(np.zeros(1, np.uint8), "float32", scale=float("nan"), min=0.0)
    refused(tmp_path, graph, name, "scale nan")


def test_constants_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    """Little JSON that asks for a terabyte, in one step or by padding."""
    graph = Graph()
    shape = graph.constant([1 << 20, 1 << 20])
    dense = graph.add(
        "SparseToDense",
        graph.constant(np.zeros((0, 2), np.int32)),
        shape,
        graph.constant(np.zeros(0)),
        graph.constant(0),
    )
    refused(tmp_path, graph, dense, "constant of 1099511627776 elements")
    graph = Graph()
    padded = graph.add("Pad", graph.constant([1.0]), graph.constant([[0, 2_000_000_000]]))
    refused(tmp_path, graph, padded, "constant of 2000000001 elements")


def test_long_chains_need_no_deep_stack(tmp_path: Path) -> None:
    """Five thousand nodes one after another are read; one too many nodes are not."""
    graph = Graph()
    name = graph.input((1, 2))
    for _ in range(5000):
        name = graph.add("Identity", name)
    (found,) = run(tmp_path, graph, floats(1, 2), graph.add("Relu", name))
    assert found.shape == (1, 2)
    graph.nodes *= 5
    (tmp_path / "m.onnx").unlink()
    refused(tmp_path, graph, name, "25010 nodes; at most 20000 are allowed")


def test_an_input_is_no_output(tmp_path: Path) -> None:
    """A graph that hands its input through has nothing to convert."""
    graph = Graph()
    refused(tmp_path, graph, graph.add("Identity", graph.input((1, 2))), "not distinct tensors computed by nodes")


JUNK: list[Any] = [
    None,
    True,
    -1,
    10**30,
    1.5,
    float("nan"),
    "",
    "x",
    "node2",
    "-1",
    "99999999999",
    [],
    {},
    [[]],
    [1],
    {"i": "7"},
]


def places(content: Any) -> list[tuple[Any, Any]]:
    """Return every place in a JSON value that can be changed: container and key."""
    keys = (
        list(content) if isinstance(content, dict) else list(range(len(content))) if isinstance(content, list) else []
    )
    return [(content, key) for key in keys] + [each for key in keys for each in places(content[key])]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_file_says_it_is_converted_or_refused(tmp_path: Path, seed: int) -> None:
    """One or two random changes of a file, many times: a model that ONNX accepts, or an error that names the file."""
    graph, name = small()
    flat = graph.add("Reshape", name, graph.constant([1, -1]))
    path = graph.write(tmp_path)
    chance = random.Random(seed)  # noqa: S311 - no secret
    whole = path.read_text("utf-8")
    for _ in range(100):
        content = json.loads(whole)
        for _ in range(chance.choice([1, 1, 2])):
            container, key = chance.choice(places(content))
            container[key] = chance.choice(JUNK)
        path.write_text(json.dumps(content), encoding="utf-8")
        try:
            convert(path, tmp_path / "m.onnx", {"y": flat})
        except PullError as error:
            assert error.where == str(path)  # noqa: PT017 - whether there is an error is left to chance


def test_the_slow_references_are_right() -> None:
    """A mean and a difference of neighbours that anybody can check."""
    image = np.arange(9.0).reshape(1, 3, 3, 1)
    ones = np.ones((3, 3, 1, 1))
    assert convolved(image, ones, 1, "VALID").tolist() == [[[[36.0]]]]
    assert depthwise(image, np.array([[[[1.0, -1.0]]]]), 1, "SAME")[0, 0, 1].tolist() == [1.0, -1.0]
    assert resized(np.array([[[0.0], [4.0]]]), (1, 4))[0, :, 0].tolist() == [0, 1, 3, 4]
    assert tfjs_graphs.attribute([1, 2]) == {"list": {"i": ["1", "2"]}}
