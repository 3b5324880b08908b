"""ONNX to TFLite by onnx2tf: numbers, names and orders of dimensions, and what it cannot do said by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import lpbench_tflite
from lpbench.jobs import conversion
from lpbench.plugin.converter import ConversionError
from lpbench.plugin.engine import Model
from lpbench.plugin.kit import onnx_prepare, tool_environments
from lpbench.testing import fixtures, onnx_models
from lpbench.testing.conversions import OnnxModels, analysed, convert, differences
from lpbench_tflite import _convert, _onnx2tf
from lpbench_tflite._write import ADD, NONE, Network, Number

pytest.importorskip("onnxruntime", reason="needs onnxruntime, which conversions are compared with")

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.converter import Converter
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

pytestmark = pytest.mark.long

spec = fixtures.converter_spec(lpbench_tflite, "onnx2tf")
engine = fixtures.engine_spec(lpbench_tflite, "tflite")
converter = fixtures.converter(lpbench_tflite, "onnx2tf", {"needs Python": "needs python 3.12"})
models = fixtures.in_folder(OnnxModels)


def test_the_spec_says_what_it_is(spec: ConverterSpec) -> None:
    """F16 is not offered: LiteRT runs none of the files with F16 that onnx2tf writes, a convolution in them."""
    assert (spec.reads, spec.writes, spec.precisions) == ("onnx", "tflite", ("F32",))
    assert f"onnx2tf=={spec.version.split(',')[0]}" in _convert.TOOL.requirements
    assert spec.availability()


def test_every_requirement_is_one_version() -> None:
    assert all("==" in each for each in _convert.TOOL.requirements)


def test_a_network_with_weights_beside_it(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    """The same numbers from channels that are last, weights from a file of their own, the source left as it was."""
    source = models.network("N", beside=True)
    before = source.read_bytes()
    made = convert(converter, source, shapes={"image": (1, 3, 8, 8)})
    (image,) = made.model.inputs
    assert (image.name, image.layout, image.shape) == ("image", "NHWC", (1, 8, 8, 3))
    assert differences(made, engine, source, {"image": (1, 3, 8, 8)})["logits"] < 1e-5
    assert [path.name for path in (source.parent / "converted").iterdir()] == ["model.tflite"]
    assert source.read_bytes() == before, "onnx2tf rewrites the file that it is given"
    assert {"onnx2tf", "ai-edge-litert"} <= set(made.tools)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_that_are_last_already_stay_there(
    models: OnnxModels, converter: Converter, engine: EngineSpec, channels: int
) -> None:
    """As in models that TensorFlow made: nothing but the sizes tells, where the app states no layout."""
    node = pytest.importorskip("onnx").helper.make_node
    nodes = [node("Transpose", ["image"], ["t"], perm=[0, 3, 1, 2]), node("Conv", ["t", "w"], ["y"])]
    weights = {"w": np.random.default_rng(1).standard_normal((4, channels, 3, 3)).astype(np.float32)}
    source = models.save(nodes, [("image", (1, 8, 8, channels))], [("y", (1, 4, 6, 6))], weights)
    made = convert(converter, source)
    (image,) = made.model.inputs
    assert (image.layout, image.shape) == ("NHWC", (1, 8, 8, channels))
    assert differences(made, engine, source)["y"] < 1e-5


def test_outputs_keep_their_names(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    """Names with signs that TFLite does not take, and some outputs with channels last, others as they were."""
    source = models.several()
    made = convert(converter, source)
    assert [each.called for each in made.model.outputs] == ["z:difference", "a/conv", "sum"]
    assert max(differences(made, engine, source).values()) < 1e-5


def test_outputs_of_one_size_are_told_apart(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    source = models.alike()
    assert max(differences(convert(converter, source), engine, source).values()) < 1e-5


def test_rows_keep_the_order_of_their_dimensions(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    """Only images have their channels moved; a detector's boxes stay rows."""
    source = models.rows()
    made = convert(converter, source)
    assert made.model.outputs[0].shape == (1, 20, 8)
    assert differences(made, engine, source)["y"] < 1e-5


