"""An engine whose model file lists names of layers; each multiplies by a matrix seeded with its position."""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lpbench.errors import EngineError
from lpbench.plugin.engine import Engine, Feeds, Model, Outputs, Session, Shapes, TensorInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


UNLUCKY = 13
"""Every engine refuses this number."""


@dataclass(frozen=True)
class MatrixConfig:
    """The engine's faults.

    :param size: Size of the vectors.
    :param off: Error added to the first output of the layer ``at``.
    :param fused: Add the error only if intermediate tensors are not exposed.
    :param do: Another fault in a run.
    """

    size: int = 4
    off: float = 0.0
    at: str = ""
    fused: bool = False
    do: Literal["", "crash", "raise", "nan", "shape"] = ""


class MatrixEngine(Engine[MatrixConfig]):
    """Reads the names."""

    def open(self, model: Model, config: MatrixConfig, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Return a session that outputs the last layer."""
        names = json.loads(model.path.read_bytes())
        return MatrixSession(names, names[-1:], config)

    def open_exposed(self, model: Model, config: MatrixConfig, /, *, shapes: Shapes) -> Session:
        """Return a session that outputs every layer."""
        names = json.loads(model.path.read_bytes())
        return MatrixSession(names, names, config)


class MatrixSession(Session):
    """Multiplies."""

    def __init__(self, names: Sequence[str], shown: Sequence[str], config: MatrixConfig) -> None:
        self.inputs = (TensorInfo("x", "float32", (1, config.size)),)
        self.outputs = tuple(TensorInfo(name, "float32", (1, config.size)) for name in shown)
        self._names = names
        self._shown = shown
        self._config = config

    def run(self, feeds: Feeds, /) -> Outputs:
        """Multiply by a matrix for each layer."""
        _obey(self._config.do)
        if (feeds["x"] == UNLUCKY).any():
            _obey("raise")
        values, found = feeds["x"], {}
        for at, name in enumerate(self._names):
            values = values @ np.random.default_rng(at).standard_normal((self._config.size,) * 2).astype(np.float32)
            if name == self._config.at and not (self._config.fused and len(self._shown) > 1):
                values[0, 0] += self._config.off
            found[name] = np.full_like(values, np.nan) if self._config.do == "nan" else values
        return {name: found[name][:, : 2 if self._config.do == "shape" else None] for name in self._shown}

    def close(self) -> None:
        """Free nothing."""

    def describe(self) -> Mapping[str, Any]:
        """Return the facts that the tests read."""
        return {"version": "2.5", "makers": {name: f"MatMul {name}" for name in self._names}}


def _obey(do: str) -> None:
    if do == "crash":
        ctypes.string_at(0)
    if do == "raise":
        raise EngineError("this input is not liked", hint="like it")
