"""The analysis of ONNX models: published figures, an independent count, and files that are not what they seem."""

from __future__ import annotations

import dataclasses
import itertools
import struct
import subprocess
import sys
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.errors import AnalysisError
from lpbench.plugin.engine import Model
from lpbench.testing import onnx_models
from lpbench.testing.onnx_models import FLOAT
from lpbench_ort import qdq
from lpbench_ort.analysis.analyzer import OnnxAnalyzer

if TYPE_CHECKING:
    from plugins.lpbench_ort.tests.conftest import Models

    from lpbench.plugin.analyzer import Analysis

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
"""Networks of the onnx wheel, with their weights made of formulas."""
node = onnx.helper.make_node


def analysed(path: Path, **shapes: tuple[int, ...]) -> Analysis:
    """Return the analysis of a file; inputs that are not given have the sizes that the file states."""
    analyzer = OnnxAnalyzer(Model("onnx", path))
    stated = {info.name: tuple(size for size in info.shape if isinstance(size, int)) for info in analyzer.inputs}
    return analyzer.analyze({**stated, **shapes})


@pytest.mark.parametrize(
    ("name", "tile", "published"),
    [
        ("bvlc_alexnet", 227, ("1.4", "61.0", "243.9")),
        ("inception_v1", 224, ("2.9", "7.0", "28.0")),  # GoogLeNet; its published GFLOP is another variant's
        ("vgg19", 224, ("39.3", "143.7", "574.7")),
        ("squeezenet", 224, ("0.7", "1.2", "4.9")),
    ],
)
def test_networks_of_the_onnx_wheel_have_their_published_figures(
    name: str, tile: int, published: tuple[str, str, str]
) -> None:
    found = analysed(LIGHT / f"light_{name}.onnx", data_0=(1, 3, tile, tile))
    figures = found.flop / 1e9, found.params / 1e6, found.storage_bytes / 1e6
    assert tuple(f"{figure:.1f}" for figure in figures) == published
    assert not found.uncounted
    assert (found.outputs[0].shape, found.precision) == ((1, 1000, *(1,) * (2 * (name == "squeezenet"))), "F32")


def test_a_batch_multiplies_the_operations_and_leaves_the_weights(models: Models) -> None:
    path = models.convolution(("N", 3, "H", "W"))
    one, four = (analysed(path, x=(batch, 3, 8, 8)) for batch in (1, 4))
    assert (four.flop, four.params) == (4 * one.flop, one.params)


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    """Return the shapes of an input and of weights, and attributes that fit them."""
    groups, size = draw(st.integers(1, 3)), st.integers(1, 3)
    inner, outer = draw(size), draw(size)
    kernel, strides = draw(st.tuples(size, size)), draw(st.tuples(size, size))
    pads = draw(st.tuples(*[st.integers(0, 2)] * 4))
    image = [draw(st.integers(k, 7)) for k in kernel]
    attributes = {"group": groups, "strides": strides, "pads": pads}
    return (draw(size), groups * inner, *image), (groups * outer, inner, *kernel), attributes


@given(convolutions())
@settings(max_examples=25, deadline=None)
def test_a_convolution_counts_each_product_that_is_summed_up(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]
) -> None:
    """The count of an inference that notes each of its products, one after the other."""
    image, weights, attributes = case
    path = tmp_path_factory.mktemp("model") / "m.onnx"
    values = {"w": np.zeros(weights, np.float32)}
    nodes = [node("Conv", ["x", "w"], ["y"], **attributes)]
    onnx_models.save(path, nodes, [("x", FLOAT, image)], [("y", FLOAT, None)], values)
    (top, left, bottom, right), products, written = attributes["pads"], 0, 0
    rows = range(-top, image[2] + bottom - weights[2] + 1, attributes["strides"][0])
    columns = range(-left, image[3] + right - weights[3] + 1, attributes["strides"][1])
    for _ in itertools.product(range(image[0]), range(weights[0]), rows, columns):
        written += 1
        products += sum(1 for _ in itertools.product(range(weights[1]), range(weights[2]), range(weights[3])))
    (layer,) = analysed(path).layers
    assert (layer.flop, layer.written_bytes, layer.read_bytes) == (2 * products, 4 * written, 4 * prod(image))
    assert (layer.params, layer.weight_bytes) == (prod(weights), 4 * prod(weights))


