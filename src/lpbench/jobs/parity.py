"""The deviation between the numbers of two engines, and the tolerance for it."""

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
"""Relative errors are divided by at least this fraction of the reference's largest magnitude, so that zeros count."""
NUMBERS = "biufV"
"""Kinds of numpy types that are numbers; V is the kind of ml_dtypes' bfloat16."""


@dataclass(frozen=True)
class Deviation:
    """The deviation of values from a reference.

    Only values that are finite in both count.  The relative error of a value is its absolute error over the magnitude
    of the reference's value, or over ``FLOOR`` times the reference's largest magnitude if that is larger; it is
    infinite if the reference is zero everywhere and the other is not.

    :param count: Number of compared values: finite in both.
    :param peak: Largest magnitude in the reference.
    :param cosine: Cosine of the angle between the two as vectors: 1 if both are zero, 0 if only one is.
    :param not_finite: Number of values that are NaN or infinite: in the reference, and in the other.
    :param nonfinite_mismatch: Number of values that are finite in only one, or are different non-finite values.
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
    """The largest permitted deviation.

    :param absolute: Limit of the largest absolute error; multiplied by the reference's peak if that exceeds 1.
    :param relative: Limit of the mean relative error, which reveals errors of small values.
    """

    absolute: float
    relative: float


F32 = Tolerance(absolute=1e-4, relative=1e-2)
"""Single precision.  On softmax outputs of networks of 26 to 54 layers, engines that only sum in a different order
deviated by 1e-7 to 4e-7; those that computed partly in half precision or bfloat16 by 1e-4 or more."""
F16 = Tolerance(absolute=1e-2, relative=1e-1)
"""Half precision.  A value has 11 bits, so each layer adds an error of up to 5e-4; 2e-4 to 2e-3 were measured."""


def deviation(reference: Any, other: Any) -> Deviation:
    """Return the deviation of ``other`` from ``reference``, computed in float64.

    :raises LpbenchError: The shapes differ (the message names both), or the values are not numbers.
    """
    import numpy as np

    first, second = (_floats(values) for values in (reference, other))
    if first.shape != second.shape:
        raise LpbenchError(f"its shape is {shape_text(second.shape)}; the reference has {shape_text(first.shape)}")
    finite = np.isfinite(first) & np.isfinite(second)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    counts = tuple(int(array.size - np.count_nonzero(np.isfinite(array))) for array in (first, second))
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
    """Return several deviations as one: the worst of each figure, and means over all values.

    :raises ValueError: The sequence is empty.
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
    """Return the deviation as a multiple of the tolerance, to rank several deviations."""
    if found.nonfinite_mismatch:
        return math.inf
    return max(found.max_absolute / _limit(found, allowed), found.mean_relative / allowed.relative)


def violation(found: Deviation, allowed: Tolerance) -> str:
    """Return in words how a deviation exceeds the tolerance, or an empty text."""
    limit = _limit(found, allowed)
    if found.nonfinite_mismatch:
        return f"{found.nonfinite_mismatch} values differ where one or both are not finite"
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
    """Return the cosine; vectors are scaled by their largest magnitude so that no square over- or underflows."""
    import numpy as np

    peaks = [float(np.abs(vector).max(initial=0.0)) for vector in (first, second)]
    if not all(peaks):
        return 0.0 if any(peaks) else 1.0
    first, second = (vector / peak for vector, peak in zip((first, second), peaks, strict=True))
    lengths = math.sqrt(float(first @ first)) * math.sqrt(float(second @ second))
    return max(-1.0, min(1.0, float(first @ second) / lengths))
