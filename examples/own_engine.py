"""Measure your own engine without packaging it: pass an instance.

This engine multiplies matrices with numpy; its model file is a matrix in numpy's format.
Run: python examples/own_engine.py
"""

import tempfile
from pathlib import Path

import numpy as np

import lpbench
from lpbench.plugin.engine import Feeds, Model, Outputs, Session, Shapes, TensorInfo


class MatrixSession(Session):
    """Multiplies its input by the model's matrix."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.inputs = (TensorInfo("x", "float32", (1, matrix.shape[0])),)
        self.outputs = (TensorInfo("y", "float32", (1, matrix.shape[1])),)
        self._matrix = matrix

    def run(self, feeds: Feeds, /) -> Outputs:
        """Return the product."""
        return {"y": feeds["x"] @ self._matrix}

    def close(self) -> None:
        """Do nothing: there are no resources to free."""


class MatrixEngine(lpbench.Engine[None]):
    """Opens matrices."""

    def open(self, model: Model, config: None, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Read the matrix."""
        return MatrixSession(np.load(model.path, allow_pickle=False))


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "matrix.npy"
    np.save(path, np.random.default_rng(0).random((512, 512), dtype="float32"))
    app = lpbench.model_app(path, format="npy")
    result = lpbench.benchmark(app, engine=MatrixEngine(), number=200)

print(f"{result.latency.value:.4f} ms, {result.configurations[0].engine}, in this process")