@given(st.tuples(*[st.integers(1, 4)] * 4), st.tuples(st.booleans(), st.booleans()))
@settings(max_examples=15, deadline=None)
def test_products_count_what_einsum_multiplies(
    tmp_path_factory: pytest.TempPathFactory, sizes: tuple[int, int, int, int], transposed: tuple[bool, bool]
) -> None:
    """MatMul, Gemm, with and without transposed matrices, and Einsum count the same product alike."""
    batch, m, k, n = sizes
    folder = tmp_path_factory.mktemp("model")
    left, right = transposed
    first, second = ((k, m) if left else (m, k)), ((n, k) if right else (k, n))
    cases = {
        "MatMul": (node("MatMul", ["a", "b"], ["y"]), (batch, m, k), (k, n), batch),
        "Gemm": (node("Gemm", ["a", "b"], ["y"], transA=int(left), transB=int(right)), first, second, 1),
        "Einsum": (node("Einsum", ["a", "b"], ["y"], equation="bmk,bkn->bmn"), (batch, m, k), (batch, k, n), batch),
    }
    for name, (operator, one, other, repeated) in cases.items():
        path = folder / f"{name}.onnx"
        onnx_models.save(path, [operator], [("a", FLOAT, one), ("b", FLOAT, other)], [("y", FLOAT, None)])
        found = analysed(path)
        assert found.flop == 2 * repeated * m * k * n, name
        assert found.outputs[0].shape == ((repeated,) if name != "Gemm" else ()) + (m, n)


def test_recurrent_layers_count_the_products_of_all_gates(models: Models) -> None:
    steps, batch, size, hidden = 5, 2, 3, 4
    weights = {name: np.zeros((2, 4 * hidden, width), np.float32) for name, width in (("w", size), ("r", hidden))}
    operator = node("LSTM", ["x", "w", "r"], ["y"], hidden_size=hidden, direction="bidirectional")
    path = models.save([operator], [("x", FLOAT, (steps, batch, size))], [("y", FLOAT, None)], weights)
    assert analysed(path).flop == 2 * 2 * steps * batch * 4 * hidden * (size + hidden)


def test_memory_is_the_most_that_is_alive_at_once(models: Models) -> None:
    """The input and two copies while the second copy is made, then the sum beside them; 4 bytes for each value."""
    nodes = [node("Relu", ["x"], ["a"]), node("Neg", ["x"], ["b"]), node("Add", ["a", "b"], ["y"])]
    path = models.save(nodes, [("x", FLOAT, (1, 10))], [("y", FLOAT, (1, 10))])
    found = analysed(path)
    assert found.activation_bytes == 3 * 40
    assert found.bytes_moved == 7 * 40


def test_a_quantised_model_has_the_weights_of_its_source_in_bytes(models: Models, tmp_path: Path) -> None:
    source, target = models.convolution((1, 3, 8, 8)), tmp_path / "int8.onnx"
    qdq.quantise(source, target, [{"x": np.ones((1, 3, 8, 8), np.float32)}])
    floats, integers = analysed(source), analysed(target)
    assert (integers.flop, integers.params) == (floats.flop, floats.params)
    assert (floats.precision, integers.precision) == ("F32", "S8")
    scales = integers.storage_bytes - floats.params
    assert 0 < scales < floats.params, "a scale and a zero point for each channel"


def test_shapes_that_the_model_computes_are_resolved(models: Models) -> None:
    """A reshape to what is left of the input's own sizes, as exporters write it."""
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Unsqueeze", ["n", "axes"], ["u"]),
        node("Concat", ["u", "minus"], ["t"], axis=0),
        node("Reshape", ["x", "t"], ["f"]),
        node("MatMul", ["f", "w"], ["y"]),
    ]
    numbers = {"zero": np.array(0), "axes": np.array([0]), "minus": np.array([-1])}
    weights = {**numbers, "w": np.zeros((12, 5), np.float32)}
    path = models.save(nodes, [("x", FLOAT, ("N", 3, 4))], [("y", FLOAT, None)], weights)
    found = analysed(path, x=(2, 3, 4))
    assert (found.flop, found.params, found.outputs[0].shape) == (2 * 2 * 12 * 5, 60, (2, 5))


