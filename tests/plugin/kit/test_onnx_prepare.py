"""ONNX files prepared for converters: fixed sizes, weights inside, old Softmax decomposed, the same results."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.plugin.kit import onnx_prepare

onnx = pytest.importorskip("onnx", reason="needs onnx")
np = pytest.importorskip("numpy", reason="needs numpy")

from lpbench.testing.conversions import OnnxModels  # noqa: E402 - where onnx is

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def models(tmp_path: Path) -> OnnxModels:
    return OnnxModels(tmp_path)


def run(path: Path, **feeds: Any) -> Any:
    """Run a model with ONNX's own slow evaluator."""
    from onnx.reference import ReferenceEvaluator

    found: Any = ReferenceEvaluator(str(path)).run(None, feeds)
    return found[0]


def old_softmax(x: Any, axis: int) -> Any:
    """Return what Softmax meant before version 13, as its specification says it: a matrix, and each row by itself."""
    rows = x.reshape(int(np.prod(x.shape[:axis])), -1).astype(np.float64)
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).reshape(x.shape)


@pytest.mark.parametrize("axis", [None, 0, 1, 2, 3, -1, -2])
@pytest.mark.parametrize("operator", ["Softmax", "LogSoftmax"])
def test_the_old_softmax_means_the_same_in_every_version(models: OnnxModels, operator: str, axis: int | None) -> None:
    """Read by today's rules, in which each axis is on its own, the file that is written gives the old numbers."""
    axes: dict[str, Any] = {} if axis is None else {"axis": axis}
    node = onnx.helper.make_node(operator, ["x"], ["y"], **axes)
    shape = (2, 3, 4, 5)
    source = models.save([node], [("x", shape)], [("y", shape)], {}, opset=9)
    target = source.parent / "ready.onnx"
    onnx_prepare.prepare(source, target, {})
    model = onnx.load(target)
    model.opset_import[0].version = 17
    onnx.save(model, target)
    x = np.random.default_rng(2).standard_normal(shape).astype("float32")
    wanted = old_softmax(x, 1 if axis is None else axis % 4)
    assert np.allclose(run(target, x=x), np.log(wanted) if operator == "LogSoftmax" else wanted, atol=1e-5)


def test_the_new_softmax_is_left_alone(models: OnnxModels) -> None:
    node = onnx.helper.make_node("Softmax", ["x"], ["y"], axis=1)
    source = models.save([node], [("x", (1, 3, 2, 2))], [("y", (1, 3, 2, 2))], {}, opset=13)
    target = source.parent / "ready.onnx"
    assert onnx_prepare.prepare(source, target, {}).operators == ("Softmax",)


@pytest.mark.parametrize(
    ("kernel", "pads", "size", "operator"),
    [
        ((7, 7), (0, 0, 1, 1), (6, 6), "GlobalAveragePool"),
        ((7, 7), (0, 0, 0, 0), (7, 7), "GlobalAveragePool"),
        ((3, 3), (0, 0, 0, 0), (4, 4), "AveragePool"),
        ((3, 3), (0, 0, 0, 0), (5, 3), "AveragePool"),
        ((3, 3), (1, 1, 1, 1), (2, 2), "GlobalAveragePool"),
    ],
)
def test_an_average_over_everything_is_called_so(
    models: OnnxModels, kernel: tuple[int, int], pads: tuple[int, ...], size: tuple[int, int], operator: str
) -> None:
    """The numbers are those of the source, whether or not it was an average over everything."""
    node = onnx.helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=kernel, pads=pads, strides=[2, 2])
    source = models.save([node], [("x", (1, 2, *size))], [("y", (1, 2, "h", "w"))], {})
    target = source.parent / "ready.onnx"
    assert onnx_prepare.prepare(source, target, {}).operators == (operator,)
    x = np.random.default_rng(2).random((1, 2, *size)).astype("float32")
    assert np.allclose(run(target, x=x), run(source, x=x), atol=1e-6)


def test_open_sizes_are_fixed_through_the_whole_file(models: OnnxModels) -> None:
    source = models.network("N")
    target = source.parent / "ready.onnx"
    found = onnx_prepare.prepare(source, target, {"image": (2, 3, 8, 8)})
    assert (found.inputs[0].shape, found.outputs[0].shape) == ((2, 3, 8, 8), (2, 5))
    written = onnx.load(target).graph
    kinds = [value.type.tensor_type for value in (*written.input, *written.output)]
    assert [[size.dim_value for size in kind.shape.dim] for kind in kinds] == [[2, 3, 8, 8], [2, 5]]
    x = np.random.default_rng(2).random((2, 3, 8, 8)).astype("float32")
    assert np.allclose(run(target, image=x), run(source, image=x))


def test_sizes_below_zero_are_open_dimensions(models: OnnxModels) -> None:
    """Some exporters write -1; engines run such models, and what a converter gets has no such size anywhere."""
    source = models.network(-1)
    with pytest.raises(onnx_prepare.SourceError, match=r'"image" has open dimensions: \?x3x8x8'):
        onnx_prepare.prepare(source, source.parent / "ready.onnx", {})
    target = source.parent / "ready.onnx"
    found = onnx_prepare.prepare(source, target, {"image": (2, 3, 8, 8)})
    assert (found.inputs[0].shape, found.outputs[0].shape) == ((2, 3, 8, 8), (2, 5))
    written = onnx.load(target).graph
    values = (*written.input, *written.output, *written.value_info)
    assert min(size.dim_value for value in values for size in value.type.tensor_type.shape.dim) > 0


