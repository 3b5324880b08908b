"""Analyses are kept, and made again once a file that they depend on has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lpbench.errors import AnalysisError
from lpbench.jobs.analysis import analyze
from lpbench.testing import onnx_models
from lpbench.testing.onnx_models import BESIDE, FLOAT

if TYPE_CHECKING:
    from pathlib import Path

np = pytest.importorskip("numpy", reason="needs numpy")
onnx = pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("lpbench_ort", reason="needs lpbench_ort, whose analyzer reads ONNX")


@pytest.mark.parametrize("location", ["weights.bin", "weights/first.bin"])
def test_an_answer_is_not_repeated_once_weights_beside_the_model_are_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / location).parent.mkdir(exist_ok=True)
    product = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    weights = {"w": np.ones((3, 3), np.float32)}
    ends = [("x", FLOAT, (1, 3))], [("y", FLOAT, (1, 3))]
    stored: dict[str, Any] = {"location": location, **BESIDE}
    model = onnx_models.save(tmp_path / "m.onnx", [product], *ends, weights, **stored)
    assert analyze(model).params == 9
    (tmp_path / location).write_bytes(bytes(8))
    with pytest.raises(AnalysisError, match="ends before weight"):
        analyze(model)
