"""An engine whose model is a JSON object of formulas.

``{"inputs": [{"name": "x", "shape": [1, 3]}], "outputs": [{"name": "y", "formula": "softmax"}]}``; every formula
is applied to the first input.  ``order`` "crash at load" ends the process, "report" reports that something is built,
``weights`` names a file with a factor.
"""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import EngineError
from lpbench.plugin import progress
from lpbench.plugin.engine import Engine, Session, TensorInfo
from lpbench.plugin.kit import feed_checks as checks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.plugin.engine import Feeds, Model, Outputs, Shapes

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Options:
    """Options of both engines."""

    exact: bool = False


def softmax(values: Array) -> Array:
    """Return shares of exponentials along the last axis."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


FORMULAS: dict[str, Callable[[Array], Array]] = {
    "softmax": softmax,
    "ones": np.ones_like,
    "nan": lambda values: np.full_like(values, np.nan),
    "half": lambda values: np.full_like(values, 0.5),
    "double": lambda values: 2 * values,
    "negative": lambda values: -values,
    "backwards": lambda values: 2 * values[..., ::-1],
    "shorter": lambda values: 2 * values[..., :-1],
    "rough": lambda values: (2 * values).astype(np.float16).astype(np.float32),
    "largest": lambda values: values.argmax(axis=-1),
    "random": lambda values: values + np.random.default_rng().random(values.shape, np.float32),
    "smallest": lambda values: values.argmin(axis=-1),
}


class Formulas(Engine[Any]):
    """Reads the object."""

    def open(self, model: Model, config: Any, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Return a session, or crash if the object says so."""
        if not isinstance(config, Options):
            raise TypeError(f"got {config!r} for a config")
        try:
            found = json.loads(model.path.read_bytes())
        except ValueError as error:
            raise EngineError(f"cannot load: {error}", where=str(model.path)) from error
        if found.get("order") == "report":
            progress.report("building the engine", 0.42)
        if found.get("order") == "crash at load":
            ctypes.string_at(0)
        factor = float((model.path.parent / found["weights"]).read_text("ascii")) if "weights" in found else 1.0
        return FormulaSession(found, shapes, factor)


class FormulaSession(Session):
    """Checks its feeds strictly."""

    def __init__(self, found: Mapping[str, Any], shapes: Shapes, factor: float) -> None:
        self.inputs = checks.fixed([_info(each) for each in found["inputs"]], shapes)
        self.outputs = [TensorInfo(each["name"], "float32", ()) for each in found["outputs"]]
        self._formulas = {each["name"]: FORMULAS[each["formula"]] for each in found["outputs"]}
        self._factor = factor

    def run(self, feeds: Feeds, /) -> Outputs:
        """Compute all outputs."""
        wrong = checks.problem(feeds, self.inputs)
        if wrong:
            raise EngineError(wrong[0], hint=wrong[1])
        values = feeds[self.inputs[0].name] * np.float32(self._factor)
        return {name: formula(values) for name, formula in self._formulas.items()}

    def close(self) -> None:
        """Nothing is held."""

    def describe(self) -> Mapping[str, Any]:
        """Return a version."""
        return {"version": "3"}


def _info(said: Mapping[str, Any]) -> TensorInfo:
    return TensorInfo(said["name"], said.get("dtype", "float32"), tuple(said["shape"]))
