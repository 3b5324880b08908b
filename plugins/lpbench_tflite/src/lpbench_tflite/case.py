"""The conformance kit's case for LiteRT: two small models, written without its tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.engine import Model
from lpbench.plugin.kit.tflite_file import CUSTOM
from lpbench.testing import EngineCase
from lpbench.testing.cases import NO_SUCH_OPERATOR
from lpbench_tflite._precision import identity
from lpbench_tflite._write import RELU, Kind, Network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROWS = 2
SIZES = (8, 6)
"""Length of an input and of an output."""


def case(folder: Path, options: Mapping[str, Any]) -> EngineCase:  # noqa: ARG001 - the kit's signature
    """Return ``y = relu(x w)`` for two vectors, and an identity that shows the precision."""
    random = np.random.default_rng(5)
    weights = random.standard_normal(SIZES).astype(np.float32)
    feeds, other = (random.standard_normal((ROWS, SIZES[0])).astype(np.float32) for _ in range(2))
    network = Network()
    vectors = network.tensor("x", (ROWS, SIZES[0]))
    output = network.dense("y", vectors, (ROWS, SIZES[1]), np.ascontiguousarray(weights.T), RELU)
    return EngineCase(
        model=_save(folder / "model.tflite", network.save([vectors], [output])),
        feeds={"x": feeds},
        other={"x": other},
        expected={"y": np.maximum(feeds @ weights, 0)},
        identity=_save(folder / "identity.tflite", identity()),
        unsupported=_save(folder / "unsupported.tflite", _unsupported()),
    )


def _unsupported() -> bytes:
    network = Network()
    ends = [network.tensor(name, (1, 4)) for name in ("x", "y")]
    network.operator(Kind(CUSTOM, custom=NO_SUCH_OPERATOR), ends[:1], ends[1:])
    return network.save(ends[:1], ends[1:])


def _save(path: Path, content: bytes) -> Model:
    path.write_bytes(content)
    return Model("tflite", path)
