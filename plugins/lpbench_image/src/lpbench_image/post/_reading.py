"""Reads outputs in real numbers and a given shape, and maps points of the input to the source picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError
from lpbench_image._outputs import WHERE, choose, real

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo
    from lpbench.plugin.processor import Sample
    from lpbench_image.geometry import Affine, Geometry

    Floats = npt.NDArray[np.float32]


LARGE = 10_000
"""Array size from which linear algebra libraries may start threads."""


class Reader:
    """Reads one output of a model.

    :param name: The output's name in the config.
    :param outputs: The model's outputs.
    :param key: The config's key for the name.
    :param shape: The shape to read the output in; -1 for an open dimension.
    :raises ProcessorError: The output does not exist, or its size does not fit the shape.
    """

    def __init__(self, name: str, outputs: Sequence[TensorInfo], key: str, shape: tuple[int, ...]) -> None:
        self.info = choose(name, outputs, key)
        self._shape = shape
        self._open = bool(self.info.dynamic)
        if not self._open:
            self._check(self.info.shape, f"{WHERE}.{key}")  # type: ignore[arg-type] # none is dynamic

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Floats:
        """Return the output in real numbers; a view of the engine's memory if no conversion is needed.

        :raises ProcessorError: The output has another size, or holds NaN or infinity.
        """
        values = outputs[self.info.name]
        if self._open:
            self._check(values.shape, sample.name)
        numbers = real(values, self.info).reshape(self._shape)
        require_finite(numbers, self.info, sample)
        return numbers

    def _check(self, shape: Sequence[int], where: str) -> None:
        size, known = math.prod(shape), math.prod(length for length in self._shape if length > 0)
        if size and (size % known == 0 if -1 in self._shape else size == known):
            return
        expected = " x ".join("n" if length < 0 else str(length) for length in self._shape)
        raise ProcessorError(f'output "{self.info.called}" {list(shape)} does not hold {expected} numbers', where=where)


def with_batch(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of a map with a batch dimension, which some engines omit."""
    return (1, *shape) if len(shape) == 3 else tuple(shape)  # noqa: PLR2004 - channels, height, width


def require_finite(values: npt.NDArray[Any], info: TensorInfo, sample: Sample) -> None:
    """Refuse an output that contains NaN or infinity.

    :raises ProcessorError: A value is not finite; the error names the sample and the output.
    """
    if values.size < LARGE:
        flat = values.reshape(-1)
        with np.errstate(over="ignore"):  # a sum of squares may overflow by itself
            if math.isfinite(flat.dot(flat)):  # the usual case, in a third of the time of np.isfinite
                return
    finite = np.isfinite(values)
    if not finite.all():
        refuse(values[~finite].flat[0], info, sample)


def require_scores(values: npt.NDArray[Any], info: TensorInfo, sample: Sample) -> None:
    """Refuse a map of scores that contains NaN or plus infinity; minus infinity rules out a class.

    :raises ProcessorError: The highest value is not finite; the error names the sample and the output.
    """
    highest = np.maximum.reduce(values, axis=None)  # NaN if any value is NaN
    if not math.isfinite(highest):
        refuse(highest, info, sample)


def refuse(value: float, info: TensorInfo, sample: Sample) -> None:
    """Refuse an output because of one of its values.

    :raises ProcessorError: Always.
    """
    raise ProcessorError(
        f'output "{info.called}" holds {value}', where=sample.name, hint="half precision may overflow: try float32"
    )


def geometry_of(sample: Sample) -> Affine | Geometry:
    """Return the geometry of the model's input in the source picture.

    :raises ProcessorError: The preprocessor has not set it.
    """
    geometry: Affine | Geometry | None = sample.geometry
    if geometry is None:
        raise ProcessorError(
            "the preprocessor does not report where the input lies in the picture",
            where=sample.name,
            hint='use the preprocessor "image"',
        )
    return geometry


def points_in_source(points: npt.NDArray[Any], sample: Sample) -> Floats:
    """Map points ``(k, 3)``, x, y and depth in pixels of the input, to pixels of the source picture; float32.

    Depth is scaled by the square root of the area that a pixel of the input has in the picture.
    """
    (a, b, x), (c, d, y) = geometry_of(sample).rows
    matrix = np.array(((a, c, 0.0), (b, d, 0.0), (0.0, 0.0, math.sqrt(abs(a * d - b * c)))), np.float32)
    mapped: Floats = points.dot(matrix)
    mapped += np.array((x, y, 0.0), np.float32)
    return mapped


def sigmoid(logit: float) -> float:
    """Return the logistic function, computed so that large logits of either sign do not overflow."""
    return 0.5 + 0.5 * math.tanh(0.5 * logit)