@pytest.mark.parametrize("shapes", [{}, {"image": (2, 3, 8, 8)}])
def test_an_empty_input_is_called_so(models: OnnxModels, shapes: dict[str, tuple[int, ...]]) -> None:
    """Engines take a size of 0 as it is: no shape can change it."""
    with pytest.raises(onnx_prepare.SourceError, match='"image" is empty: 0x3x8x8'):
        onnx_prepare.prepare(models.network(0), models.folder / "ready.onnx", shapes)


def test_intermediate_sizes_below_zero_are_settled(models: OnnxModels) -> None:
    source = models.network()
    model = onnx.load(source)
    model.graph.value_info.append(onnx.helper.make_tensor_value_info("c", 1, [-1, 8, -1, -1]))
    onnx.save(model, source)
    target = source.parent / "ready.onnx"
    onnx_prepare.prepare(source, target, {})
    written = onnx.load(target).graph
    assert all(size.dim_value > 0 for info in written.value_info for size in info.type.tensor_type.shape.dim)


def test_an_open_output_of_a_fixed_input_gets_its_size(models: OnnxModels) -> None:
    """A file may state -1 for an output although its inputs are fixed."""
    source = models.network()
    model = onnx.load(source)
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = -1
    onnx.save(model, source)
    target = source.parent / "ready.onnx"
    assert onnx_prepare.prepare(source, target, {}).outputs[0].shape == (1, 5)
    assert [size.dim_value for size in onnx.load(target).graph.output[0].type.tensor_type.shape.dim] == [1, 5]


def test_weights_are_inside(models: OnnxModels) -> None:
    source = models.network(beside=True)
    target = source.parent / "elsewhere" / "ready.onnx"
    target.parent.mkdir()
    x = np.ones((1, 3, 8, 8), "float32")
    wanted = run(source, image=x)
    onnx_prepare.prepare(source, target, {})
    (source.parent / "weights.data").unlink()
    assert np.allclose(run(target, image=x), wanted)


def test_names_types_and_operators_are_told(models: OnnxModels) -> None:
    found = onnx_prepare.prepare(models.several(), models.folder / "ready.onnx", {})
    assert [(each.name, each.dtype) for each in found.inputs] == [("b", "float32"), ("a", "float32")]
    assert [each.name for each in found.outputs] == ["z:difference", "a/conv", "sum"]
    assert found.outputs[1].shape == (1, 4, 4, 3)
    assert found.operators == ("Add", "Conv", "Sub")


def test_weights_among_the_inputs_are_no_inputs(models: OnnxModels) -> None:
    """Files of the first versions list them there."""
    source = models.network()
    model = onnx.load(source)
    for each in model.graph.initializer:
        model.graph.input.append(onnx.helper.make_tensor_value_info(each.name, each.data_type, each.dims))
    onnx.save(model, source)
    found = onnx_prepare.prepare(source, source.parent / "ready.onnx", {})
    assert [each.name for each in found.inputs] == ["image"]


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({}, 'input "image" has open dimensions: Nx3x8x8'),
        ({"image": (1, 3, 9, 8)}, 'input "image" cannot be 1x3x9x8; the model has Nx3x8x8'),
        ({"image": (0, 3, 8, 8)}, 'input "image" cannot be 0x3x8x8'),
        ({"image": (1, 3, 8, 8), "other": (1,)}, 'a shape is given for "other"'),
    ],
)
def test_sizes_that_are_missing_or_wrong_are_named(
    models: OnnxModels, shapes: dict[str, tuple[int, ...]], words: str
) -> None:
    with pytest.raises(onnx_prepare.SourceError, match=words) as caught:
        onnx_prepare.prepare(models.network("N"), models.folder / "ready.onnx", shapes)
    assert caught.value.hint


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(onnx_prepare.SourceError, match=r"model\.onnx"):
        onnx_prepare.prepare(path, tmp_path / "ready.onnx", {})


def test_it_stands_alone() -> None:
    """Tools run it by its path, in environments without lpbench."""
    import ast
    from pathlib import Path

    tree = ast.parse(Path(onnx_prepare.__file__).read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    named = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    foreign = {str(name).split(".")[0] for name in (*modules, *named)} - sys.stdlib_module_names
    assert foreign == {"onnx"}


def test_a_model_is_put_into_one_file_and_keeps_its_open_sizes(models: OnnxModels) -> None:
    source = models.network("N", beside=True)
    target = source.parent / "whole.onnx"
    onnx_prepare.in_one_file(source, target)
    (source.parent / "weights.data").unlink()
    graph = onnx.load(target).graph
    assert graph.initializer[0].raw_data
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    with pytest.raises(onnx_prepare.SourceError, match=r"weights\.data"):
        onnx_prepare.in_one_file(source, target)
