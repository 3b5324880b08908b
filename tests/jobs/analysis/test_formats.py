"""Analyses of one app agree in all formats to which it can be converted."""

from __future__ import annotations

import pytest

from lpbench.app import catalogue
from lpbench.errors import LpbenchError
from lpbench.jobs.analysis import analyze
from lpbench.jobs.conversion import convert

for name in ("onnx", "onnxruntime", "ncnn", "openvino", "ai_edge_litert"):
    pytest.importorskip(name, reason=f"needs {name}")

FORMATS = ("ncnn", "tflite", "openvino")


@pytest.mark.long
def test_mobilenet_costs_the_same_in_every_format() -> None:
    """Its operations to the last one; its weights too, since its batch normalisations are folded in the source."""
    try:
        folder = catalogue.pull("imagenet-mobilenet-v2")
        for each in FORMATS:
            convert(folder, each)
    except LpbenchError as error:
        pytest.skip(f"needs network: {error.what}")
    source, *others = (analyze(folder, format=each) for each in ("onnx", *FORMATS))
    for found in others:
        assert found.flop == pytest.approx(source.flop, rel=0.01)
        assert found.params == pytest.approx(source.params, rel=0.01)
        assert found.storage_bytes == pytest.approx(source.storage_bytes, rel=0.01)
        assert not found.uncounted
