"""ONNX to ncnn by pnnx: the same numbers under new names, and what pnnx cannot do said by name."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lpbench_ncnn
from lpbench.errors import EngineError
from lpbench.jobs import conversion
from lpbench.plugin.converter import ConversionError
from lpbench.plugin.engine import Model
from lpbench.testing import fixtures, onnx_models
from lpbench.testing.conversions import OnnxModels, analysed, convert, differences
from lpbench_ncnn import _convert

pytest.importorskip("onnxruntime", reason="needs onnxruntime, which conversions are compared with")

if TYPE_CHECKING:
    from lpbench.plugin.converter import Converter
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

pytestmark = pytest.mark.long

spec = fixtures.converter_spec(lpbench_ncnn, "pnnx")
engine = fixtures.engine_spec(lpbench_ncnn, "ncnn")
converter = fixtures.converter(lpbench_ncnn, "pnnx", {"is not available for": "needs x86-64 or aarch64"})
models = fixtures.in_folder(OnnxModels)


def test_the_spec_says_what_it_is(spec: ConverterSpec) -> None:
    assert (spec.reads, spec.writes, spec.precisions) == ("onnx", "ncnn", ("F32", "F16"))
    assert _convert.VERSION in spec.version
    assert spec.availability()


@pytest.mark.parametrize("kind", ["network", "several", "alike", "rows", "pooling"])
def test_a_conversion_gives_the_sources_numbers(
    models: OnnxModels, converter: Converter, engine: EngineSpec, kind: str
) -> None:
    """Every output is compared under the source's name for it."""
    source = getattr(models, kind)()
    made = convert(converter, source)
    assert max(differences(made, engine, source).values()) < 1e-5
    assert made.tools == {"pnnx": _convert.VERSION}


def test_only_the_two_files_are_kept(models: OnnxModels, converter: Converter) -> None:
    """Pnnx also writes programs and networks of its own; neither the folder nor the source's gets them."""
    source = models.network()
    before = source.read_bytes()
    convert(converter, source)
    assert sorted(path.name for path in (source.parent / "converted").iterdir()) == ["model.bin", "model.param"]
    assert sorted(path.name for path in source.parent.iterdir()) == ["converted", "model.onnx", "scratch"]
    assert source.read_bytes() == before


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("operator", ["Softmax", "LogSoftmax"])
def test_an_old_softmax_is_right(
    models: OnnxModels, converter: Converter, engine: EngineSpec, operator: str, size: int
) -> None:
    """Before version 13 it took all dimensions from its axis on as one; pnnx alone makes it another one, in silence."""
    source = models.softmax(operator, size)
    assert differences(convert(converter, source), engine, source)["y"] < 1e-5


def test_weights_beside_the_source_are_taken_along(
    models: OnnxModels, converter: Converter, engine: EngineSpec
) -> None:
    source = models.network(beside=True)
    assert differences(convert(converter, source), engine, source)["logits"] < 1e-5


def test_weights_that_are_missing_are_an_error(models: OnnxModels, converter: Converter) -> None:
    source = models.network(beside=True)
    (source.parent / "weights.data").unlink()
    with pytest.raises(ConversionError, match=r"weights\.data"):
        convert(converter, source)


