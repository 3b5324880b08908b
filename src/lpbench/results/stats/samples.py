"""Takes samples from outside: refuses what is no latency, and keeps integers exact."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Number = int | float

_LARGEST = 1e100
"""No latency in any unit; squares of what lies below it stay finite."""


def as_numbers(values: Iterable[Number]) -> list[Number]:
    """Return ``values`` as a list of Python numbers in the order of measuring.

    Anything with ``tolist`` (``array``, a numpy array) gives exact Python numbers by it.

    :raises ValueError: Naming the first sample that is no number, NaN, infinite or negative, or that there are none.
    """
    found: list[Number] = values.tolist() if hasattr(values, "tolist") else list(values)
    if not found:
        raise ValueError("no samples")
    try:
        sound = not math.isnan(sum(found)) and min(found) >= 0 and max(found) <= _LARGEST
    except (TypeError, OverflowError):  # text among them, or integers beyond any float
        sound = False
    if not sound:
        _complain(found)
    return found


def positive(values: Iterable[Number]) -> list[Number]:
    """Return ``values`` likewise, refusing zero: what ratios and logarithms are taken of."""
    found = as_numbers(values)
    if min(found) <= 0:
        raise ValueError(f"sample {found.index(0)} is 0: no ratio can be taken of it")
    return found


def middle(ordered: list[Number]) -> Number:
    """Return the median of sorted values, a whole number where it is one."""
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else between(ordered[half - 1], ordered[half])


def between(low: Number, high: Number) -> Number:
    """Return the mean of two numbers, a whole number where it is one."""
    if isinstance(low, int) and isinstance(high, int):
        total = low + high
        return total / 2 if total % 2 else total // 2
    return low + (high - low) / 2


def _complain(found: list[Any]) -> None:
    """Raise ValueError for the first bad sample."""
    for at, value in enumerate(found):
        if not isinstance(value, (int, float)):
            raise ValueError(f"sample {at} is no number: {value!r}")  # noqa: TRY004 - one kind of error for every bad sample
        if not 0 <= value <= _LARGEST:
            raise ValueError(
                f"sample {at} is negative: {value} (did the clock step?)" if value < 0 else f"sample {at} is {value}"
            )
