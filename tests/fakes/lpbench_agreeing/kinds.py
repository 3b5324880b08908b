"""An engine whose model file lists kinds of outputs: whole numbers, texts, maps, sequences, what does not repeat."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.engine import Engine, Feeds, Model, Outputs, Session, Shapes, TensorInfo

if TYPE_CHECKING:
    from collections.abc import Callable

SCALE, ZERO_POINT = 0.5, 3


@dataclass(frozen=True)
class KindsConfig:
    """The engine's faults.

    :param off: Added to the outputs of the kind ``at``.
    """

    off: float = 0.0
    at: str = ""


def _texts(_: int, off: float) -> Any:
    return np.array([["yes", "maybe" if off else "no"]], object)


def _ragged(_: int, off: float) -> Any:
    return [np.ones((2, 3), np.float32), np.ones((1, 3), np.float32) + np.float32(off)]


KINDS: dict[str, Callable[[int, float], Any]] = {
    "numbers": lambda _, off: np.array([[0.5, 1.5]], np.float32) + np.float32(off),
    "ids": lambda _, off: np.array([[39998, 7, 0, 12]]) + int(off),
    "mask": lambda _, off: np.arange(10_000).reshape(1, 100, 100) % 3 + (np.arange(10_000) < off).reshape(1, 100, 100),
    "steps": lambda _, off: np.array([[10, 20, 30, 40]], np.uint8) + np.uint8(off),
    "texts": _texts,
    "maps": lambda _, off: [{"cat": 0.25 + off, "dog": 0.75}, {"cow": 1.0}],
    "ragged": _ragged,
    "shorter": lambda _, off: [np.ones(3, np.float32)] * (2 - int(off)),
    "complex": lambda _, off: np.array([1 + 2j, 3 + off * 1j]),
    "empty": lambda _, off: np.zeros((0, 4), np.float32),
    "nan": lambda _, off: np.full((1, 4), np.nan, np.float32),
    "random": lambda _, off: np.random.default_rng().random((1, 4)),
    "state": lambda run, off: np.array([[float(run)]]),
    "seldom": lambda run, off: np.array([[run % 3 == 0]]),
}
"""By name, a function of the number of the run and the error."""


class KindsEngine(Engine[KindsConfig]):
    """Reads the list."""

    def open(self, model: Model, config: KindsConfig, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Return a session that has an output of each kind."""
        return KindsSession(json.loads(model.path.read_bytes()), config)


class KindsSession(Session):
    """Answers without looking at its input."""

    def __init__(self, kinds: list[str], config: KindsConfig) -> None:
        self.inputs = (TensorInfo("x", "float32", (1, 4)),)
        self.outputs = tuple(
            TensorInfo(kind, "uint8", (1, 4), scale=SCALE, zero_point=ZERO_POINT)
            if kind == "steps"
            else TensorInfo(kind, "float32", ())
            for kind in kinds
        )
        self._kinds = kinds
        self._config = config
        self._runs = 0

    def run(self, feeds: Feeds, /) -> Outputs:
        """Return every kind, the one of the config with its error."""
        self._runs += 1
        return {
            kind: KINDS[kind](self._runs, self._config.off if kind == self._config.at else 0.0) for kind in self._kinds
        }

    def close(self) -> None:
        """Free nothing."""
