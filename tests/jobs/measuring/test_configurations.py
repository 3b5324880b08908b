"""Configurations of one run that differ in tile, batch, streams and threads, on a real engine."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - fixtures
from typing import TYPE_CHECKING, Any

import pytest

for needed in ("numpy", "onnxruntime", "lpbench_ort"):
    pytest.importorskip(needed, reason=f"needs {needed}")
onnx = pytest.importorskip("onnx", reason="needs onnx")

import lpbench  # noqa: E402 - after the skips
from lpbench import render  # noqa: E402
from lpbench.errors import LpbenchError  # noqa: E402
from lpbench.results.json_document import from_dict  # noqa: E402
from lpbench.results.stages import SAMPLE, TOTAL  # noqa: E402
from lpbench.testing import onnx_models  # noqa: E402
from lpbench.util.portable import allowed_cores  # noqa: E402

if TYPE_CHECKING:
    from lpbench.results.model import Configuration
    from lpbench.testing.onnx_models import Value

FLOAT = onnx.TensorProto.FLOAT
ENGINES = [
    "onnxruntime:threads=1",
    "onnxruntime:threads=1:batch=4",
    "onnxruntime:threads=1:streams=2:tile=16x12",
]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Save a pooling of images of any size and number."""
    x: Value = ("x", FLOAT, ("N", 3, "H", "W"))
    nodes = [onnx.helper.make_node("GlobalAveragePool", ["x"], ["y"])]
    return onnx_models.save(tmp_path / "pool.onnx", nodes, [x], [("y", FLOAT, ("N", 3, 1, 1))])


def shape(each: Configuration) -> list[Any]:
    """Return the shape of the only input as the session had it."""
    return list(each.inputs[0]["shape"])


@pytest.mark.long
def test_each_is_opened_measured_and_named_by_what_is_its_own(model: Path) -> None:
    result = lpbench.benchmark(model, engine=ENGINES, tile="8x6", runs=2, max_time=1, profile=True)
    names = ["onnxruntime:tile=8x6", "onnxruntime:batch=4:tile=8x6", "onnxruntime:streams=2:tile=16x12"]
    assert list(result.by_name()) == names
    one, four, streams = result.configurations
    assert [shape(each) for each in (one, four, streams)] == [[1, 3, 6, 8], [4, 3, 6, 8], [1, 3, 12, 16]]
    assert one.configuration.affinity == four.configuration.affinity == (allowed_cores()[-1],)
    assert streams.configuration.affinity == ()
    assert four.metrics["THROUGHPUT"].source == "offline: batches of 4, 1 stream"
    assert one.metrics["THROUGHPUT"].source == "samples one after another"
    assert all(each.profile for each in result.configurations)
    assert [set(pair.ratios) >= {TOTAL, SAMPLE} for pair in result.lockstep] == [True, True]
    assert from_dict(result.to_dict()) == result
    assert "order and verdicts go by the time of one sample: wall time of slices" in render.text(result)


def test_what_one_cannot_run_is_a_row_of_its_own(model: Path) -> None:
    words = ["onnxruntime:threads=1:tile=8x6", "onnxruntime:threads=1:tile=8x6:batch=2"]
    result = lpbench.benchmark(model, engine=words, explain=True, runs=1, number=6)
    measured, refused = result.configurations
    assert measured.measured
    assert "breaks down the latency of single samples" in refused.outcome.detail


def test_a_model_of_another_tile_says_which_it_takes(tmp_path: Path) -> None:
    x: Value = ("x", FLOAT, (1, 3, 6, 8))
    nodes = [onnx.helper.make_node("GlobalAveragePool", ["x"], ["y"])]
    fixed = onnx_models.save(tmp_path / "fixed.onnx", nodes, [x], [("y", FLOAT, (1, 3, 1, 1))])
    with pytest.raises(LpbenchError) as caught:
        lpbench.benchmark(fixed, engine="onnxruntime", tile=(16, 12), runs=1, number=6)
    assert 'input "x" takes 8x6 alone, not the tile 16x12' in str(caught.value)
    assert lpbench.benchmark(fixed, engine="onnxruntime:tile=8x6", runs=1, number=6).configurations[0].measured


def test_a_variant_that_the_app_lacks_is_refused_for_its_configuration_alone(model: Path) -> None:
    words = ["onnxruntime:tile=8x6", "onnxruntime:tile=8x6:variant=s8"]
    measured, refused = lpbench.benchmark(model, engine=words, runs=1, number=6).configurations
    assert measured.measured
    assert 'no variant "s8"' in refused.outcome.detail
    with pytest.raises(LpbenchError, match='no variant "s8"'):
        lpbench.benchmark(model, engine=words[1:], runs=1, number=6)
