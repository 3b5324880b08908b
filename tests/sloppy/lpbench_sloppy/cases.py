"""The cases for the checks of the sloppy plugin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.engine import Model, TensorInfo
from lpbench.testing import AlgorithmCase, EngineCase, MonitorCase, PostprocessorCase, PreprocessorCase
from lpbench.testing.cases import NO_SUCH_OPERATOR

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OUTPUTS = (TensorInfo("y", "float32", (1, 3)),)


def engine(folder: Path, options: Mapping[str, Any]) -> EngineCase:
    """Return a model of two files, and one that multiplies by one."""
    if options.get("case") == "broken":
        raise ValueError("no model today")
    x, other = np.arange(6, dtype=np.float32).reshape(2, 3), np.full((2, 3), 7, np.float32)
    z = np.full((2, 3), 0.5, np.float32)
    return EngineCase(
        model=_model(folder, "model", (2, 3, 4)),
        feeds={"x": x, "z": z},
        other={"x": other, "z": z + 1},
        expected={"y": x * np.array([2, 3, 4], np.float32) + z},
        identity=_model(folder, "identity", (1, 1, 1), ("x",)),
        unsupported=_model(folder, "unsupported", (1, 1, 1), (NO_SUCH_OPERATOR,)),
        timeout=20,
    )


def preprocessor(folder: Path, options: Mapping[str, Any]) -> PreprocessorCase:
    """Return two files of three numbers."""
    samples = []
    for name, numbers in (("one.txt", "1 2 3"), ("two.txt", "4 5 6")):
        (folder / name).write_text(numbers, encoding="ascii")
        samples.append(folder / name)
    expected = {"x": np.array([[2, 4, 6]], np.float32)}
    return PreprocessorCase(inputs=(TensorInfo("x", "float32", (1, 3)),), samples=tuple(samples), expected=expected)


def postprocessor(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return outputs of three classes."""
    given, other = np.array([[0.25, 0.5, 0]], np.float32), np.array([[1, 0, 0]], np.float32)
    top = [{"label": "b", "score": 0.5}, {"label": "a", "score": 0.25}, {"label": "c", "score": 0.0}]
    labels = ("a", "b", "c")
    return PostprocessorCase(
        outputs=OUTPUTS, given={"y": given}, other={"y": other}, labels=labels, expected={"top": top}
    )


def monitor(folder: Path, options: Mapping[str, Any]) -> MonitorCase:
    """Return a case with a short duration."""
    return MonitorCase(seconds=0.02)


def _model(folder: Path, name: str, factors: tuple[int, ...], inputs: tuple[str, ...] = ("x", "z")) -> Model:
    path, weights = folder / f"{name}.sloppy", folder / f"{name}.bin"
    path.write_text(json.dumps({"kind": "sloppy", "inputs": inputs}), encoding="ascii")
    weights.write_bytes(np.array(factors, np.float32).tobytes())
    return Model("sloppy", path, (weights,))


def algorithm(folder: Path, options: Mapping[str, Any]) -> AlgorithmCase:
    """Return the case of the algorithm."""
    return AlgorithmCase(values={"count": 3})
