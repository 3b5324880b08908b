"""Checks a converted model against numbers that the original gave when the recipe was written."""

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
"""Of the largest number recorded of an output: float32 in another order of summation stays far below it."""


@dataclass(frozen=True)
class Recorded:
    """What the original model gave for the synthetic picture.

    :param outputs: Mean, standard deviation, first and last value of each output by its name.
    :param mean: Subtracted from the picture's values, which are 0 to 255.
    :param std: What they are divided by after that.
    """

    outputs: Mapping[str, tuple[float, float, float, float]]
    mean: float = 0.0
    std: float = 1.0


def synthetic(shape: Sequence[int]) -> NDArray[np.float64]:
    """Return whole numbers from 0 to 255 that look random and are the same everywhere."""
    count = np.arange(math.prod(shape), dtype=np.uint64)
    # Knuth's multiplicative hash, The Art of Computer Programming, volume 3, section 6.4
    hashed: NDArray[np.uint64] = (count * np.uint64(2_654_435_761) >> np.uint64(16)) % np.uint64(256)
    return hashed.reshape(shape).astype(np.float64)


def check(path: Path, recorded: Recorded) -> None:
    """Run a model by ONNX's own evaluator and compare.

    :raises PullError: It gives other numbers; the text says which output.
    """
    evaluator = ReferenceEvaluator(str(path))
    (declared,) = onnx.load(path, load_external_data=False).graph.input
    tensor = declared.type.tensor_type
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    picture = (synthetic([each.dim_value or 1 for each in tensor.shape.dim]) - recorded.mean) / recorded.std
    found = evaluator.run(list(recorded.outputs), {declared.name: picture.astype(dtype)})
    for (name, wanted), values in zip(recorded.outputs.items(), found, strict=True):
        _compare(path, name, wanted, values)


def _compare(path: Path, name: str, wanted: tuple[float, ...], values: NDArray[Any]) -> None:
    told = (values.mean(dtype=float), values.std(dtype=float), values.flat[0], values.flat[-1])
    allowed = TOLERANCE * max(map(abs, wanted))
    # written so that NaN is a difference
    if not all(abs(one - other) <= allowed for one, other in zip(told, wanted, strict=True)):
        what = f'output "{name}" has mean, deviation, first and last value {[round(float(each), 6) for each in told]}'
        hint = f"the original gives {list(wanted)}: this is a mistake in the conversion, please report it"
        raise PullError(what, where=path.name, hint=hint)
