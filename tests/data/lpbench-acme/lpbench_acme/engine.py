"""The engine itself, imported in the worker that measures it: a model is a text file with one number."""

import lpbench
import numpy as np


class Scaled(lpbench.Session):
    """A loaded model: multiplies its input."""

    inputs = (lpbench.TensorInfo("x", "float32", (1, 4)),)
    outputs = (lpbench.TensorInfo("y", "float32", (1, 4)),)

    def __init__(self, factor):
        self.factor = np.float32(factor)

    def run(self, feeds, /):
        return {"y": feeds["x"] * self.factor}

    def close(self):
        pass


class Acme(lpbench.Engine):
    """Opens such files."""

    def open(self, model, config, /, *, shapes, profile=False):
        try:
            return Scaled(model.path.read_text())
        except ValueError as error:
            raise lpbench.EngineError(str(error), where=str(model.path)) from error
