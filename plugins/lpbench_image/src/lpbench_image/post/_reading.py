"""Outputs as real numbers in a shape of ours, and points of the input as points of the source picture."""

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
"""Numbers above which linear algebra may start threads."""


class Reader:
    """Reads one output of a model.

    :param name: What the config calls it.
    :param outputs: The model's.
    :param key: The config's key for it.
    :param shape: What it is read as; -1 is open.
    :raises ProcessorError: There is no such output, or its values do not make this shape.
    """

    def __init__(self, name: str, outputs: Sequence[TensorInfo], key: str, shape: tuple[int, ...]) -> None:
        self.info = choose(name, outputs, key)
        self._shape = shape
        self._open = bool(self.info.dynamic)
        if not self._open:
            self._check(self.info.shape, f"{WHERE}.{key}")  # type: ignore[arg-type] # none is dynamic

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Floats:
        """Return the output in real numbers; a view of the engine's memory where nothing had to be converted.

        :raises ProcessorError: It has another size, or holds what is no finite number.
        """
        values = outputs[self.info.name]
        if self._open:
            self._check(values.shape, sample.name)
        found = real(values, self.info).reshape(self._shape)
        require_finite(found, self.info, sample)
        return found

    def _check(self, shape: Sequence[int], where: str) -> None:
        size, known = math.prod(shape), math.prod(each for each in self._shape if each > 0)
        if size and (size % known == 0 if -1 in self._shape else size == known):
            return
        wanted = " x ".join("n" if each < 0 else str(each) for each in self._shape)
        raise ProcessorError(f'output "{self.info.called}" {list(shape)} is not {wanted} numbers', where=where)


def with_batch(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of a map with a dimension for the batch, which some engines leave out."""
    return (1, *shape) if len(shape) == 3 else tuple(shape)  # noqa: PLR2004 - channels, height, width


def require_finite(values: npt.NDArray[Any], info: TensorInfo, sample: Sample) -> None:
    """Refuse an output with NaN or infinity in it.

    :raises ProcessorError: Naming the sample and the output.
    """
    if values.size < LARGE:
        flat = values.reshape(-1)
        with np.errstate(over="ignore"):  # a sum of squares may overflow by itself
            if math.isfinite(flat.dot(flat)):  # the rule, at a third of the price
                return
    finite = np.isfinite(values)
    if not finite.all():
        refuse(values[~finite].flat[0], info, sample)


def require_scores(values: npt.NDArray[Any], info: TensorInfo, sample: Sample) -> None:
    """Refuse a map of scores with NaN or infinity in it; minus infinity is a class ruled out.

    :raises ProcessorError: Naming the sample and the output.
    """
    highest = np.maximum.reduce(values, axis=None)  # NaN where there is one
    if not math.isfinite(highest):
        refuse(highest, info, sample)


def refuse(value: float, info: TensorInfo, sample: Sample) -> None:
    """Refuse an output for one of its values.

    :raises ProcessorError: Always.
    """
    raise ProcessorError(
        f'output "{info.called}" holds {value}', where=sample.name, hint="half precision may overflow: try float32"
    )


def geometry_of(sample: Sample) -> Affine | Geometry:
    """Return where the model's input lay in the source picture.

    :raises ProcessorError: The preprocessor did not say.
    """
    found: Affine | Geometry | None = sample.geometry
    if found is None:
        raise ProcessorError(
            "the preprocessor does not tell where the input lay in the picture",
            where=sample.name,
            hint='the preprocessor "image" does',
        )
    return found


def points_in_source(points: npt.NDArray[Any], sample: Sample) -> Floats:
    """Return points in pixels of the input, ``(k, 3)``: x, y, depth, in pixels of the source picture, float32.

    Depth is scaled as areas are: by the square root of a unit square's area.
    """
    (a, b, x), (c, d, y) = geometry_of(sample).rows
    turn = np.array(((a, c, 0.0), (b, d, 0.0), (0.0, 0.0, math.sqrt(abs(a * d - b * c)))), np.float32)
    found: Floats = points.dot(turn)
    found += np.array((x, y, 0.0), np.float32)
    return found


def sigmoid(logit: float) -> float:
    """Return the logistic function, written so that neither end overflows."""
    return 0.5 + 0.5 * math.tanh(0.5 * logit)
