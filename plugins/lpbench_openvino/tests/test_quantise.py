"""NNCF in an environment of its own: the model in 8 bits computes nearly what its source does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lpbench_openvino
from lpbench.plugin.converter import ConversionError
from lpbench.testing import fixtures
from lpbench.testing.conversions import OnnxModels, convert, differences
from lpbench_openvino import _quantise

if TYPE_CHECKING:
    from lpbench.plugin.converter import Converter
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

pytest.importorskip("onnx", reason="needs onnx, with which the models are written")
pytest.importorskip("onnxruntime", reason="needs onnxruntime, which conversions are compared with")

spec = fixtures.converter_spec(lpbench_openvino, "openvino-nncf")
engine = fixtures.engine_spec(lpbench_openvino, "openvino")
converter = fixtures.converter(lpbench_openvino, "openvino-nncf", {"needs Python": "needs python 3.10 to 3.13"})
models = fixtures.in_folder(OnnxModels)


def samples() -> list[dict[str, Any]]:
    random = np.random.default_rng(4)
    return [{"image": random.random((1, 3, 8, 8), np.float32)} for _ in range(8)]


def test_the_spec_names_the_version_that_is_installed(spec: ConverterSpec) -> None:
    assert (spec.reads, spec.writes, spec.precisions) == ("onnx", "openvino", ("S8",))
    assert spec.calibrated == {"S8"}
    assert f"nncf=={spec.version.split(',')[0]}" in _quantise.TOOL.requirements
    assert all("==" in each for each in _quantise.TOOL.requirements)


def test_it_runs_what_the_tools_of_onnx_runtime_made(models: OnnxModels, engine: EngineSpec) -> None:
    """One file in 8 bits serves several engines: QuantizeLinear and DequantizeLinear are ONNX's own."""
    narrowing = pytest.importorskip("lpbench_ort._convert", reason="needs lpbench-ort, which makes the file")
    source = models.network("N")
    made = convert(narrowing.OnnxNarrowing(), source, "S8", calibration=samples())
    assert 0 < differences(made, engine, source)["logits"] < 0.2


@pytest.mark.long
def test_it_computes_nearly_what_its_source_does(models: OnnxModels, converter: Converter, engine: EngineSpec) -> None:
    """Inputs keep their names and types, and open dimensions stay open."""
    source = models.network("N")
    made = convert(converter, source, "S8", calibration=samples())
    (image,) = made.model.inputs
    assert (image.called, image.dtype, image.shape[1:]) == ("image", "float32", (3, 8, 8))
    assert image.dynamic
    assert 0 < differences(made, engine, source)["logits"] < 0.2
    assert {"nncf", "openvino"} <= set(made.tools)


@pytest.mark.long
def test_without_samples_it_is_refused(models: OnnxModels, converter: Converter) -> None:
    with pytest.raises(ConversionError, match="no samples to take ranges from"):
        convert(converter, models.network(), "S8")
