"""ONNX to OpenVINO's own format: the same numbers, the same names, errors with names in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import lpbench_openvino
from lpbench.jobs import conversion
from lpbench.plugin.converter import ConversionError
from lpbench.plugin.engine import Model
from lpbench.testing import fixtures, onnx_models
from lpbench.testing.conversions import OnnxModels, analysed, convert, differences

pytest.importorskip("onnxruntime", reason="needs onnxruntime, which conversions are compared with")

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.converter import Converter
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

pytestmark = pytest.mark.long

spec = fixtures.converter_spec(lpbench_openvino, "openvino")
engine = fixtures.engine_spec(lpbench_openvino, "openvino")
converter = fixtures.converter(lpbench_openvino, "openvino")
models = fixtures.in_folder(OnnxModels)


def test_the_spec_says_what_it_is(spec: ConverterSpec) -> None:
    assert (spec.reads, spec.writes, spec.precisions) == ("onnx", "openvino", ("F32", "F16"))
    assert spec.availability()


@pytest.mark.parametrize("kind", ["network", "several", "alike", "rows", "pooling", "softmax"])
def test_a_conversion_gives_the_sources_numbers(
    models: OnnxModels, converter: Converter, engine: EngineSpec, kind: str
) -> None:
    source = getattr(models, kind)()
    made = convert(converter, source)
    assert max(differences(made, engine, source).values()) < 1e-5
    assert made.tools["openvino"]
    weights = [] if kind == "pooling" else ["model.bin"]  # a network that has none
    assert [path.name for path in made.model.extra] == weights


def test_weights_beside_the_source_are_taken_along(
    models: OnnxModels, converter: Converter, engine: EngineSpec
) -> None:
    source = models.network(beside=True)
    made = convert(converter, source)
    assert differences(made, engine, source)["logits"] < 1e-5
    (source.parent / "weights.data").unlink()
    assert made.model.extra[0].stat().st_size > 3000, "the weights are in the .bin, not left behind"


def test_weights_that_are_missing_are_an_error(models: OnnxModels, converter: Converter) -> None:
    source = models.network(beside=True)
    (source.parent / "weights.data").unlink()
    with pytest.raises(ConversionError, match="its weights are in a separate file"):
        convert(converter, source)


def test_weights_are_stored_in_16_bits_if_asked(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    """The file is about half as large, and the numbers are off by what F16 rounds."""
    source = models.network()
    made = convert(converter, source, "F16")
    assert made.model.extra[0].stat().st_size < 2000
    assert 0 < differences(made, engine, source)["logits"] < 0.02


def test_open_sizes_stay_open_unless_given(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    source = models.network("N")
    made = convert(converter, source)
    assert made.model.inputs[0].shape[0] is None
    assert differences(made, engine, source)["logits"] < 1e-5


def test_sizes_that_are_given_are_fixed(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    source, shapes = models.network("N"), {"image": (2, 3, 8, 8)}
    made = convert(converter, source, shapes=shapes)
    assert made.model.inputs[0].shape == (2, 3, 8, 8)
    assert differences(made, engine, source, shapes)["logits"] < 1e-5


def test_one_shape_suffices_where_dimensions_have_names(models: OnnxModels) -> None:
    """The batch, which is the second dimension of both inputs, is given for one of them."""
    (made,) = conversion.convert(models.sequence(), "openvino", shapes={"x": (5, 2, 3)})
    assert [info.shape for info in made.inputs] == [(5, 2, 3), (1, 2, 3)]


@pytest.mark.parametrize("shapes", [{}, {"image": (2, 3, 8, 8)}])
def test_sizes_below_zero_are_open_dimensions(models: OnnxModels, shapes: dict[str, tuple[int, ...]]) -> None:
    (made,) = conversion.convert(models.network(-1), "openvino", shapes=shapes)
    assert made.inputs[0].shape == (2 if shapes else 1, 3, 8, 8)


def test_sizes_that_the_model_does_not_take_are_an_error(models: OnnxModels, converter: Converter) -> None:
    with pytest.raises(ConversionError, match="image"):
        convert(converter, models.network("N"), shapes={"image": (1, 4, 8, 8)})


def test_an_operator_that_openvino_lacks_is_named(models: OnnxModels, converter: Converter) -> None:
    with pytest.raises(ConversionError, match=r"does not have these operators: acme\.Levitate"):
        convert(converter, models.unsupported("Levitate", "acme"))


def test_a_model_without_weights_is_converted_and_added_to_an_app(models: OnnxModels, tmp_path: Path) -> None:
    """OpenVINO writes an empty .bin for it, which is left out: an app names no empty files."""
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    shape, relu = (1, 3, 8, 8), onnx.helper.make_node("Relu", ["x"], ["y"])
    source = onnx_models.save(models.folder / "bare.onnx", [relu], [("x", 1, shape)], [("y", 1, shape)])
    (made,) = conversion.convert(source, "openvino", output=tmp_path / "made")
    assert [path.name for path in (tmp_path / "made").iterdir()] == [made.path.name]
    assert made.extra == ()


def test_an_analysis_counts_of_the_product_what_it_counts_of_the_source(
    models: OnnxModels, converter: Converter
) -> None:
    pytest.importorskip("lpbench_ort", reason="needs lpbench_ort, whose analyzer reads the source")
    source = models.network()
    made = convert(converter, source, shapes={"image": (1, 3, 8, 8)}).model
    source_found = analysed(Model("onnx", source), {"image": (1, 3, 8, 8)})
    found = analysed(made, {"image": (1, 3, 8, 8)})
    assert found.flop == source_found.flop == 2 * (8 * 64 * 27 + 5 * 128)
    assert found.params == source_found.params
    assert found.storage_bytes == pytest.approx(4 * found.params, abs=16)
