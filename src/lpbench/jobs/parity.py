"""How the results of two engines are compared, and the tolerance for it.

The kind of the reference's values decides:

=========================  ==========================================================================================
texts                      equal or not: all must be
whole numbers              equal or not, since an index is right or wrong; a share of them may differ, because where
                           scores tie an arg-max may go either way
whole numbers with scale   compared as the real values that they stand for; one rounding step is within tolerance
other numbers              by the deviation; in half precision one rounding step of the largest is within tolerance
=========================  ==========================================================================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.util.layouts import shape_text
from lpbench.util.text import shorten
from lpbench.worker.tensor_wire import align_layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from lpbench.worker.named_tensors import Tensor

    Array = npt.NDArray[Any]

FLOOR = 1e-3
"""Relative errors are divided by at least this fraction of the reference's largest magnitude, so that zeros count."""
NUMBERS, WHOLE, TEXTS = "biufcV", "biu", "OSU"
"""Kinds of numpy types: of numbers, V being that of ml_dtypes' bfloat16, of whole numbers, and of texts."""
MOST_UNEQUAL = 0.05
"""No tolerance permits a larger share of whole numbers to differ."""
STEP = 1.01
"""One rounding step and what rounding to single precision adds to it."""
HALF_STEP = 2**-10
"""One rounding step of half precision as a fraction of a value: two results that are both right may be so far apart."""
SHOWN = 40
"""Characters of a text that a reason repeats."""


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

    def of(self, values: Array) -> Tolerance:
        """Return the tolerance of a reference's values: of numbers in half precision at least one rounding step."""
        least = HALF_STEP if values.dtype.name == "float16" else 0.0
        return Tolerance(max(self.absolute, least), self.relative)

    @property
    def unequal(self) -> float:
        """Largest permitted share of whole numbers that differ."""
        return min(10 * self.absolute, MOST_UNEQUAL)


@dataclass(frozen=True)
class Comparison:
    """How one array compares with the reference's.

    :param count: Number of compared values.
    :param deviation: None for texts, and where the two cannot be compared.
    :param unequal: How many whole numbers or texts differ; None of other numbers.
    :param violation_ratio: The difference as a multiple of the tolerance, to rank several.
    :param reason: How it exceeds the tolerance, in words; empty if it does not.
    :param incomparable: Why nothing could be compared although both sides are alike; empty otherwise.
    """

    count: int = 0
    deviation: Deviation | None = None
    unequal: int | None = None
    violation_ratio: float = math.inf
    reason: str = ""
    incomparable: str = ""


F32 = Tolerance(absolute=1e-4, relative=1e-2)
"""Single precision.  On softmax outputs of networks of 26 to 54 layers, engines that only sum in a different order
deviated by 1e-7 to 4e-7; those that computed partly in half precision or bfloat16 by 1e-4 or more."""
F16 = Tolerance(absolute=1e-2, relative=1e-1)
"""Half precision.  A value has 11 bits, so each layer adds an error of up to 5e-4; 2e-4 to 2e-3 were measured."""


def compare(reference: Tensor, other: Tensor | None, allowed: Tolerance) -> Comparison:
    """Return how an array compares with the reference's, brought into the same layout.

    :param other: None if the other side has no such array.
    """
    if other is None:
        return Comparison(reason="it is missing")
    first, second = reference.values, align_layout(other, reference)
    try:
        unequal = count_unequal(first, second)
        if unequal is not None:
            return _equal_or_not(first, second, unequal, allowed)
        found = deviation(first, second)
    except LpbenchError as refusal:
        return Comparison(reason=refusal.what)
    if not found.count and found.not_finite[0] and not found.nonfinite_mismatch:
        return Comparison(deviation=found, violation_ratio=0.0, incomparable="no value of the reference is finite")
    step, allowed = max(reference.step, other.step), allowed.of(first)
    return Comparison(first.size, found, None, violation_ratio(found, allowed, step), violation(found, allowed, step))


