"""How far the numbers of two engines are apart, and how far they may be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.util.layouts import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]

FLOOR = 1e-3
"""Relative errors of values below this share of the reference's largest are taken of that share: zeros have none."""
NUMBERS = "biufV"
"""Kinds of numpy's types that are numbers; V is how numpy sees bfloat16 of ml_dtypes."""


@dataclass(frozen=True)
class Deviation:
    """How far values are from those of the reference.

    Errors are taken where both are finite.  The relative error of a value is its absolute error over the magnitude
    of the reference's value, or over ``FLOOR`` times the reference's largest magnitude where that is more; it is
    infinite where the reference is zero everywhere and the other is not.

    :param count: Values that were compared: finite in both.
    :param peak: Largest magnitude in the reference.
    :param cosine: Of the angle between the two as vectors: 1 where both are zero, 0 where one is.
    :param not_finite: Values that are NaN or infinite: in the reference, and in the other.
    :param nonfinite_mismatch: Values of which only one is finite, or which are not finite in different ways.
    """

    count: int
    peak: float
    max_absolute: float
    mean_absolute: float
    max_relative: float
    mean_relative: float
    cosine: float
    not_finite: tuple[int, int] = (0, 0)
    nonfinite_mismatch: int = 0


@dataclass(frozen=True)
class Tolerance:
    """How far values may be apart.

    :param absolute: Largest absolute error, for values up to 1; times the reference's peak where that is more.
    :param relative: Mean relative error: what a small absolute error of small values would hide.
    """

    absolute: float
    relative: float


F32 = Tolerance(absolute=1e-4, relative=1e-2)
"""Single precision: engines that only add in another order were 1e-7 to 4e-7 apart on softmax outputs of networks of
26 to 54 layers; those that computed partly in half precision or in bfloat16 from 1e-4 on."""
F16 = Tolerance(absolute=1e-2, relative=1e-1)
"""Half precision: a value has 11 bits, so each layer adds up to 5e-4 of it; 2e-4 to 2e-3 were measured."""


def deviation(reference: Any, other: Any) -> Deviation:
    """Return how far ``other`` is from ``reference``, computed in float64.

    :raises LpbenchError: The shapes differ, naming both, or one of the two holds no numbers.
    """
    import numpy as np

    first, second = (_floats(each) for each in (reference, other))
    if first.shape != second.shape:
        raise LpbenchError(f"its shape is {shape_text(second.shape)}; the reference has {shape_text(first.shape)}")
    finite = np.isfinite(first) & np.isfinite(second)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    counts = tuple(int(each.size - np.count_nonzero(np.isfinite(each))) for each in (first, second))
    nonfinite_mismatch = int(np.count_nonzero(~finite & ~same))
    first, second = first[finite], second[finite]
    errors = np.abs(second - first)
    peak = float(np.abs(first).max(initial=0.0))
    relative = _relative(errors, first, peak)
    return Deviation(
        count=first.size,
        peak=peak,
        max_absolute=float(errors.max(initial=0.0)),
        mean_absolute=_mean(errors),
        max_relative=float(relative.max(initial=0.0)),
        mean_relative=_mean(relative),
        cosine=_cosine(first, second),
        not_finite=(counts[0], counts[1]),
        nonfinite_mismatch=nonfinite_mismatch,
    )


def merge(found: Sequence[Deviation]) -> Deviation:
    """Return several deviations as one: the worst of each, and means over all values.

    :raises ValueError: There are none.
    """
    count = sum(each.count for each in found)

    def mean(name: str) -> float:
        return math.fsum(getattr(each, name) * each.count for each in found if each.count) / max(count, 1)

    return Deviation(
        count=count,
        peak=max(each.peak for each in found),
        max_absolute=max(each.max_absolute for each in found),
        mean_absolute=mean("mean_absolute"),
        max_relative=max(each.max_relative for each in found),
        mean_relative=mean("mean_relative"),
        cosine=min(each.cosine for each in found),
        not_finite=(sum(each.not_finite[0] for each in found), sum(each.not_finite[1] for each in found)),
        nonfinite_mismatch=sum(each.nonfinite_mismatch for each in found),
    )


def violation_ratio(found: Deviation, allowed: Tolerance) -> float:
    """Return how many times what is tolerated a deviation is: to tell which of several is the worst."""
    if found.nonfinite_mismatch:
        return math.inf
    return max(found.max_absolute / _limit(found, allowed), found.mean_relative / allowed.relative)


def violation(found: Deviation, allowed: Tolerance) -> str:
    """Return in words why a deviation is more than is tolerated, or an empty text."""
    limit = _limit(found, allowed)
    if found.nonfinite_mismatch:
        return f"{found.nonfinite_mismatch} values are not finite in one and otherwise in the other"
    if not found.count and found.not_finite[0]:
        return "no value is finite"
    if not found.max_absolute <= limit:
        return f"max absolute error {found.max_absolute:.2g} is above {limit:.2g}"
    if not found.mean_relative <= allowed.relative:
        return f"mean relative error {found.mean_relative:.2g} is above {allowed.relative:.2g}"
    return ""


def _limit(found: Deviation, allowed: Tolerance) -> float:
    return allowed.absolute * max(1.0, found.peak)


def _floats(values: Any) -> Array:
    import numpy as np

    array = np.asarray(values)
    if array.dtype.kind not in NUMBERS or array.dtype.names:
        raise LpbenchError(f"values of the type {array.dtype.name} cannot be compared")
    return array.astype(np.float64)


def _relative(errors: Array, reference: Array, peak: float) -> Array:
    import numpy as np

    if not peak:
        return np.where(errors > 0, np.inf, 0.0)
    return np.asarray(errors / np.maximum(np.abs(reference), FLOOR * peak))


def _mean(values: Array) -> float:
    return float(values.mean()) if values.size else 0.0


def _cosine(first: Array, second: Array) -> float:
    """Return the cosine, of vectors scaled by their largest magnitude so that no square overflows or vanishes."""
    import numpy as np

    sizes = [float(np.abs(each).max(initial=0.0)) for each in (first, second)]
    if not all(sizes):
        return 0.0 if any(sizes) else 1.0
    first, second = (each / size for each, size in zip((first, second), sizes, strict=True))
    lengths = math.sqrt(float(first @ first)) * math.sqrt(float(second @ second))
    return max(-1.0, min(1.0, float(first @ second) / lengths))
