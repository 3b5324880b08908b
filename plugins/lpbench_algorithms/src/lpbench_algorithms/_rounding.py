"""Numbers of fewer bits: float64 values rounded to a precision, an array at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
FULL = 53
"""Bits of a float64's significand, its leading one among them."""
EXPONENT = 0x7FF << 52
"""Those of its exponent."""


def rounded(values: Array, bits: int) -> Array:
    """Return the nearest numbers whose significands have some bits; of two that are as near, the even one.

    The exponent keeps its 11 bits: subnormal numbers lose precision and too large ones become infinite, as in IEEE
    754.  Infinities and NaN stay.  Of 53 bits nothing is rounded, and the array itself is returned.

    :param bits: 1 to 53.
    """
    if bits == FULL:
        return values
    dropped = FULL - bits
    patterns = np.ascontiguousarray(values, np.float64).view(np.int64)
    # One bit alone is the leading one, which is not stored: it is odd, but for subnormal numbers, which have none.
    odd = (patterns >> dropped) & 1 if bits > 1 else (patterns & EXPONENT != 0).astype(np.int64)
    # Adding just under half a step, or half a step to an odd pattern, carries into what is kept where it rounds up: the
    # exponent follows the significand, so that a carry out of this one is the next power of two.
    nearest = (patterns + ((1 << (dropped - 1)) - 1 + odd)) & ~((1 << dropped) - 1)
    return np.where(np.isfinite(values), nearest.view(np.float64), values)
