"""TFLite in S8 and F16: from ONNX and from TFLite, with inputs and outputs that stay floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lpbench_tflite
from lpbench.plugin.converter import ConversionError
from lpbench.testing import fixtures
from lpbench.testing.conversions import OnnxModels, convert, differences
from lpbench_tflite import _narrow
from lpbench_tflite._write import FULLY_CONNECTED, NONE, Kind, Network, Number

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.converter import Converter
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

pytest.importorskip("onnx", reason="needs onnx, with which the models are written")
pytest.importorskip("onnxruntime", reason="needs onnxruntime, which conversions are compared with")

NEEDS = {"needs Python": "needs python 3.12 or 3.13"}
spec = fixtures.converter_spec(lpbench_tflite, "onnx2tf-quantizer")
engine = fixtures.engine_spec(lpbench_tflite, "tflite")
from_onnx = fixtures.converter(lpbench_tflite, "onnx2tf-quantizer", NEEDS)
from_tflite = fixtures.converter(lpbench_tflite, "tflite-quantizer", NEEDS)
models = fixtures.in_folder(OnnxModels)
SHAPES = {"image": (1, 3, 8, 8)}
WEIGHTS = np.random.default_rng(1).standard_normal((64, 64)).astype(np.float32)
FEEDS = [{"x": np.full((1, 64), value, np.float32)} for value in (-1, 1)]
DEQUANTIZE, QUANTIZE = Kind(6), Kind(114)
BUILTIN_CODE = 3
"""The field in which newer files name an operator."""


def samples() -> list[dict[str, Any]]:
    random = np.random.default_rng(4)
    return [{"image": random.random(SHAPES["image"], np.float32)} for _ in range(8)]


def test_the_spec_names_the_versions_that_are_installed(spec: ConverterSpec) -> None:
    assert (spec.reads, spec.writes, spec.precisions) == ("onnx", "tflite", ("S8", "F16"))
    assert spec.calibrated == {"S8"}
    assert f"quantizer {_narrow.VERSION}" in spec.version
    assert all("==" in each for each in _narrow.TOOL.requirements)


@pytest.mark.long
def test_it_computes_nearly_what_the_onnx_file_does(
    models: OnnxModels, from_onnx: Converter, engine: EngineSpec
) -> None:
    """Samples come as the source has its channels, first; the file has them last."""
    source = models.network()
    made = convert(from_onnx, source, "S8", SHAPES, calibration=samples())
    (image,) = made.model.inputs
    assert (image.called, image.dtype, image.layout, image.shape) == ("image", "float32", "NHWC", (1, 8, 8, 3))
    assert [(info.called, info.dtype) for info in made.model.outputs] == [("logits", "float32")]
    assert 0 < differences(made, engine, source)["logits"] < 0.2
    assert {"onnx2tf", "ai-edge-quantizer"} <= set(made.tools)


@pytest.mark.long
def test_a_pool_that_reaches_beyond_its_input_is_stored_in_8_bits(
    models: OnnxModels, from_onnx: Converter, engine: EngineSpec
) -> None:
    """onnx2tf pads it with minus infinity, beside which 8 bits hold no other value."""
    node = pytest.importorskip("onnx").helper.make_node
    nodes = [
        node("Conv", ["image", "w"], ["c"], pads=[1] * 4),
        node("Relu", ["c"], ["r"]),
        node("MaxPool", ["r"], ["y"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    ]
    weights = {"w": np.random.default_rng(2).standard_normal((8, 3, 3, 3)).astype(np.float32) / 3}
    source = models.save(nodes, [("image", SHAPES["image"])], [("y", (1, 8, 4, 4))], weights)
    made = convert(from_onnx, source, "S8", SHAPES, calibration=samples())
    assert 0 < differences(made, engine, source)["y"] < 0.2


@pytest.mark.long
@pytest.mark.parametrize("precision", ["S8", "F16"])
def test_a_tflite_file_becomes_a_smaller_one_with_the_same_inputs(
    from_tflite: Converter, tmp_path: Path, precision: str
) -> None:
    source = product(tmp_path)
    made = convert(from_tflite, source, precision, calibration=FEEDS)
    assert [(info.name, info.dtype) for info in made.model.inputs] == [("x", "float32")]
    assert [info.dtype for info in made.model.outputs] == ["float32"]
    assert made.model.path.stat().st_size < source.stat().st_size


@pytest.mark.long
@pytest.mark.parametrize("precision", ["S8", "F16"])
def test_a_quantised_file_is_refused_as_that(from_tflite: Converter, tmp_path: Path, precision: str) -> None:
    network = Network()
    given, made = network.tensor("x", (1, 64)), network.tensor("y", (1, 64))
    whole = network.tensor("whole", (1, 64), "int8", quantised=(0.1, 0))
    network.operator(QUANTIZE, [given], [whole])
    network.operator(DEQUANTIZE, [whole], [made])
    with pytest.raises(ConversionError, match="the model is quantised already"):
        convert(from_tflite, saved(network, given, made, tmp_path), precision, calibration=FEEDS)


@pytest.mark.long
def test_weights_in_f16_are_stored_in_8_bits(from_tflite: Converter, engine: EngineSpec, tmp_path: Path) -> None:
    """They stand in front of DEQUANTIZE, where the quantiser would see activations."""
    network = Network()
    narrow = network.tensor("narrow", (64, 64), "float16", data=WEIGHTS.astype(np.float16))
    given, weights, made = network.tensor("x", (1, 64)), network.tensor("wide", (64, 64)), network.tensor("y", (1, 64))
    network.operator(DEQUANTIZE, [narrow], [weights])
    network.operator(FULLY_CONNECTED, [given, weights, -1], [made], {0: Number("b", NONE)})
    source = saved(network, given, made, tmp_path)
    stored = convert(from_tflite, source, "S8", calibration=FEEDS)
    assert stored.model.path.stat().st_size < source.stat().st_size
    assert 0 < differences(stored, engine, source)["y"] < 0.2


@pytest.mark.long
def test_operators_of_older_files_are_known_and_outputs_keep_the_names_of_the_source(
    from_tflite: Converter, engine: EngineSpec, tmp_path: Path
) -> None:
    """They name operators in 8 bits; the quantiser reads the 32 that came later, and gives outputs names of its own."""
    network = Older()
    given, made = network.tensor("x", (1, 64)), network.tensor("y", (1, 64))
    constants = [network.tensor(f"c{data.ndim}", data.shape, data=data) for data in (WEIGHTS, WEIGHTS[0])]
    network.operator(FULLY_CONNECTED, [given, *constants], [made], {0: Number("b", NONE)})
    source = saved(network, given, made, tmp_path)
    stored = convert(from_tflite, source, "S8", calibration=FEEDS)
    assert stored.model.path.stat().st_size < source.stat().st_size / 2
    assert [info.called for info in stored.model.outputs] == ["y"]
    assert 0 < differences(stored, engine, source)["y"] < 0.2


class Older(Network):
    """A model as it was written before operators had numbers above 127."""

    def kind(self, kind: Kind) -> int:
        index = super().kind(kind)
        del self._codes[index][BUILTIN_CODE]
        return index


def product(folder: Path) -> Path:
    """Write a product with 64 times 64 weights as TFLite, without a signature, as some converters do."""
    network = Network()
    given = network.tensor("x", (1, 64))
    return saved(network, given, network.dense("y", given, (1, 64), WEIGHTS), folder)


def saved(network: Network, given: int, made: int, folder: Path) -> Path:
    path = folder / "net.tflite"
    path.write_bytes(network.save([given], [made]))
    return path
