"""Checks a converted model against numbers recorded from the original model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from lpbench.errors import PullError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

TOLERANCE = 1e-3
"""Relative to the largest recorded number of an output; float32 with another order of summation deviates far less."""


@dataclass(frozen=True)
class Recorded:
    """The original model's outputs for the synthetic picture.

    :param outputs: Mean, standard deviation, first and last value of each output, by its name.
    :param mean: Subtracted from the picture's values, which are 0 to 255.
    :param std: Divisor of the difference.
    """

    outputs: Mapping[str, tuple[float, float, float, float]]
    mean: float = 0.0
    std: float = 1.0


def synthetic(shape: Sequence[int]) -> NDArray[np.float64]:
    """Return pseudo-random integers from 0 to 255 that are the same on every platform."""
    positions = np.arange(math.prod(shape), dtype=np.uint64)
    # Knuth's multiplicative hash, The Art of Computer Programming, volume 3, section 6.4
    hashed: NDArray[np.uint64] = (positions * np.uint64(2_654_435_761) >> np.uint64(16)) % np.uint64(256)
    return hashed.reshape(shape).astype(np.float64)


def check(path: Path, recorded: Recorded) -> None:
    """Run a model with ONNX's reference evaluator and compare its outputs.

    :raises PullError: An output differs from the recorded numbers; the message names it.
    """
    evaluator = ReferenceEvaluator(str(path))
    (declared,) = onnx.load(path, load_external_data=False).graph.input
    tensor = declared.type.tensor_type
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    shape = [dimension.dim_value or 1 for dimension in tensor.shape.dim]
    picture = (synthetic(shape) - recorded.mean) / recorded.std
    outputs = evaluator.run(list(recorded.outputs), {declared.name: picture.astype(dtype)})
    for (name, expected), values in zip(recorded.outputs.items(), outputs, strict=True):
        _compare(path, name, expected, values)


def _compare(path: Path, name: str, expected: tuple[float, ...], values: NDArray[Any]) -> None:
    actual = (values.mean(dtype=float), values.std(dtype=float), values.flat[0], values.flat[-1])
    allowed = TOLERANCE * max(map(abs, expected))
    # negated, so that NaN counts as a difference
    if not all(abs(have - want) <= allowed for have, want in zip(actual, expected, strict=True)):
        rounded = [round(float(value), 6) for value in actual]
        what = f'output "{name}" has mean, deviation, first and last value {rounded}'
        hint = f"the original gives {list(expected)}: this is a mistake in the conversion, please report it"
        raise PullError(what, where=path.name, hint=hint)
