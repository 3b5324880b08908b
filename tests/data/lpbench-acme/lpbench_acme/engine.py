"""The engine itself, imported in the worker that measures it: a model is a JSON file with one factor."""

import json

import lpbench
import numpy as np
from lpbench.plugin.kit import feed_checks


class Scaled(lpbench.Session):
    """A loaded model: multiplies its input."""

    outputs = (lpbench.TensorInfo("y", "float32", (1, 4)),)

    def __init__(self, path, factor, shapes):
        self.inputs = feed_checks.fixed((lpbench.TensorInfo("x", "float32", (1, 4)),), shapes)
        self.path, self.factor = str(path), np.float32(factor)

    def run(self, feeds, /):
        if self.factor is None:
            raise lpbench.EngineError("the session is closed", where=self.path)
        if problem := feed_checks.problem(feeds, self.inputs):
            raise lpbench.EngineError(problem[0], where=self.path, hint=problem[1])
        return {"y": feeds["x"] * self.factor}

    def close(self):
        self.factor = None

    def describe(self):
        return {"version": np.__version__, "device": "cpu", "processor": "CPU", "precision": "F32"}


class Acme(lpbench.Engine):
    """Opens such files."""

    def open(self, model, config, /, *, shapes, profile=False):
        try:
            return Scaled(model.path, json.loads(model.path.read_text())["factor"], shapes)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise lpbench.EngineError(f"cannot be loaded: {error}", where=str(model.path)) from error
