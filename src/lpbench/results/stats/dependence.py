"""Autocorrelation of the samples of one run, computed from which of them lie above a level.

Each sample contributes one bit, above or below the median; the series is one integer, and its
autocorrelation at a lag is a count of set bits.  A million samples therefore take milliseconds,
outliers weigh no more than other samples, and the correlation of these bits is exactly what the
variance of the median depends on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from lpbench.results.stats.samples import Number  # noqa: TC001 - resolved by get_type_hints of what uses it

_SHORT_LAGS = 5
_LONGEST_LAG = 1000
_WINDOW = 5
"""The window of the sum of correlations, in correlation times (Sokal's rule)."""
_SURE = 3.0
_LIKELY = 1.64
_MATERIAL = 1.2


class Dependence(NamedTuple):
    """How strongly the samples of a run are autocorrelated.

    :param time: Correlation time, 1 + 2 x the sum of autocorrelations: so many samples carry as much information
        as one independent sample.  Summed over a window of five times itself and corrected for the bias of a short
        series (Wolff's 1 + (2W + 1) / n).
    :param score: Sum of the first five autocorrelations over its standard deviation in independent samples.
    """

    time: float
    score: float

    @property
    def found(self) -> bool:
        """Whether it is significant (three standard deviations) and matters (intervals 10 % too narrow)."""
        return self.score > _SURE and self.time >= _MATERIAL

    @property
    def factor(self) -> float:
        """Number of samples over their effective number.

        It applies from the 5 % level on, earlier than the flag: an interval that is too wide does less harm than
        one that is too narrow.
        """
        return self.time if self.score > _LIKELY and self.time >= _MATERIAL else 1.0


INDEPENDENT = Dependence(1.0, 0.0)


def dependence(values: list[Number], level: Number) -> Dependence:
    """Return how strongly "above ``level``" in one sample predicts the same in the next samples.

    :param values: In the order of measuring.
    """
    return _dependence(bits_above(values, level), len(values))


def bits_above(values: list[Number], level: Number) -> int:
    """Return an integer with one bit per sample, set if it lies above ``level``; the first sample is the top bit."""
    return int(bytes([48 + (value > level) for value in values]), 2)  # 48 is "0"; int() is linear in base 2


def pairs_above(bits: int, lags: int = _SHORT_LAGS) -> int:
    """Return how many pairs of set bits are at most ``lags`` apart."""
    return sum((bits & bits >> lag).bit_count() for lag in range(1, lags + 1))


def _dependence(bits: int, count: int) -> Dependence:
    share = bits.bit_count() / count
    spread = share * (1 - share)
    longest = min(_LONGEST_LAG, count // 4)
    if not spread or longest < _SHORT_LAGS:
        return INDEPENDENT
    time, score = 1.0, 0.0
    for lag in range(1, longest + 1):
        time += 2 * _correlation(bits, count, lag, spread)
        if lag == _SHORT_LAGS:
            score = (time - 1) / 2 * math.sqrt(count / _SHORT_LAGS)
        if lag >= max(_SHORT_LAGS, _WINDOW * time):
            break
    return Dependence(max(1.0, time * (1 + (2 * lag + 1) / count)), score)


def _correlation(bits: int, count: int, lag: int, spread: float) -> float:
    """Return the autocorrelation at ``lag``: neighbours differ with probability 2 x spread x (1 - correlation)."""
    inner = count - lag
    changed = ((bits ^ bits >> lag) & ((1 << inner) - 1)).bit_count()
    return 1 - changed / inner / (2 * spread)
