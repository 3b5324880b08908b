"""``lpbench convert --to om`` over stubs of ATC: what it is told, what it may do wrong, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from plugins.lpbench_acl.tests.stub_atc import FAILED, MAKES, Stub

from lpbench.jobs import conversion
from lpbench.plugin.converter import Conversion, ConversionError, Converted
from lpbench.plugin.engine import Model
from lpbench.testing.conversions import OnnxModels, convert
from lpbench_acl._convert import AtcConverter, bound
from lpbench_acl.atc_config import AtcConfig

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.engine import Shapes

SOC = "Ascend310P3"
node = onnx.helper.make_node


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    folder = tmp_path / "stub"
    folder.mkdir()
    return Stub(folder, monkeypatch)


@pytest.fixture
def models(tmp_path: Path) -> OnnxModels:
    folder = tmp_path / "source"
    folder.mkdir()
    return OnnxModels(folder)


def made(source: Path, precision: str = "F16", shapes: Shapes | None = None, **options: Any) -> Converted:
    """Convert with a stub for a certain NPU."""
    return convert(AtcConverter(), source, precision, shapes, config=AtcConfig(**{"soc": SOC, **options}))


def refusal(source: Path, precision: str = "F16", shapes: Shapes | None = None, **options: Any) -> str:
    """Return the error of a conversion that leaves nothing."""
    with pytest.raises(ConversionError) as caught:
        made(source, precision, shapes, **options)
    assert list((source.parent / "converted").iterdir()) == []
    return str(caught.value)


def test_a_model_of_fixed_sizes_becomes_one_file_under_its_own_names(stub: Stub, models: OnnxModels) -> None:
    found = made(models.network())
    assert [path.name for path in (models.folder / "converted").iterdir()] == ["model.om"]
    assert (found.model.format, found.model.path.name) == ("om", "model.om")
    assert [(info.called, info.shape) for info in found.model.inputs] == [("image", (1, 3, 8, 8))]
    assert [info.called for info in found.model.outputs] == ["logits"]
    assert found.tools == {"CANN": "8.0.0"}
    assert set(stub.words) == {
        *("--model=model.onnx", "--framework=5", "--output=model", "--log=error"),
        *(f"--soc_version={SOC}", "--precision_mode=force_fp16"),
    }


@pytest.mark.parametrize(
    ("precision", "mode"),
    [("F16", "force_fp16"), ("F32", "must_keep_origin_dtype"), ("auto", "must_keep_origin_dtype")],
)
def test_each_precision_is_one_of_atcs_modes(stub: Stub, models: OnnxModels, precision: str, mode: str) -> None:
    made(models.network(), precision)
    assert f"--precision_mode={mode}" in stub.words


def test_a_mode_between_f16_and_f32_is_an_option(stub: Stub, models: OnnxModels) -> None:
    made(models.network(), precision_mode="allow_mix_precision", options={"op_select_implmode": "high_precision"})
    assert {"--precision_mode=allow_mix_precision", "--op_select_implmode=high_precision"} <= set(stub.words)


def test_a_mode_does_not_go_with_another_precision(stub: Stub, models: OnnxModels) -> None:
    assert "changes F16 alone" in refusal(models.network(), "F32", precision_mode="allow_mix_precision")


def halves(models: OnnxModels) -> Path:
    """Save a model with weights of 16 bits."""
    weights = {"w": np.ones((4, 3), np.float16)}
    nodes = [node("Cast", ["x"], ["h"], to=10), node("MatMul", ["h", "w"], ["m"]), node("Cast", ["m"], ["y"], to=1)]
    return models.save(nodes, [("x", (1, 4))], [("y", (1, 3))], weights)


def test_weights_of_16_bits_are_not_called_f32(stub: Stub, models: OnnxModels) -> None:
    told = refusal(halves(models), "F32")
    assert "float16" in told
    assert "--precision auto" in told


def quantised(models: OnnxModels, batch: int | str = 1) -> Path:
    """Save a model that rounds its input to 8 bits."""
    weights = {"scale": np.array(0.1, np.float32), "zero": np.array(0, np.int8)}
    nodes = [
        node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    return models.save(nodes, [("x", (batch, 4))], [("y", (batch, 4))], weights)


def test_s8_takes_a_quantised_model_and_says_how_to_make_one(stub: Stub, models: OnnxModels) -> None:
    told = refusal(models.network(), "S8")
    assert "ATC does not quantise" in told
    assert "quantize_static" in told
    for folder in ("converted", "scratch"):
        (models.folder / folder).rename(models.folder / f"{folder} before")
    made(quantised(models), "S8")
    assert "--precision_mode=force_fp16" in stub.words


def test_quantised_models_take_no_gears(stub: Stub, models: OnnxModels) -> None:
    assert "no gears" in refusal(quantised(models, "N"), "S8", {"x": (1, 4)}, batches=(1, 2))


def test_weights_beside_the_source_are_taken_into_one_file(stub: Stub, models: OnnxModels) -> None:
    source = models.network(beside=True)
    made(source)
    (models.folder / "weights.data").unlink()
    assert onnx.load(str(stub.seen("model.onnx"))).graph.initializer[0].raw_data


def test_weights_beside_a_source_with_gears_are_taken_too(stub: Stub, models: OnnxModels) -> None:
    source = models.network("N", beside=True)
    made(source, shapes={"image": (1, 3, 8, 8)}, batches=(1, 4))
    (models.folder / "weights.data").unlink()
    graph = onnx.load(str(stub.seen("model.onnx"))).graph
    assert graph.initializer[0].raw_data
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_missing_weights_are_an_error(stub: Stub, models: OnnxModels) -> None:
    source = models.network("N", beside=True)
    (models.folder / "weights.data").unlink()
    assert "weights.data" in refusal(source, shapes={"image": (1, 3, 8, 8)}, batches=(1, 4))


def test_open_sizes_must_be_given(stub: Stub, models: OnnxModels) -> None:
    found = refusal(models.network("N"))
    assert 'input "image" has open dimensions: Nx3x8x8' in found
    assert 'shapes={"image": [?,3,8,8]}' in found


def test_open_sizes_that_are_given_are_fixed_in_the_file(stub: Stub, models: OnnxModels) -> None:
    found = made(models.network("N"), shapes={"image": (2, 3, 8, 8)})
    assert found.model.inputs[0].shape == (2, 3, 8, 8)
    assert not [word for word in stub.words if "shape" in word]
    dimensions = onnx.load(str(stub.seen("model.onnx"))).graph.input[0].type.tensor_type.shape.dim
    assert [size.dim_value for size in dimensions] == [2, 3, 8, 8]


def test_batches_become_gears_of_every_open_first_dimension(stub: Stub, models: OnnxModels) -> None:
    found = made(models.masked(), shapes={"image": (4, 3, 6, 5), "mask": (4, 1, 6, 5)}, batches=(1, 4))
    assert "--input_shape=image:-1,3,6,5;mask:-1,1,6,5" in stub.words
    assert "--dynamic_batch_size=1,4" in stub.words
    assert [info.shape for info in found.model.inputs] == [("N", 3, 6, 5), ("N", 1, 6, 5)]


def test_image_sizes_become_gears_of_height_and_width(stub: Stub, models: OnnxModels) -> None:
    shapes = {"image": (1, 3, 6, 5), "mask": (1, 1, 6, 5)}
    found = made(models.masked(), shapes=shapes, image_sizes=((6, 5), (12, 10)))
    assert "--input_shape=image:1,3,-1,-1;mask:1,1,-1,-1" in stub.words
    assert "--dynamic_image_size=6,5;12,10" in stub.words
    assert found.model.inputs[0].shape == (1, 3, "H", "W")


def test_dims_become_gears_of_all_open_dimensions(stub: Stub, models: OnnxModels) -> None:
    shapes = {"x": (7, 2, 3), "h": (1, 2, 3)}
    made(models.sequence(), shapes=shapes, dims=((7, 2, 2), (9, 1, 1)))
    assert {
        *("--input_shape=x:-1,-1,3;h:1,-1,3", "--dynamic_dims=7,2,2;9,1,1", "--input_format=ND"),
    } <= set(stub.words)


@pytest.mark.parametrize(
    ("batch", "size", "options", "words"),
    [
        (1, 1, {"batches": (1, 4)}, "an input with an open first dimension; the model has image 1x3x8x8"),
        ("N", 1, {"image_sizes": ((8, 8), (9, 9))}, "open height and width; the model has image Nx3x8x8"),
        ("N", 2, {"batches": (1, 4)}, "no gear is 2, in which the model is checked"),
        ("N", 1, {"dims": ((1, 2), (2, 3))}, "a gear has 2 sizes, and the model 1 open dimensions"),
    ],
)
@pytest.mark.usefixtures("stub")
def test_gears_that_a_model_cannot_have_are_refused(
    models: OnnxModels, batch: int | str, size: int, options: dict[str, Any], words: str
) -> None:
    """The model is checked with the batch of ``size``."""
    assert words in refusal(models.network(batch), shapes={"image": (size, 3, 8, 8)}, **options)


def test_a_size_that_no_gear_sets_must_be_given(stub: Stub, models: OnnxModels) -> None:
    """Where the source cannot be run here, nothing else tells it."""
    told = refusal(models.masked(), batches=(1, 4))
    assert 'input "image" has open dimensions: Nx3xHxW' in told
    assert 'shapes={"image": [?,3,?,?]}' in told


def test_a_refused_operator_is_named_with_the_file(stub: Stub, models: OnnxModels) -> None:
    said = f"{FAILED}\nEZ3003: No supported Ops kernel and engine are found for [make_y], optype [Levitate]."
    stub.does(f"print({said!r}); sys.exit(255)")
    source = models.unsupported("Levitate", "acme")
    told = refusal(source)
    assert told.startswith(str(source))
    assert "EZ3003: No supported Ops kernel and engine are found for [make_y], optype [Levitate]." in told


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("pass", "left no offline model"),
        ("os.mkdir('model.om')", "left no offline model"),
        ("os.mkfifo('model.om')", "left no offline model"),
        ("os.symlink(home / 'whole.om', 'model.om')", "left no offline model"),
        ("os.remove('atc.log'); time.sleep(0.5); sys.exit(3)", "what it prints cannot be read: No such file"),
        ("open('model.om', 'wb').close()", "model.om is empty"),
        ("open('model.om', 'wb').write((home / 'whole.om').read_bytes()[:-9])", "model.om is cut off"),
        ("open('model.om', 'wb').write(b'nonsense')", "model.om is no offline model"),
        (f"{MAKES}; shutil.copy('model.om', 'more.om')", "left 2 offline models"),
    ],
)
def test_a_success_without_a_whole_file_is_a_failure(stub: Stub, models: OnnxModels, body: str, words: str) -> None:
    stub.does(body)
    assert words in refusal(models.network())


def test_a_product_that_is_bound_to_a_system_keeps_its_name(stub: Stub, models: OnnxModels) -> None:
    stub.does("shutil.copy(home / 'whole.om', 'model_linux_aarch64.om')")
    assert made(models.network()).model.path.name == "model_linux_aarch64.om"


def test_a_folder_that_atc_does_not_open_is_not_where_it_works(stub: Stub, models: OnnxModels) -> None:
    scratch, folder = (models.folder / name for name in ("scratch of a user", "made"))
    scratch.mkdir()
    folder.mkdir()
    stub.does(f"(home / 'cwd').write_text(os.getcwd()); {MAKES}")
    AtcConverter().convert(Model("onnx", models.network()), Conversion(folder, scratch, "F16", {}, AtcConfig(SOC)))
    assert " " not in (stub.home / "cwd").read_text(encoding="utf-8")
    assert [path.name for path in folder.iterdir()] == ["model.om"]


@pytest.mark.usefixtures("stub")
def test_without_an_npu_its_name_has_to_be_given(models: OnnxModels) -> None:
    with pytest.raises(ConversionError) as caught:
        conversion.convert(models.network(), "om")
    assert 'options={"soc": "Ascend310P3"}' in str(caught.value)
    assert "npu-smi info" in str(caught.value)


def test_a_product_depends_on_the_version_of_cann(stub: Stub) -> None:
    assert bound(AtcConfig(SOC)) == {"CANN": "8.0.0"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"soc": "310P3"}, "expected Ascend310P3"),
        ({"soc": "Ascend310; rm"}, "expected a name such as"),
        ({"batches": (4,)}, "expected 2 to"),
        ({"batches": (4, 4)}, "each once"),
        ({"batches": (0, 4)}, "expected sizes from 1"),
        ({"batches": (1, 4), "dims": ((1,), (2,))}, "expected one kind of gears"),
        ({"dims": ((1,), (2, 3))}, "as many sizes in each gear"),
        ({"options": {"--log": "info"}}, "without dashes"),
        ({"options": {"soc_version": SOC}}, "lpbench sets it"),
        ({"options": {"keep_dtype": "a\nb"}}, "expected one line of text"),
    ],
)
def test_options_that_atc_would_not_take_are_refused_before_it_starts(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AtcConfig(**options)