def test_an_old_softmax_is_right(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    """Before version 13 it took all dimensions from its axis on as one; onnx2tf alone makes it another one."""
    source = models.softmax(size=4)
    assert differences(convert(converter, source), engine, source)["y"] < 1e-5


def test_open_sizes_must_be_given(models: OnnxModels, converter: Converter) -> None:
    found = r'input "image" has open dimensions: Nx3x8x8\n.*shapes={"image": \[\?,3,8,8\]}'
    with pytest.raises(ConversionError, match=found):
        convert(converter, models.network("N"))


def test_one_shape_suffices_where_dimensions_have_names(models: OnnxModels, converter: Converter) -> None:
    (made,) = conversion.convert(models.masked(), "tflite", shapes={"image": (1, 3, 6, 5)})
    assert [(info.called, info.shape) for info in made.inputs] == [("image", (1, 6, 5, 3)), ("mask", (1, 6, 5, 1))]


def test_sizes_below_zero_are_open_dimensions(models: OnnxModels, converter: Converter) -> None:
    (made,) = conversion.convert(models.network(-1), "tflite")
    assert made.inputs[0].shape == (1, 8, 8, 3)


def test_an_operator_that_tflite_lacks_is_named(models: OnnxModels, converter: Converter) -> None:
    """onnx2tf gives it a name of its own, ONNX_DET, and ends with exit status 0."""
    with pytest.raises(ConversionError, match="TFLite does not support these operators: Det\n"):
        convert(converter, models.unsupported())


def test_without_a_fitting_python_the_hint_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tool_environments, "_version_of", lambda python: ())
    with pytest.raises(ConversionError, match=r"onnx2tf needs Python 3.13 or 3.12, .*\n.*pyenv install 3.13"):
        _convert.Onnx2tf().prepare()


def test_outputs_in_another_order_are_found_again() -> None:
    """Places come first; what does not fit there is looked for elsewhere, with channels last too."""
    import numpy as np

    random = np.random.default_rng(1)
    one, two, three = (random.random((1, 4, 4, 4)) for _ in range(3))
    got = [np.moveaxis(three, 1, -1), one, two]
    described = [{"name": name} for name in "pqr"]
    found = _onnx2tf._outputs({"one": one, "two": two, "three": three}, got, described)["outputs"]
    assert [(each["source"], each["name"], each["last"]) for each in found] == [
        ("one", "q", False),
        ("two", "r", False),
        ("three", "p", True),
    ]


def test_a_source_in_half_precision_is_run_beside_its_file_in_single_precision(models: OnnxModels) -> None:
    """What onnx2tf writes of it takes F32; both get the same numbers, each in its own type."""
    import numpy as np
    import onnx

    half = onnx.TensorProto.FLOAT16
    source, target = models.folder / "half.onnx", models.folder / "single.tflite"
    node = onnx.helper.make_node("Add", ["x", "x"], ["y"])
    onnx_models.save(source, [node], [("x", half, (1, 4))], [("y", half, (1, 4))])
    network = Network()
    x, y = (network.tensor(name, (1, 4)) for name in "xy")
    network.operator(ADD, [x, x], [y], {0: Number("b", NONE)})
    target.write_bytes(network.save([x], [y]))
    prepared = onnx_prepare.prepare(source, models.folder / "prepared.onnx", {})
    found = _onnx2tf._matched(source, str(target), prepared, ["x"])
    assert "problem" not in found
    assert [(each["source"], each["name"], np.dtype(each["dtype"]).name) for each in found["outputs"]] == [
        ("y", "y", "float32")
    ]


def test_an_output_that_is_not_there_is_a_problem() -> None:
    import numpy as np

    found = _onnx2tf._outputs({"y": np.ones((1, 3))}, [np.ones((1, 4))], [{"name": "p"}])
    assert found["problem"] == 'output "y" is not among the outputs of the file'


def test_an_analysis_counts_of_the_product_what_it_counts_of_the_source(
    models: OnnxModels, converter: Converter
) -> None:
    """onnx2tf gives a convolution without biases eight of them, which are 0."""
    pytest.importorskip("lpbench_ort", reason="needs lpbench_ort, whose analyzer reads the source")
    source = models.network()
    made = convert(converter, source, shapes={"image": (1, 3, 8, 8)}).model
    source_found = analysed(Model("onnx", source), {"image": (1, 3, 8, 8)})
    sizes = {info.name: tuple(size for size in info.shape if isinstance(size, int)) for info in made.inputs}
    found = analysed(made, sizes)
    assert found.flop == source_found.flop == 2 * (8 * 64 * 27 + 5 * 128)
    assert found.params == source_found.params + 8
    assert found.storage_bytes == pytest.approx(4 * found.params, abs=16)