def count_unequal(reference: Any, other: Any) -> int | None:
    """Return how many whole numbers or texts differ; None if the reference's values are other numbers.

    :raises LpbenchError: The shapes differ, or one side has texts and the other numbers.
    """
    import numpy as np

    first, second = np.asarray(reference), np.asarray(other)
    if first.dtype.kind not in WHOLE + TEXTS:
        return None
    if (first.dtype.kind in TEXTS) != (second.dtype.kind in TEXTS):
        raise LpbenchError(f"it holds {_words(second)}; the reference holds {_words(first)}")
    _refuse_other_shape(first, second)
    return int(np.count_nonzero(first != second))


def deviation(reference: Any, other: Any) -> Deviation:
    """Return the deviation of ``other`` from ``reference``, computed in float64.

    :raises LpbenchError: The shapes differ (the message names both), or the values are not numbers.
    """
    import numpy as np

    first, second = (as_floats(values) for values in (reference, other))
    _refuse_other_shape(first, second)
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


def violation_ratio(found: Deviation, allowed: Tolerance, step: float = 0.0) -> float:
    """Return the deviation as a multiple of the tolerance, to rank several deviations."""
    if found.nonfinite_mismatch:
        return math.inf
    if within_step(found, step):
        return found.max_absolute / (STEP * step)
    return max(found.max_absolute / _limit(found, allowed, step), found.mean_relative / allowed.relative)


def violation(found: Deviation, allowed: Tolerance, step: float = 0.0) -> str:
    """Return in words how a deviation exceeds the tolerance, or an empty text.

    :param step: Real value of one rounding step, if the values are quantised.
    """
    limit = _limit(found, allowed, step)
    if found.nonfinite_mismatch:
        differ = "value differs" if found.nonfinite_mismatch == 1 else "values differ"
        return f"{found.nonfinite_mismatch} {differ} where one or both are not finite"
    if not found.count and found.not_finite[0]:
        return "no value is finite"
    if within_step(found, step):
        return ""
    if not found.max_absolute <= limit:
        what = ", one rounding step" if limit == step else ""
        return f"max absolute error {found.max_absolute:.2g} is above {limit:.2g}{what}"
    if not found.mean_relative <= allowed.relative:
        return f"mean relative error {found.mean_relative:.2g} is above {allowed.relative:.2g}"
    return ""


def within_step(found: Deviation, step: float) -> bool:
    """Return whether quantised values are at most one rounding step apart."""
    return step > 0 and found.max_absolute <= STEP * step and bool(found.count)


def as_floats(values: Any) -> Array:
    """Return numbers in float64; complex ones with a last dimension of two: real and imaginary part.

    :raises LpbenchError: The values are not numbers.
    """
    import numpy as np

    array = np.asarray(values)
    if array.dtype.kind not in NUMBERS or array.dtype.names:
        raise LpbenchError(f"values of the type {array.dtype.name} cannot be compared")
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], axis=-1)
    return array.astype(np.float64)


def _equal_or_not(reference: Array, other: Array, unequal: int, allowed: Tolerance) -> Comparison:
    """Return the comparison of whole numbers, or of texts, of which no share may differ."""
    text = reference.dtype.kind in TEXTS
    share, limit = unequal / max(1, reference.size), 0.0 if text else allowed.unequal
    return Comparison(
        count=reference.size,
        deviation=None if text else deviation(reference, other),
        unequal=unequal,
        violation_ratio=share / limit if limit else math.inf if unequal else 0.0,
        reason=_unequal(reference, other, unequal) if share > limit else "",
    )


def _unequal(reference: Array, other: Array, unequal: int) -> str:
    """Return how many values differ, with the first of them."""
    at = (reference != other).argmax()
    pair = [shorten(str(array.flat[at]), SHOWN) for array in (other, reference)]
    verb = "differs" if unequal == 1 else "differ"
    return f"{unequal} of {reference.size} {_words(reference)} {verb}: {pair[0]} instead of {pair[1]}"


def _words(values: Array) -> str:
    kind = values.dtype.kind
    return "texts" if kind in TEXTS else "whole numbers" if kind in WHOLE else "numbers"


def _limit(found: Deviation, allowed: Tolerance, step: float) -> float:
    return max(allowed.absolute * max(1.0, found.peak), step)


def _refuse_other_shape(first: Array, second: Array) -> None:
    if first.shape != second.shape:
        raise LpbenchError(f"its shape is {shape_text(second.shape)}; the reference has {shape_text(first.shape)}")


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
