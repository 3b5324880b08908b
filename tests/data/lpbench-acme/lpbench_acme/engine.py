"""The engine itself, imported in the worker that measures it: a model is a JSON file with one factor."""

import json
import lpbench
import numpy as np
from lpbench.plugin.kit import feed_checks


class Scaled(lpbench.Session):
    outputs = (lpbench.TensorInfo("y", "float32", (1, 4)),)

    def __init__(self, path, factor, shapes):
        self.inputs = feed_checks.fixed((lpbench.TensorInfo("x", "float32", (1, 4)),), shapes)
        self.path, self.factor = str(path), np.float32(factor)

    def run(self, feeds, /):
        problem = feed_checks.problem(feeds, self.inputs)
        if problem or self.factor is None:
            raise lpbench.EngineError(problem[0] if problem else "the session is closed", where=self.path)
        return {"y": feeds["x"] * self.factor}

    def close(self):
        self.factor = None

    def describe(self):
        return {"version": np.__version__, "device": "cpu", "processor": "CPU", "precision": "F32"}


class Acme(lpbench.Engine):
    def open(self, model, config, /, *, shapes, profile=False):
        try:
            return Scaled(model.path, json.loads(model.path.read_text())["factor"], shapes)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise lpbench.EngineError(f"cannot be loaded: {error}", where=str(model.path)) from error
