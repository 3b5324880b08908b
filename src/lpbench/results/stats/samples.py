"""Validates samples from outside: raises for anything that is not a latency, and keeps integers exact."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Number = int | float

_FARTHEST = 400.0
_LARGEST = 1e100
"""No latency in any unit is larger; squares up to here stay finite."""


def as_numbers(values: Iterable[Number]) -> list[Number]:
    """Return ``values`` as a list of Python numbers in the order of measuring.

    ``tolist``, where ``values`` has it (``array``, numpy arrays), converts them to Python numbers exactly.

    :raises ValueError: There are no samples, or one is not a number, NaN, infinite or negative; names the first.
    """
    numbers: list[Number] = values.tolist() if hasattr(values, "tolist") else list(values)
    if not numbers:
        raise ValueError("no samples")
    try:
        valid = not math.isnan(sum(numbers)) and min(numbers) >= 0 and max(numbers) <= _LARGEST
    except (TypeError, OverflowError):  # text among them, or integers too large for a float
        valid = False
    if not valid:
        _complain(numbers)
    return numbers


def positive(values: Iterable[Number]) -> list[Number]:
    """Return ``values`` as ``as_numbers`` does, for ratios and logarithms.

    :raises ValueError: As ``as_numbers``, and if a sample is 0.
    """
    numbers = as_numbers(values)
    if min(numbers) <= 0:
        raise ValueError(f"sample {numbers.index(0)} is 0: a ratio needs values above 0")
    return numbers


def bounded_exp(logarithm: float) -> float:
    """Return e to a power, kept within what floats can compute with.

    The interval of a few runs that differ by orders of magnitude reaches further.
    """
    return math.exp(max(-_FARTHEST, min(_FARTHEST, logarithm)))


def middle(ordered: list[Number]) -> Number:
    """Return the median of sorted values, as an integer where it is one."""
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else between(ordered[half - 1], ordered[half])


def between(low: Number, high: Number) -> Number:
    """Return the mean of two numbers, as an integer where it is one."""
    if isinstance(low, int) and isinstance(high, int):
        total = low + high
        return total / 2 if total % 2 else total // 2
    return low + (high - low) / 2


def _complain(samples: list[Any]) -> None:
    """Raise ValueError for the first invalid sample."""
    for at, value in enumerate(samples):
        if not isinstance(value, (int, float)):
            raise ValueError(f"sample {at} is not a number: {value!r}")  # noqa: TRY004 - one exception type for all
        if not 0 <= value <= _LARGEST:
            raise ValueError(
                f"sample {at} is negative: {value} (did the clock step?)" if value < 0 else f"sample {at} is {value}"
            )
