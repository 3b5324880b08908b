"""Formatting of numbers, shares and durations, with three significant digits unless stated otherwise."""

from __future__ import annotations

import math

from lpbench.util.text import amount, seconds

ABSENT = "-"
"""Placeholder for a value that is not known."""
UNKNOWN = "not known"
"""In place of ± where there are too few runs for one."""
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


def around(value: float, lower: float, upper: float) -> str:
    """Return ± and the distance to an interval's farther end, or ``lower to upper`` where that is over half the value.

    Intervals of times and ratios are computed on a logarithmic scale: a wide one lies lopsided around its value, and
    ± would reach below 0.
    """
    from lpbench.results.stats import READABLE  # listings format numbers too, and have no statistics

    farther = max(upper - value, value - lower)
    if farther > READABLE * abs(value):
        return f"{digits(lower)} to {digits(upper)}"
    return spread(value, farther)


def beside(uncertainty: str) -> str:
    """Return an uncertainty as it stands right after its value: ``±0.2``, ``(3.20 to 40.6)``, ``± not known``."""
    if not uncertainty or uncertainty.startswith("±"):
        return uncertainty
    return f"± {uncertainty}" if uncertainty.startswith(UNKNOWN) else f"({uncertainty})"


def unknown(runs: int) -> str:
    """Return what stands in place of ± where there are too few runs for one."""
    return f"{UNKNOWN} ({amount(runs, 'run')})"


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


def time_left(value: float) -> str:
    """Return the time that something will still take, which is an estimate."""
    return f"{'' if value < 1 else 'about '}{seconds(value)} left"