def test_weights_are_stored_in_16_bits_if_asked(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    source = models.network()
    made = convert(converter, source, "F16")
    assert made.model.extra[0].stat().st_size < 2000
    assert 0 < differences(made, engine, source)["logits"] < 0.02


def test_open_sizes_must_be_given(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    source, shapes = models.network("N"), {"image": (1, 3, 8, 8)}
    found = r'input "image" has open dimensions: Nx3x8x8\n.*shapes={"image": \[\?,3,8,8\]}'
    with pytest.raises(ConversionError, match=found):
        convert(converter, source)
    for folder in ("converted", "scratch"):
        (source.parent / folder).rmdir()
    made = convert(converter, source, shapes=shapes)
    assert made.model.inputs[0].shape == (1, 3, 8, 8)
    assert differences(made, engine, source, shapes)["logits"] < 1e-5


def test_one_shape_suffices_where_dimensions_have_names(models: OnnxModels, converter: Converter) -> None:
    (made,) = conversion.convert(models.masked(), "ncnn", shapes={"image": (1, 3, 6, 5)})
    assert [(info.called, info.shape) for info in made.inputs] == [("image", (1, 3, 6, 5)), ("mask", (1, 1, 6, 5))]


def test_sizes_below_zero_are_open_dimensions(models: OnnxModels, converter: Converter) -> None:
    (made,) = conversion.convert(models.network(-1), "ncnn")
    assert made.inputs[0].shape == (1, 3, 8, 8)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"image": (1, 4, 8, 8)}, 'input "image" cannot be 1x4x8x8; the model has Nx3x8x8'),
        ({"image": (1, 3, 8)}, 'input "image" cannot be 1x3x8; the model has Nx3x8x8'),
        ({"imago": (1, 3, 8, 8)}, '"imago", which is not an input of the model\n  inputs: image'),
    ],
)
def test_sizes_that_the_model_does_not_take_are_an_error(
    models: OnnxModels, converter: Converter, shapes: dict[str, tuple[int, ...]], words: str
) -> None:
    with pytest.raises(ConversionError) as caught:
        convert(converter, models.network("N"), shapes=shapes)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("operator", "domain", "words"),
    [
        ("Det", "", r"ncnn .* does not support these operators: Det\n  pnnx left them unconverted"),
        ("Levitate", "acme", "pnnx .* does not support these operators: Levitate"),
    ],
)
def test_an_operator_that_is_not_there_is_named(
    models: OnnxModels, converter: Converter, operator: str, domain: str, words: str
) -> None:
    """Det gets through pnnx as it is, with exit status 0; pnnx crashes on one that it has never heard of."""
    with pytest.raises(ConversionError, match=words):
        convert(converter, models.unsupported(operator, domain))


def test_a_crash_is_said_to_be_one(models: OnnxModels, converter: Converter) -> None:
    """An input that is handed on unchanged brings pnnx down."""
    import onnx

    nodes = [onnx.helper.make_node("Relu", ["x"], ["y"]), onnx.helper.make_node("Identity", ["x"], ["z"])]
    source = models.save(nodes, [("x", (1, 3, 4, 4))], [("z", (1, 3, 4, 4)), ("y", (1, 3, 4, 4))], {})
    with pytest.raises(ConversionError, match="crashed: SIG"):
        convert(converter, source)


@pytest.mark.parametrize("content", [b"", b"hello, this is not a model\n" * 9, None])
def test_what_is_no_model_is_said_to_be_none(models: OnnxModels, converter: Converter, content: bytes | None) -> None:
    source = models.network()
    source.write_bytes(source.read_bytes()[:2000] if content is None else content)
    with pytest.raises(ConversionError, match=r"ONNX"):
        convert(converter, source)


def test_a_batch_is_left_to_ncnn_to_refuse(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    source = models.network(2)
    with pytest.raises(EngineError, match="one sample at a time"):
        differences(convert(converter, source), engine, source)


def test_a_machine_without_pnnx_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(ConversionError, match="pnnx is not available for riscv64, only for x86_64 and aarch64"):
        _convert.Pnnx().prepare()


def test_without_a_registry_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at the index that pip is pointed to."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(ConversionError, match=r"pnnx .*the registry cannot be reached"):
        _convert.Pnnx().prepare()
    assert not [each for each in Path(tmp_path).rglob("pnnx") if each.is_file()]


def test_a_model_without_weights_is_converted_and_runs_without_a_bin(models: OnnxModels, tmp_path: Path) -> None:
    """Pnnx writes an empty .bin for it, which is left out: an app names no empty files."""
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    shape, relu = (1, 3, 8, 8), onnx.helper.make_node("Relu", ["x"], ["y"])
    source = onnx_models.save(models.folder / "bare.onnx", [relu], [("x", 1, shape)], [("y", 1, shape)])
    (made,) = conversion.convert(source, "ncnn", output=tmp_path / "made")
    assert [path.name for path in (tmp_path / "made").iterdir()] == [made.path.name]
    assert made.extra == ()


def test_an_analysis_counts_of_the_product_what_it_counts_of_the_source(
    models: OnnxModels, converter: Converter
) -> None:
    pytest.importorskip("lpbench_ort", reason="needs lpbench_ort, whose analyzer reads the source")
    source = models.network()
    made = convert(converter, source, shapes={"image": (1, 3, 8, 8)}).model
    source_found = analysed(Model("onnx", source), {"image": (1, 3, 8, 8)})
    sizes = {info.name: tuple(size for size in info.shape if isinstance(size, int)) for info in made.inputs}
    found = analysed(made, sizes)
    assert found.flop == source_found.flop == 2 * (8 * 64 * 27 + 5 * 128)
    assert found.params == source_found.params
    assert found.storage_bytes == pytest.approx(4 * found.params, abs=16)
