"""Batches of real engines: what has a row for each sample is cut, and everything else refused by its name."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - fixtures
from typing import TYPE_CHECKING, Any

import pytest

for needed in ("numpy", "onnxruntime", "lpbench_ort", "openvino", "lpbench_openvino"):
    pytest.importorskip(needed, reason=f"needs {needed}")
onnx = pytest.importorskip("onnx", reason="needs onnx")

import numpy as np  # noqa: E402 - after the skips

from lpbench import benchmark  # noqa: E402
from lpbench.errors import EngineError  # noqa: E402
from lpbench.testing import onnx_models  # noqa: E402

if TYPE_CHECKING:
    from lpbench.testing.onnx_models import Value

FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
node = onnx.helper.make_node
X: Value = ("x", FLOAT, ("N", 4))


def suppression(path: Path, kept: int = 2) -> Path:
    """Save a suppression of boxes, which puts out rows of batch, class and index: as many as it keeps."""
    inputs: list[Value] = [("boxes", FLOAT, ("N", 4, 4)), ("scores", FLOAT, ("N", 1, 4))]
    nodes = [node("NonMaxSuppression", ["boxes", "scores", "kept"], ["rows"])]
    return onnx_models.save(path, nodes, inputs, [("rows", INT64, ("found", 3))], {"kept": np.array([kept])})


def mean(path: Path) -> Path:
    """Save a mean over the samples, which is one row for the whole batch."""
    nodes = [node("ReduceMean", ["x"], ["shared"], axes=[0], keepdims=1), node("Relu", ["x"], ["y"])]
    outputs: list[Value] = [("y", FLOAT, ("N", 4)), ("shared", FLOAT, (1, 4))]
    return onnx_models.save(path, nodes, [X], outputs)


def scalar(path: Path) -> Path:
    """Save a sum over everything."""
    nodes = [node("ReduceSum", ["x"], ["total"], keepdims=0), node("Relu", ["x"], ["y"])]
    return onnx_models.save(path, nodes, [X], [("y", FLOAT, ("N", 4)), ("total", FLOAT, ())])


def turned(path: Path) -> Path:
    """Save an output whose first dimension is that of time, as recurrent networks have it: two, as the batch."""
    inputs: list[Value] = [("x", FLOAT, ("N", 2, 4))]
    nodes = [node("Transpose", ["x"], ["states"], perm=[1, 0, 2])]
    return onnx_models.save(path, nodes, inputs, [("states", FLOAT, (2, "N", 4))])


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (suppression, r'output "rows" does not have one row for each sample: '),
        (mean, r'output "shared" does not have one row for each sample: 1x4 for one sample, 1x4 for 2'),
        (scalar, r'output "total" does not have one row for each sample: scalar for one sample, scalar for 2'),
        (turned, r'output "states" does not have one row for each sample: 2x\S+ for one sample, 2x2x4 for 2'),
    ],
)
def test_an_output_that_is_not_of_one_sample_each_is_refused_by_its_name(
    tmp_path: Path, engine: str, make: Any, said: str
) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        benchmark(make(tmp_path / "model.onnx"), engine=engine, batch=2, number=4, yardstick=False, isolate=False)
    assert "omit batch" in caught.value.hint


def test_rows_that_number_their_samples_are_refused_though_there_is_one_of_each(tmp_path: Path) -> None:
    """Of one sample it is row 0: the second of a batch says 1."""
    model = suppression(tmp_path / "model.onnx", kept=1)
    with pytest.raises(EngineError, match=r'"rows" .*: of 2 equal samples it gives rows that differ'):
        benchmark(model, engine="onnxruntime", batch=2, number=4, yardstick=False, isolate=False)


def test_a_sequence_is_refused(tmp_path: Path) -> None:
    helper = onnx.helper
    sequence = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None))
    graph = helper.make_graph(
        [node("SplitToSequence", ["x"], ["parts"], axis=0)],
        "graph",
        [helper.make_tensor_value_info(*X)],
        [helper.make_value_info("parts", sequence)],
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    with pytest.raises(EngineError, match=r'"parts" .*: a list for one sample, a list for 2'):
        benchmark(path, engine="onnxruntime", batch=2, number=4, yardstick=False, isolate=False)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("stated", ["N", "other", None])
def test_what_has_a_row_for_each_sample_is_measured(tmp_path: Path, engine: str, stated: str | None) -> None:
    """Whatever the file calls its dimension; the answers are those of single samples."""
    shape = (stated, 4) if stated else None
    model = onnx_models.save(tmp_path / "model.onnx", [node("Relu", ["x"], ["y"])], [X], [("y", FLOAT, shape)])
    several, one = (
        benchmark(model, engine=engine, batch=batch, number=4, yardstick=False, isolate=False)
        .configurations[0]
        .predictions
        for batch in (2, 1)
    )
    assert several == one