def test_weights_beside_the_model_count_without_being_read(models: Models) -> None:
    path = models.convolution((1, 3, 8, 8), weights_beside=True)
    within = models.folder / "within.onnx"
    onnx.save(onnx.load(path), within)
    (models.folder / "weights.bin").write_bytes(b"\0" * (models.folder / "weights.bin").stat().st_size)
    assert analysed(path) == analysed(within)


def test_weights_of_gigabytes_beside_the_model_count(models: Models) -> None:
    """A file with a hole of 4 GB, which would not fit into a message of protobuf."""
    rows = 1 << 20
    path = models.save([node("MatMul", ["x", "w"], ["y"])], [("x", FLOAT, (1, rows))], [("y", FLOAT, None)])
    model = onnx.load(path)
    weight = model.graph.initializer.add(name="w", data_type=FLOAT, dims=[rows, 1024], data_location=1)
    weight.external_data.add(key="location", value="weights.bin")
    path.write_bytes(model.SerializeToString())
    with (path.parent / "weights.bin").open("wb") as file:
        file.truncate(4 * rows * 1024)
    found = analysed(path)
    assert (found.params, found.storage_bytes) == (rows * 1024, 4 * rows * 1024)


@pytest.mark.long
def test_the_memory_of_an_analysis_does_not_depend_on_the_weights(models: Models, tmp_path: Path) -> None:
    """VGG-19 with its 144 million weights in the file: 575 MB, of which an analysis holds nothing."""
    light = onnx.load(LIGHT / "light_vgg19.onnx")
    shapes = {each.output[0]: each.input[0] for each in light.graph.node if each.op_type == "ConstantOfShape"}
    sizes = {each.name: onnx.numpy_helper.to_array(each).tolist() for each in light.graph.initializer}
    nodes = [each for each in light.graph.node if each.op_type != "ConstantOfShape"]
    given = [("data_0", FLOAT, (1, 3, 224, 224))]
    models.opset = 9
    path = models.save(nodes, given, [(light.graph.output[0].name, FLOAT, (1, 1000))], sizes_of_reshapes(light, shapes))
    with path.open("r+b") as file:
        file.seek(0, 2)
        for name, shape in shapes.items():
            append_weight(file, name, sizes[shape])
        file.truncate(file.tell())
    code = f"""
import resource, sys
from pathlib import Path
from lpbench.plugin.engine import Model
from lpbench_ort.analysis.analyzer import OnnxAnalyzer
found = OnnxAnalyzer(Model("onnx", Path({str(path)!r}))).analyze({{"data_0": (1, 3, 224, 224)}})
print(found.params, found.storage_bytes, round(found.flop / 1e9, 1), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    params, storage, gflop, kilobytes = done.stdout.split()
    assert (params, storage, gflop) == ("143667240", str(4 * 143667240), "39.3")
    assert path.stat().st_size > int(storage)
    assert int(kilobytes) << 10 < int(storage), "less than the weights themselves"


def sizes_of_reshapes(light: Any, shapes: dict[str, str]) -> dict[str, Any]:
    """Return the constants that are no sizes of weights."""
    kept = [each for each in light.graph.initializer if each.name not in shapes.values()]
    return {each.name: onnx.numpy_helper.to_array(each) for each in kept}


def append_weight(file: BinaryIO, name: str, shape: list[int]) -> None:
    """Append a weight of zeros, a hole in the file: messages one after the other are merged, as protobuf says."""
    head = onnx.TensorProto(name=name, dims=shape, data_type=FLOAT).SerializeToString()
    content = 4 * prod(shape)
    head += b"\x4a" + varint(content)
    tensor = b"\x2a" + varint(len(head) + content)
    file.write(b"\x3a" + varint(len(tensor) + len(head) + content) + tensor + head)
    file.seek(content, 1)


def test_bodies_count_once_and_are_named(models: Models) -> None:
    value = onnx.helper.make_tensor_value_info
    branches = [
        onnx.helper.make_graph([node("MatMul", ["x", "w"], [name])], name, [], [value(name, FLOAT, (1, 3))])
        for name in ("a", "b")
    ]
    operator = node("If", ["c"], ["y"], name="choice", then_branch=branches[0], else_branch=branches[1])
    inputs = [("x", FLOAT, (1, 2)), ("c", onnx.TensorProto.BOOL, ())]
    path = models.save([operator], inputs, [("y", FLOAT, None)], {"w": np.zeros((2, 3), np.float32)})
    found = analysed(path)
    assert (found.flop, found.params) == (2 * 2 * 2 * 3, 6)
    assert sorted(layer.name for layer in found.layers) == ["choice", "choice/a", "choice/b"]
    assert any("If" in note for note in found.notes)


def test_operators_that_nobody_knows_are_named_and_not_counted(models: Models) -> None:
    nodes = [node("Conv", ["x", "w"], ["a"]), node("Magic", ["a"], ["y"], domain="acme")]
    path = models.save(nodes, [("x", FLOAT, (1, 3, 8, 8))], [("y", FLOAT, None)], {"w": models.weights()})
    found = analysed(path)
    assert found.uncounted == {"Magic": 1}
    assert found.flop == 2 * 8 * 6 * 6 * 27
    assert found.bytes_moved is None, "nobody knows how much it writes"
    assert found.notes


def cyclic(models: Models) -> Path:
    nodes = [node("Add", ["x", "b"], ["a"], name="one"), node("Relu", ["a"], ["b"], name="two")]
    return models.save(nodes, [("x", FLOAT, (1, 3))], [("b", FLOAT, (1, 3))])


def dangling(models: Models) -> Path:
    return models.save([node("Relu", ["ghost"], ["y"])], [("x", FLOAT, (1, 3))], [("y", FLOAT, (1, 3))])


def beside(models: Models, location: str) -> Path:
    path = models.convolution((1, 3, 8, 8), weights_beside=True)
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[0].external_data[0].value = location
    path.write_bytes(model.SerializeToString())
    return path


def linked(models: Models) -> Path:
    path = beside(models, "link.bin")
    elsewhere = models.folder.parent / f"{models.folder.name}-elsewhere.bin"
    (models.folder / "weights.bin").rename(elsewhere)
    (models.folder / "link.bin").symlink_to(elsewhere)
    return path


def calls(models: Models, functions: list[Any], called: str) -> Path:
    opsets = [onnx.helper.make_opsetid(domain, 17) for domain in ("", "own")]
    made = [onnx.helper.make_function("own", name, ["a"], ["b"], nodes, opsets) for name, nodes in functions]
    value = onnx.helper.make_tensor_value_info
    ends = [value("x", FLOAT, (1, 3))], [value("y", FLOAT, (1, 3))]
    graph = onnx.helper.make_graph([node(called, ["x"], ["y"], domain="own")], "graph", *ends)
    path = models.folder / "model.onnx"
    onnx.save(onnx.helper.make_model(graph, functions=made, opset_imports=opsets, ir_version=8), str(path))
    return path


def endless(models: Models) -> Path:
    return calls(models, [("Self", [node("Self", ["a"], ["b"], domain="own")])], "Self")


def doubling(models: Models) -> Path:
    """Each of 40 functions calls the one before it twice: a terabyte of operators from some kilobytes."""
    functions = [("F0", [node("Relu", ["a"], ["b"])])]
    for at in range(1, 40):
        ends = (["a"], ["t"]), (["t"], ["b"])
        functions.append((f"F{at}", [node(f"F{at - 1}", *end, domain="own") for end in ends]))
    return calls(models, functions, "F39")


def sparse(models: Models, *dims: int) -> Path:
    path = models.convolution((1, 3, 8, 8))
    model = onnx.load(path)
    (weight,) = model.graph.initializer
    values = onnx.numpy_helper.from_array(np.ones(2, np.float32), weight.name)
    places = onnx.numpy_helper.from_array(np.array([0, 5]), "places")
    stored = onnx.helper.make_sparse_tensor(values, places, list(dims or weight.dims))
    model.graph.sparse_initializer.append(stored)
    del model.graph.initializer[:]
    path.write_bytes(model.SerializeToString())
    return path


def cut_short(models: Models) -> Path:
    path = models.convolution((1, 3, 8, 8), weights_beside=True)
    (path.parent / "weights.bin").write_bytes(b"\0" * 8)
    return path


def boastful(models: Models) -> Path:
    path = models.convolution((1, 3, 8, 8))
    model = onnx.load(path)
    model.graph.initializer[0].dims[0] = 1 << 40
    path.write_bytes(model.SerializeToString())
    return path


def deep(models: Models) -> Path:
    """Graphs of more than 4096 bytes inside each other, so that none is copied whole."""
    inner = b"\x12" + varint(5000) + b"n" * 5000
    for _ in range(80):
        attribute = b"\x32" + varint(len(inner)) + inner
        operator = b"\x2a" + varint(len(attribute)) + attribute
        inner = b"\x0a" + varint(len(operator)) + operator
    path = models.folder / "model.onnx"
    path.write_bytes(b"\x08\x08\x3a" + varint(len(inner)) + inner)
    return path


def varint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80, *varint(value >> 7)]) if value > 0x7F else bytes([value])


def crumbs(models: Models) -> Path:
    """Write a million fields that no message has."""
    path = models.folder / "model.onnx"
    path.write_bytes(b"\x08\x08" + bytes(2_000_000))
    return path


def without_text(models: Models) -> Path:
    path = models.convolution((1, 3, 8, 8))
    path.write_bytes(path.read_bytes().replace(b"Relu", b"R\xff\xfeu"))
    return path


def torn(models: Models) -> Path:
    path = models.convolution((1, 3, 8, 8))
    path.write_bytes(path.read_bytes()[:-40])
    return path


def noise(models: Models) -> Path:
    path = models.folder / "model.onnx"
    path.write_bytes(struct.pack("<512d", *range(512)))
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (cyclic, "cycle: two → one → two"),
        (dangling, 'reads "ghost"'),
        (lambda models: beside(models, "../weights.bin"), "outside the model's folder"),
        (lambda models: beside(models, "/etc/hostname"), "outside the model's folder"),
        (lambda models: beside(models, "C:\\weights.bin"), "outside the model's folder"),
        (lambda models: beside(models, "gone.bin"), "gone.bin, which is missing"),
        (lambda models: beside(models, "w" * 5000), "w…, which is missing"),
        (linked, "link.bin, a link that leads out of the model's folder"),
        (endless, "functions that call themselves"),
        (doubling, "more than 256 MiB"),
        (lambda models: sparse(models, -8, 3, 3, 3), "has a negative size"),
        (cut_short, "ends before weight"),
        (boastful, "more than the file has"),
        (deep, "inside each other"),
        (crumbs, "a field 0"),
        (without_text, "not UTF-8"),
        (torn, "cannot be read as ONNX"),
        (noise, "cannot be read as ONNX"),
        (lambda models: models.folder, "is not a file"),
        (lambda models: models.folder / "none.onnx", "no such file"),
    ],
)
def test_bad_files_are_refused_with_their_name(models: Models, make: Any, words: str) -> None:
    path = make(models)
    with pytest.raises(AnalysisError) as refused:
        analysed(path)
    assert words in refused.value.what
    assert str(path) in refused.value.where


def test_sparse_weights_count_as_dense_ones_and_that_is_noted(models: Models) -> None:
    dense = analysed(models.convolution((1, 3, 8, 8)))
    found = analysed(sparse(models))
    assert dataclasses.replace(found, notes=()) == dense
    assert found.notes == ("counts weights that are stored sparsely as if they were not",)


def test_functions_count_as_what_they_call(models: Models) -> None:
    product = [("Twice", [node("Add", ["a", "a"], ["t"]), node("Relu", ["t"], ["b"])])]
    assert [layer.type for layer in analysed(calls(models, product, "Twice")).layers] == ["Add", "Relu"]


def test_a_cache_may_link_the_model_and_its_weights_into_one_folder(models: Models) -> None:
    path = models.convolution((1, 3, 8, 8), weights_beside=True)
    links = models.folder / "links"
    links.mkdir()
    for name in (path.name, "weights.bin"):
        (links / name).symlink_to(models.folder / name)
    assert analysed(links / path.name) == analysed(path)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(AnalysisError, match="operator n15 cannot make 1x9216 of 1x256x11x11"):
        analysed(LIGHT / "light_bvlc_alexnet.onnx", data_0=(1, 3, 400, 400))
