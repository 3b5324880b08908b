"""Formatting of numbers, shares and durations, with three significant digits unless stated otherwise."""

from __future__ import annotations

import math

ABSENT = "-"
"""Placeholder for a value that is not known."""
SIGNIFICANT = 3
SMALLEST = 1e-4
"""Numbers below it are written with an exponent: leading zeros are easily miscounted."""
LARGEST = 1e7
FINEST = 6
"""Most decimals of a half width; a smaller one is written with an exponent."""


def digits(
    value: object, significant: int = SIGNIFICANT, *, smallest: float = SMALLEST, largest: float = LARGEST
) -> str:
    """Return a number with three significant digits, or a dash for anything that is not a finite number.

    Only exactly 0 is written as ``0``.

    :param smallest: Numbers below it, and from ``largest`` on, are written with an exponent.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return ABSENT
    if value == 0:
        return "0"
    if not smallest <= abs(value) < largest:
        mantissa, exponent = f"{value:.{significant - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    places = significant - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    places = significant - 1 - math.floor(math.log10(abs(rounded)))  # 9.996 became 10.0
    return f"{rounded:.{max(0, places)}f}"


def spread(value: float, half: float) -> str:
    """Return ± and the half width of an interval: with the value's decimals, or more if those would show 0."""
    shown, wide = digits(value), digits(half)
    if "e" in shown or wide == ABSENT or half >= LARGEST:
        return f"±{digits(half, 2)}"
    fewest = _decimals(shown) if "e" in wide or not half else min(_decimals(shown), _decimals(wide))
    texts = (f"{half:.{places}f}" for places in range(fewest, max(fewest, FINEST) + 1))
    return f"±{next((text for text in texts if float(text) or not half), digits(half, 1))}"


def _decimals(shown: str) -> int:
    return len(shown.partition(".")[2])


def percent(share: float) -> str:
    """Return a share in percent with two significant digits."""
    return f"{digits(100 * share, 2)} %"


def seconds(value: float) -> str:
    """Return a duration in a readable unit: ``4 s``, ``2 min``, ``1.5 h``."""
    if value < 1:
        return "under 1 s"
    if value < 100:  # noqa: PLR2004 - up to here seconds are easier to read than minutes
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 6000 else f"{value / 3600:.1f} h"  # noqa: PLR2004 - same for minutes
